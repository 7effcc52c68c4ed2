"""From outcomes to averages: over items, over sub-tasks, over data sets."""

from collections.abc import Sequence
from statistics import fmean
from typing import Literal

import numpy as np

from leaderboard.stats.intervals import Estimate, Matrix, by_cluster, headline
from leaderboard.store.record import DataSet, Group, Record

Extractor = Literal["strict", "author", "flexible"]


def matrices(
    records: Sequence[Record], group: Group, extractor: Extractor = "strict"
) -> list[Matrix]:
    """One matrix of outcomes per data set of the group, by name: a row per seed, a column per item
    or, where items share a source, per cluster."""
    sets = records[0].data_sets
    return [
        by_cluster(matrix, sets[name].clusters)
        for name, matrix in _matrices(records, extractor).items()
        if sets[name].group == group
    ]


def estimate(records: Sequence[Record], group: Group) -> Estimate | None:
    """Unweighted mean over the group's data sets; None without any."""
    found = matrices(records, group)
    return headline(found) if found else None


def means(records: Sequence[Record], extractor: Extractor) -> dict[Group, float | None]:
    """The same under another extractor, without its interval."""

    def mean(group: Group) -> float | None:
        found = matrices(records, group, extractor)
        return fmean(float(matrix.mean()) for matrix in found) if found else None

    return {"id": mean("id"), "ood": mean("ood")}


def group_micro(records: Sequence[Record]) -> dict[Group, float | None]:
    """Mean over all items of a group, of all its data sets together."""

    def mean(group: Group) -> float | None:
        sets = [each for r in records for each in r.data_sets.values() if each.group == group]
        return fmean(value for each in sets for value in each.outcomes) if sets else None

    return {"id": mean("id"), "ood": mean("ood")}


def task_micro(records: Sequence[Record]) -> dict[str, float]:
    """Data set -> mean over its items."""
    return {name: float(m.mean()) for name, m in _matrices(records, "strict").items()}


def task_macro(records: Sequence[Record]) -> dict[str, float]:
    """Data set -> unweighted mean over its sub-tasks, of the data sets that name them."""
    found: dict[str, float] = {}
    for name, matrix in _matrices(records, "strict").items():
        tasks = np.array(records[0].data_sets[name].tasks)
        if tasks.size:
            found[name] = fmean(float(matrix[:, tasks == task].mean()) for task in np.unique(tasks))
    return found


def _matrices(records: Sequence[Record], extractor: Extractor) -> dict[str, Matrix]:
    return {
        name: np.array([_outcomes(r.data_sets[name], extractor) for r in records], dtype=np.float64)
        for name in sorted(records[0].data_sets)
    }


def _outcomes(data_set: DataSet, extractor: Extractor) -> Sequence[float]:
    return data_set.outcomes if extractor == "strict" else getattr(data_set, extractor)
