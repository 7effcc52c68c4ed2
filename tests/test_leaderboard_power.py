"""What a track's runs can tell: one row against many, and the difference that they can find."""

import json
from argparse import ArgumentParser
from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import chi2, kstest

from leaderboard.cli.parser import add_parser
from leaderboard.compare.against import against, against_table
from leaderboard.compare.gate.costs import LENGTHS
from leaderboard.compare.pair import compare
from leaderboard.compare.per_question import pool_of
from leaderboard.compare.power import UNKNOWN, power, power_text, resolution
from leaderboard.compare.regress import Rule, regress
from leaderboard.rows.rank import rows
from leaderboard.stats.averages import is_tuned, matrices, seeds
from leaderboard.stats.holm import holm
from leaderboard.stats.intervals import _residual, difference, seed_variance
from leaderboard.stats.rank_intervals import rank_intervals
from leaderboard.store import board
from leaderboard.store.board import PUBLISHED, by_label, load, of_label, suite, tracks
from leaderboard.store.comparable import distinct
from leaderboard.store.reading import RecordError
from tests.board_verb import run
from tests.leaderboard_records import record, save, trained, with_costs


def noisy(label, seed, n=60, share=0.6):
    rng = np.random.default_rng([seed, *map(ord, label)])
    share = share + rng.normal() * 0.08
    bits = {name: (rng.random(n) < share).astype(int).tolist() for name in ("id_a", "ood_a")}
    return record(label, seed, outcomes=bits)


def matrix(records, name):
    return np.array([each.data_sets[name].strict for each in records], dtype=float)


@pytest.fixture
def track():
    """Four trained rows, one of them with a single seed, and one that only prompts."""
    labels = ("std_cot", "kard", "mt_cot")
    runs = [noisy(label, seed) for label in labels for seed in range(3)]
    prompts = [trained(noisy("zero_shot", seed), n_steps=0) for seed in range(3)]
    return [*runs, noisy("cascod", 0), *prompts]


def test_the_trained_rows_of_a_track_with_two_seeds_make_the_pool(track):
    pool = seeds(track)
    labels = ("std_cot", "kard", "mt_cot")
    expected = seed_variance([[matrix(of_label(track, label), "id_a")] for label in labels])
    assert expected.variance > 0 and expected.df == 6
    assert pool.of(of_label(track, "cascod"), ["id_a"]) == expected
    assert pool.of(of_label(track, "zero_shot"), ["id_a"]) is None
    assert seeds([noisy("kard", 0)]).of([noisy("kard", 0)], ["id_a"]) is None


def test_a_row_without_a_right_answer_tells_nothing_of_the_others(track):
    lost = [noisy("kaft", seed, share=-1) for seed in range(3)]
    assert not any(sum(each.data_sets["id_a"].strict) for each in lost)
    assert seeds([*track, *lost]) == seeds(track)


def test_a_row_of_one_seed_is_as_wide_as_the_others_seeds_make_it(track):
    alone = {row.method: row for row in rows(of_label(track, "cascod"))}
    among = {row.method: row for row in rows(track)}
    assert among["cascod"].id.stderr > alone["cascod"].id.stderr
    same = rows(of_label(track, "cascod"), track)
    assert same[0].id == among["cascod"].id


def test_a_row_has_one_interval_whichever_rows_are_beside_it(track, tmp_path, monkeypatch, capsys):
    own = {"name": "tuned", "of": "kard", "settings": {}, "trials_sha256": "none"}
    tuned = [
        replace(noisy("kard", seed, share=0.3), label="kard+tuned", snapshot={"own": own})
        for seed in range(3)
    ]
    save(tmp_path / "records" / "v1", [*track, *tuned])
    monkeypatch.setattr(board, "PUBLISHED", tmp_path / "records")
    parser = ArgumentParser()
    add_parser(parser.add_subparsers())
    found = list[dict[str, dict[str, object]]]()
    for words in (["show", "toy"], ["show", "toy", "--untuned"]):
        args = parser.parse_args(["board", *words, "--json"])
        assert args.run(args) == 0
        found.append({row["method"]: row for row in json.loads(capsys.readouterr().out)})
    assert found[0]["std_cot"]["id"] == found[1]["std_cot"]["id"]
    assert ("kard" in found[0], "kard+tuned" in found[1]) == (False, False)


