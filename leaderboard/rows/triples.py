"""What records of triples say beside accuracy: the cut, the critic, the probe, the relations."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Any, cast

from leaderboard.stats.averages import Seeds, estimate, seeds
from leaderboard.stats.intervals import Estimate
from leaderboard.store.board import by_label
from leaderboard.store.record import DataSet, Group, Record

Means = Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Probe:
    """Where the target stands among candidates, unweighted mean over relations."""

    n: int
    p_1: float
    p_10: float
    mrr: float


@dataclass(frozen=True, slots=True)
class Facts:
    """Of one label, means over its seeds; {} and None where a row has none of it."""

    label: str
    n_seeds: int
    accuracy: Mapping[Group, Estimate | None]
    cut: Means
    """Of the triples it was trained on: n, share_true, distinct_tails, distinct_2."""
    critic: Means
    """Its quality on triples that it was neither taught nor cut with."""
    method: Mapping[str, Any]
    """The fields of the method."""
    relations: Mapping[Group, Means]
    """Relation -> accuracy, of a group with one data set of triples."""
    probes: Mapping[str, Probe]
    """By data set."""
    written: Mapping[str, Means]
    """By data set, of the tails that were written: novel, distinct_tails, distinct_2, bleu_2,
    rouge_l, and accepted, the share that a judge takes for true."""
    judge: Means
    """Of that judge: auroc; floor and ceiling, what it accepts of swapped and of right tails."""


def facts(records: Sequence[Record]) -> list[Facts]:
    """A line for each label, in the order of labels; [] where no record is of triples."""
    pool = seeds(records)
    found = [_facts(runs, pool) for runs in by_label(records).values()]
    return found if any(each.written for each in found) else []


def _facts(records: Sequence[Record], pool: Seeds) -> Facts:
    first = records[0]
    written = [cast(Mapping[str, Any], r.snapshot.get("written") or {}) for r in records]
    return Facts(
        label=first.label,
        n_seeds=len(records),
        accuracy={"id": estimate(records, "id", pool), "ood": estimate(records, "ood", pool)},
        cut=_mean(r.snapshot.get("triples") for r in records),
        critic=_mean(r.snapshot.get("critic") for r in records),
        method=first.snapshot.get("method") or {},
        relations={group: _relations(records, group) for group in ("id", "ood")},
        probes={n: p for n in first.data_sets if (p := _probe([r.data_sets[n] for r in records]))},
        written={
            name: _mean(each.get(name) for each in written) | _grades(records, name)
            for name in written[0]
        },
        judge=_mean(r.snapshot.get("acceptance") for r in records),
    )


def _grades(records: Sequence[Record], name: str) -> dict[str, float]:
    """Of those that every tail has."""
    found = dict[str, float]()
    for grade in ("accepted", "bleu_2", "rouge_l"):
        marks = [m for r in records for m in r.data_sets[name].graded.get(grade, ())]
        known = [mark for mark in marks if mark is not None]
        found |= {grade: fmean(known)} if known else {}
    return found


def _mean(found: Iterable[Mapping[str, Any] | None]) -> dict[str, float]:
    """Key -> mean over the seeds, of the numbers that all of them have."""
    each = [one or {} for one in found]
    numbers = [k for k in each[0] if all(isinstance(one.get(k), int | float) for one in each)]
    return {key: fmean(one[key] for one in each) for key in numbers}


def _relations(records: Sequence[Record], group: Group) -> Means:
    sets = [d for r in records for d in r.data_sets.values() if d.group == group and d.tasks]
    found = dict[str, list[float]]()
    for data_set in sets:
        for task, outcome in zip(data_set.tasks, data_set.outcomes, strict=True):
            found.setdefault(task, []).append(outcome)
    return {task: fmean(values) for task, values in found.items()}


def _probe(sets: Sequence[DataSet]) -> Probe | None:
    """Over all seeds, where the data set's items were ranked."""
    ranks = dict[str, list[float]]()
    for data_set in sets:
        found = data_set.graded.get("rank", ())
        for task, rank in zip(data_set.tasks, found, strict=bool(found)):
            if rank is not None:
                ranks.setdefault(task, []).append(rank)
    if not ranks:
        return None
    of_relation = list(ranks.values())
    return Probe(
        n=sum(map(len, of_relation)) // len(sets),
        p_1=fmean(fmean(rank <= 1 for rank in each) for each in of_relation),
        p_10=fmean(fmean(rank <= 10 for rank in each) for each in of_relation),
        mrr=fmean(fmean(1 / rank for rank in each) for each in of_relation),
    )
