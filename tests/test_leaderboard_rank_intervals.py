"""Ranks: the places that the tests of all pairs of a table leave open."""

from dataclasses import replace
from itertools import combinations
from math import sqrt

import numpy as np
import pytest
from scipy.special import ndtr

from leaderboard.compare.pair import group_difference
from leaderboard.rows.rank import rows
from leaderboard.show.render import legend, table
from leaderboard.show.rendering import render_all
from leaderboard.stats.averages import seeds
from leaderboard.stats.holm import holm
from leaderboard.stats.intervals import ALPHA, Component, difference, seed_variance
from leaderboard.stats.rank_intervals import Rank, rank_intervals
from leaderboard.store import board
from leaderboard.store.board import PUBLISHED, load, of_label, suite
from tests.leaderboard_records import record, save, with_costs

GOOD, POOR = {"id_a": [1] * 38 + [0] * 2}, {"id_a": [0] * 38 + [1] * 2}


@pytest.fixture(scope="module")
def pocket():
    return load("pocket", suite(PUBLISHED, "pocket"))


def by_pairs(records, group, track):
    """Label -> (low, high), by the p value of each pair."""
    labels = sorted({run.label for run in records})
    runs, pool = {label: of_label(records, label) for label in labels}, seeds(track)
    pairs = list(combinations(labels, 2))
    gaps = [group_difference(runs[a], runs[b], group, pool) for a, b in pairs]
    adjusted = holm([gap.p for gap in gaps])
    better = {
        (a, b) if gap.value > 0 else (b, a)
        for (a, b), gap, p in zip(pairs, gaps, adjusted, strict=True)
        if p <= ALPHA
    }
    assert 0 < len(better) < len(pairs)
    return {
        label: (
            1 + sum((other, label) in better for other in labels),
            len(labels) - sum((label, other) in better for other in labels),
        )
        for label in labels
    }


@pytest.mark.parametrize("part", [0, 1, 2])
def test_ranks_are_what_the_p_values_of_all_pairs_of_a_table_make_them(pocket, part):
    """In tables of every third row; of these some are untrained, and some have one seed."""
    competing = {row.method for row in rows(pocket) if not row.upper_bound}
    chosen = set(sorted(competing)[part::3])
    table = [run for run in pocket if run.label in chosen]
    found = rows(table, pocket)
    assert {row.n_seeds for row in rows(pocket)} > {1}
    for group in ("id", "ood"):
        ranks = {row.method: getattr(row, f"{group}_rank") for row in found}
        assert {label: (r.low, r.high) for label, r in ranks.items()} == by_pairs(
            table, group, pocket
        )
        assert {rank.of for rank in ranks.values()} == {len(chosen)}


def test_ranks_depend_on_no_order_of_records_seeds_or_items(pocket):
    chosen = [run for run in pocket if run.label.startswith("skintern")]
    ranks = {row.method: (row.id_rank, row.ood_rank) for row in rows(chosen, pocket)}
    name = next(iter(chosen[0].data_sets))
    turned = [
        with_costs(
            run,
            name,
            items=run.data_sets[name].items[::-1],
            strict=run.data_sets[name].strict[::-1],
        )
        if run.label == chosen[0].label
        else run
        for run in reversed(chosen)
    ]
    assert {row.method: (row.id_rank, row.ood_rank) for row in rows(turned, pocket)} == ranks


def simulated(rng, truth, n_seeds=3, sizes=(100,) * 4, seed_sd=0.08, item_sd=0.6):
    """Outcomes of rows that answer the same new items, each right with its row's probability."""
    items = [rng.normal(size=(1, n)) * item_sd for n in sizes]
    rest = sqrt(1 - item_sd**2 - seed_sd**2)
    found = []
    for limit in truth:
        seed = rng.normal(size=(n_seeds, 1)) * seed_sd
        draws = [seed + each + rest * rng.normal(size=(n_seeds, each.size)) for each in items]
        found.append([(draw < limit).astype(float) for draw in draws])
    return found


@pytest.mark.parametrize(
    ("truth", "told"),
    [
        ([-0.6, -0.3, 0.0, 0.05, 0.1, 0.5, 0.9], {}),
        ([0.2] * 12, {}),
        ([0.2] * 7, {"sizes": (40, 60), "seed_sd": 0.15}),
    ],
    ids=["apart", "all alike", "few and alike"],
)
def test_all_true_ranks_lie_in_their_intervals_about_95_times_in_100(truth, told):
    """Rows that are truly alike share all their places. The few, whose small pool tells little of
    the seeds, have 92.5 and the others more: the level is nominal."""
    rng, n_repeats, kept, widths = np.random.default_rng(0), 400, 0, []
    true = ndtr(truth)
    best = [1 + int((true > each).sum()) for each in true]
    worst = [len(true) - int((true < each).sum()) for each in true]
    for _ in range(n_repeats):
        sample = simulated(rng, truth, **told)
        found = rank_intervals(sample, [seed_variance(sample)] * len(truth))
        kept += all(r.low <= b and w <= r.high for r, b, w in zip(found, best, worst, strict=True))
        widths.append(np.mean([r.high - r.low for r in found]))
    assert kept / n_repeats >= 0.925
    assert len(set(truth)) == 1 or np.mean(widths) < len(truth) / 2