@pytest.mark.parametrize(("rate", "is_same"), [(1e-3, True), (3e-3, False)])
def test_a_run_that_has_two_labels_tells_how_seeds_differ_once(track, rate, is_same):
    of_track = {"training": {"learning_rate": 1e-3}}
    own = {"name": "tuned", "of": "kard", "settings": {"learning_rate": rate}}
    again = [
        replace(each, label="kard+tuned", snapshot={"track": of_track, "own": own})
        for each in of_label(track, "kard")
    ]
    assert (seeds([*track, *again]) == seeds(track)) is is_same
    assert (pool_of(LENGTHS, [*track, *again]) == pool_of(LENGTHS, track)) is is_same


@pytest.mark.parametrize(("rate", "is_same"), [(1e-3, True), (3e-3, False)])
def test_a_row_whose_trials_chose_the_track_s_settings_varies_as_it_does_untuned(
    track, rate, is_same
):
    of_track = {"training": {"learning_rate": 1e-3}}
    again, apart = (
        [
            replace(
                noisy(label, seed, share=0.2 + 0.3 * seed),
                label=f"{label}+tuned",
                snapshot={
                    "track": of_track,
                    "own": {"name": "tuned", "of": label, "settings": {"learning_rate": rate}},
                },
            )
            for seed in range(3)
        ]
        for label, rate in (("kard", rate), ("mt_cot", 9.0))
    )
    pool = seeds([*track, *again, *apart])
    untuned = pool.of(of_label(track, "kard"), ["id_a"])
    assert pool.of(apart, ["id_a"]) != untuned
    assert (pool.of(again, ["id_a"]) == untuned) is is_same


def test_rows_that_are_tuned_and_the_others_have_a_pool_each(track):
    own = {"name": "tuned", "of": "kard", "settings": {"learning_rate": 9}}
    tuned = [
        replace(noisy("kard", n, share=0.2 + 0.3 * n), label="kard+tuned", snapshot={"own": own})
        for n in range(3)
    ]
    found, names = seeds([*track, *tuned]), ["id_a"]
    others, of_tuned = of_label(track, "kard"), found.of(tuned, names)
    assert found.of(others, names) == seeds(track).of(others, names) != of_tuned
    assert of_tuned == seeds(tuned).of(tuned, names)
    assert seeds(track).of(tuned, names) == seeds(track).of(others, names), "where it has none"
    apart = difference(
        *(matrices(runs, "id") for runs in (tuned, others)),
        (of_tuned, found.of(others, names)),
    )
    sides = [tuned, others]
    ranks = rank_intervals(
        [matrices(runs, "id") for runs in sides], [found.of(s, names) for s in sides]
    )
    assert (ranks[0] != ranks[1]) == (apart.p <= 0.05)


def test_seeds_that_answered_other_questions_are_refused(track):
    other = with_costs(noisy("kard", 3), "id_a", items=[f"other/{i}" for i in range(60)])
    with pytest.raises(RecordError, match="other items"):
        seeds([*track, other])


def test_one_row_against_many_is_one_family_of_tests(track):
    others = [of_label(track, label) for label in ("kard", "mt_cot", "cascod")]
    base = of_label(track, "std_cot")
    found = against(base, others, track)
    pairs = [compare(base, other, track) for other in others]
    plain = [gap.p for pair in pairs for gap in (pair.id, pair.ood)]
    assert [gap.p for each in found for gap in (each.id, each.ood)] == holm(plain) != plain
    assert [each.id.value for each in found] == [pair.id.value for pair in pairs]
    assert against_table("std_cot", found).splitlines()[2].startswith("kard ")
    only_id = [record("a", outcomes={"id_a": [1, 0]}), record("b", outcomes={"id_a": [0, 1]})]
    (alone,) = against(only_id[:1], [only_id[1:]], only_id)
    assert alone.ood is None
    assert against_table("a", [alone]).splitlines()[2].split()[-2:] == ["-", "-"]


def test_a_pool_leaves_no_test_that_speaks_of_one_run_alone(track):
    one, other = of_label(track, "cascod"), [noisy("kard", 0, share=0.3)]
    alone, beside = (compare(one, other, runs) for runs in ([*one, *other], track))
    assert alone.data_sets["id_a"].p < beside.data_sets["id_a"].p


def test_more_seeds_find_a_smaller_difference_and_the_number_for_a_gap_is_the_first_enough(track):
    first, _ = power(track, [1, 3, 9], 0.2, track)
    told = list(first.detectable.values())
    assert told == sorted(told, reverse=True) and len(set(told)) == 3
    assert (first.reference, first.n_rows, first.df) == ("std_cot", 3, 6)
    enough = first.n_seeds_for_gap
    (again, _) = power(track, [enough - 1, enough], 0.2, track)
    assert again.detectable[enough] <= 0.2 < again.detectable[enough - 1]
    (hopeless, _) = power(track, [3], 0.001, track)
    assert hopeless.n_seeds_for_gap is None and "more items" in power_text([hopeless])


