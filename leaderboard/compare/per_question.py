"""What questions cost a row run by run, and how far that differs by the seed alone."""

from collections.abc import Sequence

import numpy as np

from leaderboard.stats.intervals import Component, Matrix, by_cluster, seed_variance
from leaderboard.store.board import by_label
from leaderboard.store.comparable import distinct
from leaderboard.store.record import Record


def per_question(records: Sequence[Record], order: Record, columns: Sequence[str]) -> Matrix:
    """The sum of the columns, a row per seed, a column per item (or cluster) of all data sets in
    the order's order."""
    costs: list[list[int]] = [[] for _ in records]
    clusters: list[str] = []
    for name, asked in sorted(order.data_sets.items()):
        place = {item: i for i, item in enumerate(records[0].data_sets[name].items)}
        clusters += [f"{name}/{each}" for each in asked.clusters or asked.items]
        for cost, record in zip(costs, records, strict=True):
            there = [getattr(record.data_sets[name], column) for column in columns]
            cost += [sum(c[place[item]] for c in there if c) for item in asked.items]
    return by_cluster(np.array(costs, dtype=np.float64), clusters)


def pool_of(columns: Sequence[str], *tables: Sequence[Record]) -> Component | None:
    """How far runs differ by their seed in the mean of the columns, as shares of a row's, pooled
    over trained rows; None where none has two seeds."""
    rows: list[list[Matrix]] = []
    for table in distinct(*tables):
        for records in by_label(r for r in table if r.training.n_steps).values():
            costs = per_question(records, records[0], columns)
            if costs.mean() > 0:
                rows.append([costs / costs.mean()])
    return seed_variance(rows)


def spread_of(
    row: Sequence[Record], sides: Sequence[Sequence[Matrix]], pool: Component | None
) -> Component | None:
    """The pool, or what the sides' own seeds tell where that is more, both as shares of a mean;
    None where nothing is trained."""
    if not row[0].training.n_steps:
        return None
    known = [each for each in (pool, seed_variance(sides)) if each is not None]
    return max(known, key=lambda each: each.variance, default=None)
