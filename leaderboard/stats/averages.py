"""From outcomes to averages: over items, over sub-tasks, over data sets."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Literal

import numpy as np

from leaderboard.stats.intervals import (
    Component,
    Estimate,
    Matrix,
    by_cluster,
    headline,
    seed_variance,
)
from leaderboard.store.board import by_label
from leaderboard.store.comparable import check_seeds, distinct, run_of
from leaderboard.store.record import DataSet, Group, Record

Extractor = Literal["strict", "author", "flexible"]


@dataclass(frozen=True, slots=True)
class Seeds:
    """How far the runs of a track differ by their seed alone, pooled over its trained rows: over
    those at settings of their own, and over the others. At its best rate a student may vary more
    than at a low one."""

    pools: Mapping[tuple[bool, tuple[str, ...]], Component | None]
    """Whether the settings are a row's own, and data sets that are averaged, by name -> variance of
    one run's average, a fraction squared."""

    def of(self, records: Sequence[Record], names: Collection[str]) -> Component | None:
        """For the records of a label; None where nothing is trained or no row has two seeds. Where
        no row of its kind has two, those of the other speak for it."""
        if not records[0].training.n_steps:
            return None
        of_kind, of_other = (
            self.pools.get((is_own, tuple(sorted(names))))
            for is_own in (is_tuned(records), not is_tuned(records))
        )
        return of_kind or of_other


def is_tuned(records: Sequence[Record]) -> bool:
    """Whether the records of a label ran at settings of their own, not at the track's."""
    return records[0].own is not None and run_of(records[0])[0] == records[0].label


def seeds(*tables: Sequence[Record]) -> Seeds:
    """Pool what the trained rows of the tables, which answered the same questions, tell; a run
    that has two labels tells it once, and a row without a right answer tells nothing.

    RecordError where the seeds of a row did not.
    """
    rows = [row for table in distinct(*tables) for row in by_label(table).values()]
    found: dict[tuple[bool, tuple[str, ...]], list[list[Matrix]]] = {}
    for records in rows:
        if records[0].training.n_steps:
            check_seeds(records)
            per_set = clustered(records)
            averaged = {names_of(records[0], "id"), names_of(records[0], "ood")}
            for names in averaged | {(name,) for name in per_set}:
                answers = [per_set[name] for name in names]
                # Where every answer is wrong no seed can differ, which tells nothing of other rows.
                if any(matrix.any() for matrix in answers):
                    found.setdefault((is_tuned(records), names), []).append(answers)
    return Seeds({kind: seed_variance(matrices) for kind, matrices in found.items()})


def names_of(record: Record, group: Group) -> tuple[str, ...]:
    """The data sets of a group, by name."""
    return tuple(sorted(name for name, each in record.data_sets.items() if each.group == group))


def clustered(records: Sequence[Record], extractor: Extractor = "strict") -> dict[str, Matrix]:
    """Data set -> outcomes: a row per seed, a column per item or, where items share a source, per
    cluster."""
    sets = records[0].data_sets
    return {
        name: by_cluster(matrix, sets[name].clusters)
        for name, matrix in _matrices(records, extractor).items()
    }


def matrices(
    records: Sequence[Record], group: Group, extractor: Extractor = "strict"
) -> list[Matrix]:
    """Those of the group's data sets, by name."""
    found = clustered(records, extractor)
    return [found[name] for name in names_of(records[0], group)]


def aligned(order: Record, records: Sequence[Record], name: str) -> Matrix:
    """Outcomes on a data set, a row per seed: columns as `clustered` has them for `order`, which
    answered the same items in an order of its own."""
    position = {item: i for i, item in enumerate(records[0].data_sets[name].items)}
    columns = [position[item] for item in order.data_sets[name].items]
    outcomes = [record.data_sets[name].outcomes for record in records]
    in_order: Matrix = np.array(outcomes, dtype=np.float64)[:, columns]
    return by_cluster(in_order, order.data_sets[name].clusters)


def estimate(records: Sequence[Record], group: Group, seeds: Seeds) -> Estimate | None:
    """Unweighted mean over the group's data sets; None without any."""
    found = matrices(records, group)
    pool = seeds.of(records, names_of(records[0], group))
    return headline(found, pool) if found else None


def estimates(records: Sequence[Record], seeds: Seeds) -> dict[str, Estimate]:
    """Data set -> mean over its items, with its interval."""
    return {
        name: headline([matrix], seeds.of(records, [name]))
        for name, matrix in clustered(records).items()
    }


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