def test_one_run_does_not_tell_what_several_would_find(track):
    """Six rows of one seed would outvote two that show how much of their spread is chance."""
    single = [noisy(f"once{i}", 0) for i in range(6)]
    both = [*track, *single]
    few, many = (power(runs, [1, 3], 0.2, both) for runs in (track, both))
    for of_few, of_many in zip(few, many, strict=True):
        assert of_many.detectable[3] == of_few.detectable[3]
        assert of_many.detectable[1] != of_few.detectable[1]


def test_a_table_says_how_small_a_difference_it_can_tell(track):
    def told(n, runs):
        id_, ood = power(runs, [n], 0.05, runs)
        points = f"of {100 * id_.detectable[n]:.1f} points ID and {100 * ood.detectable[n]:.1f}"
        return f"{points} points OOD with {n} seed{'s' if n > 1 else ''} a row"

    said = resolution(track, ["std_cot", "kard"], track)
    assert f"a difference from std_cot {told(3, track)} is found 80 times" in said
    fewer = [run for run in track if run.label != "kard" or run.seed == 0]
    said = resolution(fewer, ["std_cot", "kard"], fewer)
    assert f"a difference from std_cot {told(1, fewer)}, or {told(3, fewer)} is found" in said
    without = [run for run in track if run.label != "std_cot"]
    single = [run for run in track if run.seed == 0]
    for few in (without, single):
        assert resolution(few, ["kard"], few).startswith(UNKNOWN)


def test_the_gate_takes_the_seeds_of_base_and_new_together(track):
    base = [run for run in track if run.label != "cascod"]
    new = [noisy("kard", 0, share=0.4)]
    alone = regress("toy", of_label(base, "kard")[:1], new)
    pooled = regress("toy", base, new, common=True)
    p = {f.metric: f.p for f in alone.findings}
    assert all(f.p > p[f.metric] for f in pooled.findings if f.metric in ("id", "ood"))


def test_runs_that_base_and_new_share_are_counted_once(track):
    new = [*track, noisy("kard", 3)]
    assert Rule.of(track, track).pool == Rule.of(track).pool
    assert Rule.of(track, new, new).pool == Rule.of(track).pool, "one run more of no table"
    later = [trained(run, seconds=9.0) for run in of_label(track, "kard")]
    assert Rule.of(track, later) == Rule.of(track), "they came out again"
    assert Rule.of(track, [noisy("kard", n) for n in (3, 4)]).pool != Rule.of(track).pool


@pytest.mark.parametrize("kind", [True, False])
@pytest.mark.parametrize("group", ["id", "ood"])
def test_the_trained_rows_of_pocket_vary_alike_those_that_are_tuned_and_the_others(group, kind):
    """With S seeds (S - 1) x what a row's seeds tell / what the pool expects is chi-squared."""
    found = [run for run in load("pocket", suite(PUBLISHED, "pocket")) if run.training.n_steps]
    of_kind = [runs for runs in by_label(distinct(found)[0]).values() if is_tuned(runs) == kind]
    rows = [matrices(runs, group) for runs in of_kind if len(runs) == 3]
    pool = seed_variance(rows)
    chance = [3 * sum(_residual(m) for m in each) / len(each) ** 2 for each in rows]
    told = [np.mean([m.mean(axis=1) for m in each], axis=0).var(ddof=1) for each in rows]
    shares = [seen / (pool.variance + own) for seen, own in zip(told, chance, strict=True)]
    untold = sum(seen < own for seen, own in zip(told, chance, strict=True))
    assert len(rows) > 30 and untold / len(rows) > 0.1
    assert kstest(shares, chi2(df=2, scale=1 / 2).cdf).pvalue > 0.05


@pytest.mark.parametrize("track", tracks(PUBLISHED))
def test_every_published_table_says_how_small_a_difference_it_can_tell(track, capsys):
    for words in (
        ("show", track),
        *(("export", track, "--format", f) for f in ("markdown", "latex")),
    ):
        assert run(*words) == 0
        printed = " ".join(capsys.readouterr().out.split())
        assert ("What it can tell: a difference" in printed) != (UNKNOWN in printed), words