def test_rows_of_equal_outcomes_share_all_places_and_clear_ones_have_one_each():
    alike = rows([record(label, outcomes=GOOD) for label in "abc"])
    assert [row.id_rank for row in alike] == [Rank(1, 3, 3)] * 3
    clear = rows([record("good", outcomes=GOOD), record("poor", outcomes=POOR)])
    assert [row.id_rank for row in clear] == [Rank(1, 1, 2), Rank(2, 2, 2)]
    assert [row.ood_rank for row in clear] == [None, None]
    (alone,) = rows([record()])
    assert (alone.id_rank, alone.ood_rank) == (Rank(1, 1, 1), Rank(1, 1, 1))


def test_a_gap_that_is_only_the_rounding_of_floats_is_none():
    grades = np.repeat([[0.1], [0.2], [0.3]], 4, axis=1)
    assert grades.mean(axis=0)[0] != grades[::-1].mean(axis=0)[0]
    no_spread = [Component(0.0, 4)] * 2
    assert rank_intervals([[grades], [grades[::-1]]], no_spread) == [Rank(1, 2, 2)] * 2


def test_rows_that_never_vary_are_told_apart_by_their_headlines_alone():
    """As the difference of all answers is beyond doubt."""
    right = record("right", outcomes={"id_a": [1] * 6})
    wrong = record("wrong", outcomes={"id_a": [0] * 6})
    assert [row.id_rank.high for row in rows([right, wrong])] == [1, 2]


def test_rows_that_answered_other_questions_than_most_have_no_rank():
    same = [record(label) for label in ("std_cot", "kard")]
    reworded = replace(record().data_sets["ood_a"], items_sha256="else")
    for other in (
        record("skintern", outcomes=GOOD),
        replace(record("skintern"), data_sets=record().data_sets | {"ood_a": reworded}),
    ):
        found = {row.method: row for row in rows([*same, other])}
        assert found["kard"].id_rank == Rank(1, 2, 2)
        assert (found["skintern"].id_rank, found["skintern"].ood_rank) == (None, None)
        line = table([found["skintern"]], "markdown").splitlines()[-1]
        assert line.split("|")[4].strip() == "-" == line.split("|")[6].strip()


def test_the_legend_says_what_a_rank_is_and_which_rows_could_be_the_best():
    runs = [record(label, outcomes=GOOD) for label in ("a", "b")]
    ranked = rows([*runs, record("c", outcomes=POOR)])
    assert "rank: among 3 rows, from 1 + those significantly better to 3 -" in legend(ranked)
    assert "Could be the best: ID a, b." in legend(ranked)
    assert "among all 3 rows of the track, shown or not" in legend(ranked[1:])
    assert "Could be the best: ID b." in legend(ranked[1:2])
    assert "Could be" not in legend(ranked[2:])
    assert "rank:" not in legend(rows([record()]))


def test_a_region_of_some_rows_shows_their_ranks_among_all(tmp_path, monkeypatch):
    root = tmp_path / "leaderboard" / "records"
    monkeypatch.setattr(board, "PUBLISHED", root)
    runs = [record(label, outcomes=GOOD) for label in ("a", "b")]
    save(root / "v1", [*runs, record("std_cot", outcomes=POOR)])
    readme = tmp_path / "README.md"
    readme.write_text("<!-- board:toy methods=std_cot -->\n<!-- /board -->\n")
    render_all(root)
    line = next(line for line in readme.read_text().splitlines() if line.startswith("| std_cot"))
    head = next(line for line in readme.read_text().splitlines() if line.startswith("| method"))
    cells = dict(zip(*([c.strip() for c in t.split("|")] for t in (head, line)), strict=True))
    assert (cells["rank ID"], cells["rank OOD"]) == ("3", "-")
    assert "among all 3 rows of the track" in readme.read_text()


@pytest.mark.parametrize("n", [2, 5, 40])
def test_rows_that_are_always_right_and_always_wrong_are_told_apart_where_their_difference_is(n):
    right, wrong = [np.ones((1, n))], [np.zeros((1, n))]
    gap = difference(right, wrong)
    (high, low) = rank_intervals([right, wrong], [None, None])
    assert (high, low) == (
        (Rank(1, 1, 2), Rank(2, 2, 2)) if gap.p <= ALPHA else (Rank(1, 2, 2),) * 2
    )
    assert (gap.p <= ALPHA) == (n > 2)
