"""Which rows are worth what they cost: the front, and what training adds up to."""

import json
import re
from dataclasses import replace
from fractions import Fraction
from math import inf

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from leaderboard.compare.amortised import amortised, amortised_json, amortised_text, cheaper
from leaderboard.compare.apart import told_apart
from leaderboard.compare.frontier import frontier, frontier_json, frontier_text
from leaderboard.compare.pair import compare
from leaderboard.rows.cost import COSTS
from leaderboard.rows.rank import rows
from leaderboard.store import board
from leaderboard.store.board import PUBLISHED, UnknownName, load, of_label, suite
from tests.board_verb import run
from tests.leaderboard_records import record, save, trained, with_costs

FLOPS, LATENCY = COSTS["flops"], COSTS["latency"]


def run_of(label, n_right, prefill, seed=0, n=100, **changes):
    """One run that answers the first `n_right` of 100 questions in each group."""
    bits = [1] * n_right + [0] * (n - n_right)
    base = record(label, seed, outcomes={"id_a": bits, "ood_a": bits}, **changes)
    for name in base.data_sets:
        base = with_costs(base, name, prefill_flops=[prefill] * n)
    return base


def totals(records, n_questions, against="std_cot"):
    table = rows(records)
    return amortised(table, n_questions, against, told_apart(table, records))


def front_of(records, cost=FLOPS):
    return frontier(rows(records), records, records, cost)


def names(rivals):
    return [rival.method for rival in rivals]


@pytest.fixture
def published(tmp_path, monkeypatch):
    root = tmp_path / "records"
    monkeypatch.setattr(board, "PUBLISHED", root)
    monkeypatch.setenv("SKBENCH_HOME", str(tmp_path / "home"))
    save(root / "v1", [run_of("std_cot", 80, 1000), run_of("kard", 20, 2000)])


# ------------------------------------------------------------ the front


def test_a_row_is_off_the_front_where_a_cheaper_one_is_significantly_better():
    found = front_of([run_of("std_cot", 80, 1000), run_of("kard", 20, 2000)])
    for places in found.values():
        std_cot, kard = places
        assert std_cot.on_front and not kard.on_front
        assert names(kard.dominated_by) == ["std_cot"] and kard.cheaper == []
        assert kard.dominated_by[0].gap.value == pytest.approx(0.6)


def test_a_cheaper_row_that_cannot_be_told_apart_takes_none_off_and_is_named():
    found = front_of([run_of("std_cot", 60, 1000), run_of("kard", 58, 2000)])
    for std_cot, kard in found.values():
        assert std_cot.on_front and kard.on_front
        assert names(kard.cheaper) == ["std_cot"] and std_cot.cheaper == []


def test_a_cheaper_row_that_is_worse_is_no_rival():
    found = front_of([run_of("std_cot", 20, 1000), run_of("kard", 80, 2000)])
    for std_cot, kard in found.values():
        assert std_cot.on_front and kard.on_front
        assert kard.cheaper == [] and std_cot.cheaper == []


def test_of_rows_that_cost_the_same_the_better_takes_the_other_off():
    found = front_of([run_of("std_cot", 20, 1000), run_of("kard", 80, 1000)])
    by_name = {place.method: place for place in found["id"]}
    assert by_name["kard"].on_front and names(by_name["std_cot"].dominated_by) == ["kard"]
    equal = front_of([run_of("std_cot", 50, 1000), run_of("kard", 50, 1000)])
    assert all(place.on_front and place.cheaper == [] for place in equal["id"])


def test_p_values_are_one_sided_and_after_holm_over_both_groups():
    worse, better = run_of("kard", 50, 2000), run_of("std_cot", 75, 1000)
    p = compare([better], [worse], [better, worse]).id.p / 2
    (rival,) = front_of([worse, better])["id"][1].dominated_by
    assert rival.gap.p == pytest.approx(2 * p, rel=1e-6)


def test_items_are_paired_by_id_in_whatever_order_they_were_answered():
    worse, better = run_of("kard", 50, 2000), run_of("std_cot", 75, 1000)
    turned = better
    for name, each in better.data_sets.items():
        turned = with_costs(turned, name, items=each.items[::-1], strict=each.strict[::-1])
    assert front_of([worse, turned]) == front_of([worse, better])


