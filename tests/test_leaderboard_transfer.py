"""Which gains in domain are gains out of domain."""

import json
from argparse import ArgumentParser
from math import sqrt

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import ndtr
from scipy.stats import ttest_ind

from leaderboard.cli.parser import add_parser
from leaderboard.compare.pair import compare
from leaderboard.compare.transfer import contrast, transfers, transfers_table
from leaderboard.stats.holm import holm
from leaderboard.stats.intervals import headline, unseen
from leaderboard.store import board
from leaderboard.store.board import load, of_label, suite
from leaderboard.store.reading import RecordError
from tests.leaderboard_records import record, save, trained

SIZES = {"id_a": 30, "id_b": 50, "ood_a": 60}


@pytest.fixture(scope="module")
def pocket():
    return load("pocket", suite(board.PUBLISHED, "pocket"))


def by_label(found):
    return {each.label: each for each in found}


@given(st.integers(0, 2**32), st.integers(1, 3), st.integers(1, 4))
def test_the_contrast_of_two_groups_is_half_of_ood_minus_id(seed, n_id, n_ood):
    rng = np.random.default_rng(seed)
    draw = [rng.integers(0, 2, (3, 5 + d)).astype(float) for d in range(n_id + n_ood)]
    gap = headline(draw[n_id:]).value - headline(draw[:n_id]).value
    found = np.mean([each.mean() for each in contrast(draw[:n_id], draw[n_id:])])
    assert 2 * found == pytest.approx(gap)


def test_a_single_run_each_gives_welchs_test_of_the_gains_on_the_items():
    rng = np.random.default_rng(0)
    bits = {
        label: {
            "id_a": (rng.random(40) < p).astype(int),
            "ood_a": (rng.random(70) < q).astype(int),
        }
        for label, p, q in [("std_cot", 0.5, 0.4), ("kard", 0.8, 0.45)]
    }
    runs = [
        record(label, outcomes={name: row.tolist() for name, row in sets.items()})
        for label, sets in bits.items()
    ]
    (found,) = transfers(runs, runs)
    gains = {name: bits["kard"][name] - bits["std_cot"][name] for name in ("id_a", "ood_a")}
    expected = ttest_ind(gains["ood_a"], gains["id_a"], equal_var=False)
    interval = expected.confidence_interval()
    assert found.transfer.value == pytest.approx(gains["ood_a"].mean() - gains["id_a"].mean())
    assert (found.transfer.low, found.transfer.high) == pytest.approx((interval.low, interval.high))
    assert found.transfer.p == pytest.approx(expected.pvalue, rel=1e-6)
    assert found.transfer.value < found.id.value


def simulated(rng, truth, shared):
    """Three runs of each row: latent items in common, and a latent seed effect of a run that is one
    and the same on both groups where `shared`, and else the opposite."""
    items = {name: 0.5 * rng.normal(size=n) for name, n in SIZES.items()}
    rest = sqrt(1 - 0.5**2 - 0.3**2)
    for label, limits in truth.items():
        for seed in range(3):
            effect = 0.3 * rng.normal()
            outcomes = {}
            for name, each in items.items():
                group = name.split("_")[0]
                sign = -1 if group == "ood" and not shared else 1
                latent = sign * effect + each + rest * rng.normal(size=len(each))
                outcomes[name] = (latent < limits[group]).astype(int).tolist()
            yield record(label, seed, outcomes=outcomes)


def test_intervals_cover_the_truth_however_seeds_tie_the_two_groups_together():
    """Seeds that move both groups alike leave OOD - ID alone, and its interval is the narrower."""
    truth = {
        label: {"id": a, "ood": b}
        for label, a, b in [
            ("std_cot", 0.0, -0.5),
            ("kard", 0.5, 0.0),
            ("mt_cot", 0.5, -0.5),
            ("skintern", 0.0, -0.5),
            ("cascod", -0.3, -0.6),
        ]
    }
    share = {label: ndtr(each["ood"]) - ndtr(each["id"]) for label, each in truth.items()}
    rng, widths = np.random.default_rng(1), {}
    for shared in (True, False):
        covered, widths[shared] = [], []
        for _ in range(80):
            runs = list(simulated(rng, truth, shared))
            for each in transfers(runs, runs):
                true = share[each.label] - share["std_cot"]
                covered.append(each.transfer.low <= true <= each.transfer.high)
                widths[shared].append(each.transfer.high - each.transfer.low)
        assert 0.93 <= np.mean(covered) <= 0.98
    assert np.mean(widths[True]) < 0.7 * np.mean(widths[False])


