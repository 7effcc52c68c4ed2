"""Whether two records are one run that was filed twice."""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import combinations
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from leaderboard.store.comparable import run_of
from leaderboard.store.record import N_POINTS, Record
from leaderboard.verify.tree import Fault, Tree

ENOUGH_ITEMS = 100
"""On fewer questions, or where all answers are right or all wrong, two runs may agree by chance."""
ENOUGH_LENGTHS = 10
"""Answers of so many different lengths are texts, and no letters that students may share."""
SAME_LOSS = 0.003
"""Of two seeds some tenth of the steps differs by more: by 0.7 % at the least on the board."""
TOO_ALIKE = 0.98
"""Share of questions that two trainings answer alike, in as many tokens: 0.95 at most so far."""

_Trait: TypeAlias = Callable[[Record], str | None]
"""What only one run can have; None where a record has none of it."""


def check_twins(tree: Tree) -> Iterator[Fault]:
    """Records that share what only one run can have; each is named with the other."""
    for first, place in _pairs(tree.records, _key):
        yield _fault(tree, place, "provenance.key", first, "a key for each run")
    for table in tree.tables():
        for first, place in _pairs(table, _answers):
            # A run that has two labels wrote them once.
            if run_of(table[place]) != run_of(table[first]):
                what, expected = "all outcomes and token counts", "answers of a run of its own"
                yield _fault(tree, place, what, first, expected)
        yield from _near(tree, table)
        yield from _curves(tree, table)
        yield from _trainings(tree, table)


def _fault(tree: Tree, place: str, what: str, first: str, expected: str) -> Fault:
    return Fault(tree.file(place), f"has {what} of {tree.file(first)}", expected)


def _pairs(records: Mapping[str, Record], of: _Trait) -> Iterator[tuple[str, str]]:
    """Of the places that share a trait, which is not None, the first one and each other."""
    found = dict[str, str]()
    for place, record in records.items():
        trait = of(record)
        first = place if trait is None else found.setdefault(trait, place)
        if first != place:
            yield first, place


def _near(tree: Tree, table: Mapping[str, Record]) -> Iterator[Fault]:
    """Two trainings answer some questions otherwise: what is alike in nearly all is a copy that
    was touched."""
    of_size = dict[int, dict[str, NDArray[np.int64]]]()
    for place, record in table.items():
        if (columns := _columns(record)) is not None:
            of_size.setdefault(len(columns), {})[place] = columns
    for columns in of_size.values():
        places, stacked = [*columns], np.stack([*columns.values()])
        for i, place in enumerate(places):
            alike = (stacked[:i] == stacked[i]).all(axis=2).mean(axis=1)
            for first, share in zip(places, alike, strict=False):
                if TOO_ALIKE <= share < 1 and run_of(table[first]) != run_of(table[place]):
                    what = f"{share:.1%} of its answers, with their token counts,"
                    yield _fault(tree, place, what, first, f"less than {TOO_ALIKE:.0%} alike")


def _columns(record: Record) -> NDArray[np.int64] | None:
    """(n, 4): outcomes and token counts of each question, of a row that was trained to write
    texts; None of others, whose answers may well be alike."""
    sets = record.data_sets.values()
    lengths = {n for each in sets for n in each.generated_tokens}
    n_items = sum(len(each.items) for each in sets)
    if not record.training.n_steps or len(lengths) < ENOUGH_LENGTHS or n_items < ENOUGH_ITEMS:
        return None
    return np.concatenate(
        [
            np.array([each.strict, each.failed, each.prompt_tokens, each.generated_tokens]).T
            for each in sets
        ]
    )


def _curves(tree: Tree, table: Mapping[str, Record]) -> Iterator[Fault]:
    """One loss curve belongs to one training: of one seed, with one cost."""
    for first, place in _pairs(table, _curve):
        one, other = table[first], table[place]
        # Rows that differ at test time alone share one trained student.
        if one.seed == other.seed and _spent(one) != _spent(other):
            expected = "the same training, or a curve of its own"
            yield _fault(tree, place, "the loss curve", first, expected)
    curves = {p: r for p, r in table.items() if len(r.training.loss_curve) == N_POINTS}
    for (first, one), (place, other) in combinations(curves.items(), 2):
        if one.seed != other.seed and _nearly(one.training.loss_curve, other.training.loss_curve):
            expected = "a curve of its own: other seeds draw other batches"
            yield _fault(tree, place, "nearly the loss curve", first, expected)


def _nearly(one: Sequence[float], other: Sequence[float]) -> bool:
    pairs = zip(one, other, strict=True)
    return all(abs(a - b) <= SAME_LOSS * max(abs(a), abs(b)) for a, b in pairs)


def _trainings(tree: Tree, table: Mapping[str, Record]) -> Iterator[Fault]:
    """One trained student belongs to one seed."""
    for first, place in _pairs(table, _train_key):
        if table[place].seed != table[first].seed:
            expected = "a training of its own for each seed"
            yield _fault(tree, place, "provenance.train_key", first, expected)


def _key(record: Record) -> str | None:
    return _text(record, "key")


def _train_key(record: Record) -> str | None:
    return _text(record, "train_key")


def _text(record: Record, name: str) -> str | None:
    value = record.provenance.get(name)
    return value if isinstance(value, str) else None


def _answers(record: Record) -> str | None:
    """All outcomes and token counts; None where they are too few or too plain to tell two runs."""
    sets = record.data_sets
    right = [bit for each in sets.values() for bit in each.strict]
    if record.kind == "corpus" or len(right) < ENOUGH_ITEMS or len(set(right)) < 2:
        return None
    columns: dict[str, Sequence[object]] = {
        name: [each.strict, each.failed, each.prompt_tokens, each.generated_tokens]
        for name, each in sets.items()
    }
    return json.dumps(columns, sort_keys=True)


def _curve(record: Record) -> str | None:
    return json.dumps(record.training.loss_curve) if record.training.loss_curve else None


def _spent(record: Record) -> tuple[object, ...]:
    spent = record.training
    return (spent.n_examples, spent.n_steps, spent.tokens, spent.final_loss, spent.kept_ratio)