def test_many_pairs_ask_for_surer_differences():
    """What is significant between two rows need not be among twelve."""
    two = [run_of("std_cot", 60, 1000), run_of("kard", 53, 2000)]
    assert not front_of(two)["id"][1].on_front
    more = [run_of(f"row{i}", 60, 3000 + i) for i in range(10)]
    assert front_of([*two, *more])["id"][1].on_front


def test_a_row_without_a_comparable_cost_has_no_place():
    short = run_of("kard", 80, 10)
    short = with_costs(short, "ood_a", overflow=[1] + [0] * 99)
    teacher = run_of("teacher", 90, 0, kind="corpus", latency=None)
    reference = run_of("std_cot", 20, 1000)
    found = front_of([short, teacher, reference])
    assert [place.method for place in found["id"]] == ["std_cot"] and found["id"][0].on_front
    assert front_of([short, teacher]) == {}


def test_an_upper_bound_has_no_place_and_takes_nobody_off():
    above = run_of("oracle", 90, 10, snapshot={"upper_bound": True})
    for places in front_of([above, run_of("std_cot", 20, 1000)]).values():
        assert [(place.method, place.on_front) for place in places] == [("std_cot", True)]


def test_a_track_without_ood_has_one_front():
    records = [record(label, outcomes={"id_a": [1, 0, 1]}) for label in ("std_cot", "kard")]
    assert list(front_of(records)) == ["id"]


def test_latency_is_the_first_token_of_each_call_and_each_further_token():
    base = run_of("cascod", 50, 1000)  # ttft 0.01 s, tpot 0.002 s, 5 tokens in a call
    for name in base.data_sets:
        base = with_costs(base, name, n_calls=[2] * 100, generated_tokens=[9] * 100)
    (row,) = rows([base])
    assert LATENCY.of(row) == pytest.approx(2 * 0.01 + 7 * 0.002)
    assert LATENCY.of(replace(row, tpot_s=None)) is None
    assert LATENCY.of(replace(row, tpot_s=None, generated_tokens=2.0)) == pytest.approx(0.02)


def test_rows_that_the_published_board_leaves_on_the_front_are_not_dominated():
    """By the definition, row by row: on the front nobody is better for no more, and off it
    somebody is; whoever has the highest mean so far is always on it."""
    records = load("pocket-tokens", suite(PUBLISHED, "pocket-tokens"))
    table = {row.method: row for row in rows(records)}
    found = front_of(records)
    assert list(found) == ["id", "ood"]
    for group, places in found.items():
        assert [place.cost for place in places] == sorted(place.cost for place in places)
        best = -inf
        for place in places:
            if place.accuracy.value > best:
                assert place.on_front
                best = place.accuracy.value
            for rival in place.dominated_by:
                told = compare(
                    of_label(records, rival.method), of_label(records, place.method), records
                )
                gap = told.id if group == "id" else told.ood
                assert table[rival.method].total_flops <= place.cost
                assert rival.gap.value == gap.value > 0 and gap.p / 2 <= rival.gap.p < 0.05
        assert {place.on_front for place in places} == {True, False}


def test_the_table_names_the_front_and_the_dominators_and_json_has_the_same(published, capsys):
    assert run("frontier", "toy", "--json") == 0
    body = json.loads(capsys.readouterr().out)
    assert [place["on_front"] for place in body["id"]] == [True, False]
    assert body["ood"][1]["dominated_by"][0]["method"] == "std_cot"
    assert run("frontier", "toy", "--cost", "latency") == 0
    printed = capsys.readouterr().out
    assert "seconds" in printed and "It cannot say" in printed
    records = [run_of("std_cot", 80, 1000), run_of("kard", 20, 2000)]
    found = front_of(records)
    line = frontier_text(found, FLOPS).splitlines()[3]
    cells = re.split("  +", line)
    assert (cells[0], cells[1], cells[3], cells[4]) == ("kard", "2500", "off", "std_cot")
    assert frontier_json(found)["id"][1]["accuracy"]["value"] == pytest.approx(0.2)