def test_gains_are_those_of_compare_and_each_column_is_a_family_of_tests(pocket):
    chosen = ["std_cot", "kard", "skintern", "few_shot", "zero_shot"]
    table = [run for run in pocket if run.label in chosen]
    found = by_label(transfers(table, pocket))
    assert set(found) == set(chosen) - {"std_cot"}
    reference = of_label(pocket, "std_cot")
    pairs = {label: compare(of_label(pocket, label), reference, pocket) for label in found}
    for group in ("id", "ood"):
        gaps = {label: getattr(each, group) for label, each in found.items()}
        plain = {label: getattr(pair, group) for label, pair in pairs.items()}
        assert [g.low for g in gaps.values()] == [plain[label].low for label in gaps]
        adjusted = holm([plain[label].p for label in gaps])
        assert [g.p for g in gaps.values()] == adjusted != [plain[label].p for label in gaps]
    alone = {
        label: transfers([*reference, *of_label(pocket, label)], pocket)[0].transfer
        for label in found
    }
    assert [each.transfer.low for each in found.values()] == [gap.low for gap in alone.values()]
    adjusted = holm([gap.p for gap in alone.values()])
    assert [each.transfer.p for each in found.values()] == adjusted
    for each in found.values():
        assert each.transfer.value == pytest.approx(each.ood.value - each.id.value)


def test_a_row_of_one_seed_is_as_wide_as_the_others_seeds_make_it(pocket):
    reference = of_label(pocket, "std_cot")
    single = of_label(pocket, "skintern")[:1]
    pooled = transfers([*reference, *single], pocket)[0].transfer
    own = [trained(run, n_steps=0) for run in single]
    assert pooled.stderr > transfers([*reference, *own], pocket)[0].transfer.stderr


def test_a_data_set_that_tells_nothing_counts_by_its_weight():
    """Its part of the variance of OOD - ID is that of its own mean, whatever the others are."""
    rng = np.random.default_rng(0)
    sides = []
    for label in ("std_cot", "kard"):
        outcomes = {f"ood_{name}": rng.integers(0, 2, 200).tolist() for name in "abcd"}
        sides.append(record(label, outcomes={"id_a": [1] * 100, **outcomes}))
    (found,) = transfers(sides, sides)
    out = compare(sides[1:], sides[:1], sides).ood
    assert found.transfer.stderr**2 == pytest.approx(out.stderr**2 + unseen(100) ** 2)


def test_a_row_without_a_right_answer_tells_nothing_of_the_others():
    rng = np.random.default_rng(0)
    truth = {label: {"id": 0.0, "ood": 0.0} for label in ("std_cot", "kard")}
    runs = list(simulated(rng, truth, True))
    wrong = {name: [0] * len(each.strict) for name, each in runs[0].data_sets.items()}
    lost = [record("kaft", seed, outcomes=wrong) for seed in range(3)]
    assert transfers(runs, [*runs, *lost]) == transfers(runs, runs)


def test_without_a_reference_another_row_or_both_groups_there_is_nothing_to_say():
    only_id = [record(label, outcomes={"id_a": [1, 0, 1]}) for label in ("std_cot", "kard")]
    for runs in ([], [record()], [record("kard")], only_id):
        assert transfers(runs, runs) == []
    with pytest.raises(RecordError, match="different items in id_a"):
        fewer = record("kard", outcomes={"id_a": [1], "ood_a": [0, 0, 1, 1]})
        transfers([record(), fewer], [record()])


def test_the_verb_prints_a_table_with_what_it_assumes_or_json(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(board, "PUBLISHED", tmp_path / "records")
    runs = list(simulated(np.random.default_rng(0), {"std_cot": {"id": 0, "ood": 0}}, True))
    other = list(simulated(np.random.default_rng(1), {"kard": {"id": 1, "ood": 0}}, True))
    save(tmp_path / "records" / "v1", [*runs, *other])
    parser = ArgumentParser()
    add_parser(parser.add_subparsers())

    def run(*words):
        args = parser.parse_args(["board", "transfer", "toy", *words])
        return args.run(args), capsys.readouterr()

    (code, printed), found = run(), transfers([*runs, *other], [*runs, *other])
    assert code == 0 and transfers_table("std_cot", found) in printed.out
    assert "seeds vary as OOD - ID of a run does" in printed.out
    code, printed = run("--json")
    body = json.loads(printed.out)
    assert code == 0 and [each["label"] for each in body] == ["kard"]
    assert body[0]["transfer"]["p"] == found[0].transfer.p
    for each in other:
        (tmp_path / "records" / "v1" / "toy" / "kard" / f"seed{each.seed}.json").unlink()
    code, printed = run()
    assert code == 3 and "no row beside the reference std_cot" in printed.err
