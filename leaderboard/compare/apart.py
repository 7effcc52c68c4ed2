"""Which rows of a table are told apart by what a question costs them.

FLOPs are exact counts of what was written, and what a student writes differs from run to run. So
costs are compared as accuracies are: items paired, seeds pooled. Each pair is tested alone, since
the question is what two rows cost, and not which is the cheapest of many.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import TypeAlias

import numpy as np

from leaderboard.compare.per_question import per_question, pool_of, spread_of
from leaderboard.rows.rank_intervals import comparable
from leaderboard.rows.row import Row
from leaderboard.stats.intervals import Component
from leaderboard.stats.rank_intervals import told_better
from leaderboard.store.board import by_label
from leaderboard.store.record import Record

Apart: TypeAlias = frozenset[frozenset[str]]
"""Pairs of labels."""
FLOPS = ("prefill_flops", "decode_flops", "helper_flops")


def told_apart(rows: Sequence[Row], records: Sequence[Record]) -> Apart:
    """The pairs of rows of which one is told to cost less, of those whose student answered all of
    the questions that most rows answered. `records` are those of the rows."""
    labelled = by_label(records)
    groups = comparable([labelled[row.method] for row in rows if row.is_comparable])
    if len(groups) < 2:
        return frozenset()
    costs = [per_question(group, groups[0][0], FLOPS) for group in groups]
    means = [float(cost.mean()) for cost in costs]
    scale, pool = max(means), pool_of(FLOPS, records)
    pools = list[Component | None]()
    for group, cost, mean in zip(groups, costs, means, strict=True):
        found = spread_of(group, [[cost / mean]], pool)
        share = (mean / scale) ** 2
        pools.append(found and replace(found, variance=share * found.variance))
    dearer = told_better([[cost / scale] for cost in costs], pools, each_alone=True)
    labels = [group[0].label for group in groups]
    return frozenset(frozenset((labels[i], labels[j])) for i, j in np.argwhere(dearer).tolist())