def test_a_track_without_costs_or_records_is_incomplete(published, tmp_path, capsys):
    teacher = run_of("teacher", 50, 0, kind="corpus", latency=None, track="written")
    save(tmp_path / "records" / "v1", [teacher])
    for verb in ("frontier", "amortised"):
        assert run(verb, "written") == 3
        assert "cost" in capsys.readouterr().err


# ------------------------------------------------------------ what it adds up to


@given(st.integers(-500, 500), st.integers(-20, 20))
def test_where_a_row_is_cheaper_is_said_to_the_question(fixed, question):
    found = cheaper(fixed, question)
    last = inf if found.last is None else found.last
    for n in range(600):
        below = fixed + n * question < 0
        assert below == (found.first is not None and found.first <= n <= last)


def test_a_total_is_what_is_spent_once_and_on_each_question():
    spent = {"flops": 10**6, "teacher_flops": 2 * 10**5, "helper_flops": 3 * 10**4}
    runs = [
        trained(
            run_of("kard", 50, 500, seed=seed), **{**spent, "flops": spent["flops"] + seed * 10}
        )
        for seed in (0, 1)
    ]
    reference = trained(run_of("std_cot", 50, 1000), flops=10**5)
    found = {each.method: each for each in totals([*runs, reference], [0, 1000])}
    kard, std_cot = found["kard"], found["std_cot"]
    assert kard.fixed_flops == 10**6 + 5 + 2 * 10**5 + 3 * 10**4
    assert [total.flops for total in kard.totals] == [1_230_005, 1_230_005 + 1000 * 1000]
    # 1,130,005 more at first and 500 less on each question: even after 2,260.01 of them
    assert (kard.cheaper.first, kard.cheaper.last) == (2261, None)
    assert std_cot.cheaper is None
    tokens = trained(reference, flops=10**5, teacher_tokens=10**9)
    (alone,) = totals([tokens], [1000])
    assert alone.totals[0].flops == std_cot.totals[1].flops and alone.teacher_tokens == 10**9


def test_tuning_counts_a_training_for_each_rate_that_was_tried():
    tuned = trained(run_of("std_cot", 50, 1000), flops=10**6, teacher_flops=7, tuning_trials=3)
    (plain,), (with_trials,) = (
        amortised(rows([tuned]), [0], "std_cot", frozenset(), tuning=tuning)
        for tuning in (False, True)
    )
    assert (plain.train_flops, with_trials.train_flops) == (10**6, 4 * 10**6)
    assert with_trials.totals[0].flops == 4 * 10**6 + 7
    assert "each learning rate" in amortised_text([with_trials], "std_cot")
    assert "each learning rate" not in amortised_text([plain], "std_cot")


def test_rows_of_other_questions_have_no_total_and_without_a_reference_none_is_cheaper():
    short = with_costs(run_of("mt_cot", 50, 10), "ood_a", overflow=[1] + [0] * 99)
    found = totals([short, run_of("kard", 50, 1000)], [1])
    assert [(each.method, each.cheaper) for each in found] == [("kard", None)]


def test_totals_of_the_published_board_are_those_of_its_records():
    records = load("pocket", suite(PUBLISHED, "pocket"))
    found = {each.method: each for each in totals(records, [10**6])}
    assert set(found) == {record.label for record in records if record.kind == "student"}
    for label, each in found.items():
        runs = of_label(records, label)
        once = [r.training.teacher_flops + r.training.helper_flops + r.training.flops for r in runs]
        asked = [
            sum(column[i] for column in (d.prefill_flops, d.decode_flops, d.helper_flops) if column)
            for r in runs
            for d in r.data_sets.values()
            for i in range(len(d.items))
        ]
        exact = Fraction(sum(once), len(runs)) + 10**6 * Fraction(sum(asked), len(asked))
        assert abs(each.totals[0].flops - exact) <= 10**6  # per question to the nearest FLOP
    others = [each for each in found.values() if each.cheaper and each.cheaper.first is not None]
    base = found["std_cot"]
    for each in others:
        n = each.cheaper.first
        below = each.fixed_flops + n * each.question_flops
        assert below < base.fixed_flops + n * base.question_flops


def test_the_table_of_totals_says_when_a_row_is_cheaper(published, capsys):
    assert run("amortised", "toy", "--questions", "0,1e3", "--json") == 0
    body = json.loads(capsys.readouterr().out)
    assert [total["n_questions"] for total in body[0]["totals"]] == [0, 1000]
    assert run("amortised", "toy", "--questions", "1e6") == 0
    printed = capsys.readouterr().out
    assert "total at 1,000,000" in printed and "never" in printed
    assert "says nothing of accuracy" in printed.replace("\n", " ")
    for wrong in ("-1", "0.5", "many"):
        with pytest.raises(SystemExit) as stopped:
            run("amortised", "toy", "--questions", wrong)
        assert stopped.value.code == 2
    capsys.readouterr()
    reference = trained(run_of("std_cot", 50, 1000), flops=10**6)
    others = [
        trained(run_of("a", 50, 900), flops=10**6 + 1000),
        trained(run_of("b", 50, 1100), flops=10**6 - 1000),
        trained(run_of("c", 50, 900), flops=10**5),
    ]
    found = totals([reference, *others], [1])
    lines = amortised_text(found, "std_cot").splitlines()
    told = {cells[0]: cells[6] for cells in (re.split("  +", line) for line in lines[2:6])}
    assert told == {"a": "from 11", "b": "up to 9", "c": "always", "std_cot": "-"}
    assert len(amortised_json(found)) == 4
    (even,) = (each for each in totals([reference, *others], [1], "b") if each.method == "a")
    assert even.cheaper.first == 11  # 2,000 more at first and 200 less on each: even after 10


def written(label, mean, seed, rng, n=100):
    """A run whose answers cost what chance made them, by its seed and question by question."""
    base = trained(record(label, seed, outcomes={"id_a": [1] * n}), n_steps=5)
    luck = rng.normal(1, 0.05) * rng.normal(1, 0.2, n)
    costs = [round(mean * each) for each in luck]
    return with_costs(base, "id_a", prefill_flops=[0] * n, decode_flops=costs)


def runs_of(means, rng):
    runs = [written(label, m, seed, rng) for label, m in means.items() for seed in range(3)]
    return [trained(each, flops=10**6 * (1 + (each.label != "std_cot"))) for each in runs]


def turned(run):
    """The run, its questions the other way round."""
    each = run.data_sets["id_a"]
    return with_costs(run, "id_a", items=each.items[::-1], decode_flops=each.decode_flops[::-1])


def test_what_chance_may_have_made_cheaper_is_not_told():
    runs = runs_of({"std_cot": 10_000, "kard": 9_950, "mt_cot": 5_000}, np.random.default_rng(3))
    found = totals(runs, [1])
    told = {each.method: each.cheaper.is_told for each in found if each.cheaper}
    assert told == {"kard": False, "mt_cot": True}
    lines = amortised_text(found, "std_cot").splitlines()[2:5]
    said = {cells[0]: cells[6] for cells in (re.split("  +", line) for line in lines)}
    assert said["kard"] == "not told" and said["mt_cot"].startswith("from ")
    again = [*runs[:-3], *map(turned, runs[-3:])]
    assert told_apart(rows(again), again) == told_apart(rows(runs), runs)


def test_rows_that_are_alike_are_told_apart_5_times_in_100():
    rng, labels = np.random.default_rng(0), ("std_cot", "a", "b", "c", "d")
    tables = [runs_of(dict.fromkeys(labels, 10_000), rng) for _ in range(100)]
    n_told = sum(len(told_apart(rows(runs), runs)) for runs in tables)
    assert 10 <= n_told <= 80  # of 1,000 pairs, 5 in 100


def test_any_row_can_be_the_one_to_break_even_with(published, capsys):
    assert run("amortised", "toy", "--against", "kard") == 0
    told = {line.split()[0]: line for line in capsys.readouterr().out.splitlines() if line}
    assert "from 1 " in told["std_cot"] and "from 1 " not in told["kard"]
    with pytest.raises(UnknownName, match="did you mean 'kard'"):
        run("amortised", "toy", "--against", "kart")
