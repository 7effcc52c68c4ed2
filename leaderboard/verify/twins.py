"""Whether two records are one run that was filed twice."""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TypeAlias

from leaderboard.store.comparable import run_of
from leaderboard.store.record import Record
from leaderboard.verify.tree import Fault, Tree

ENOUGH_ITEMS = 100
"""On fewer questions, or where all answers are right or all wrong, two runs may agree by chance."""


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


def _curves(tree: Tree, table: Mapping[str, Record]) -> Iterator[Fault]:
    """One loss curve belongs to one training: of one seed, with one cost."""
    for first, place in _pairs(table, _curve):
        one, other = table[first], table[place]
        if one.seed != other.seed:
            expected = "a curve of its own: other seeds draw other batches"
        elif _spent(one) != _spent(other):
            expected = "the same training, or a curve of its own"
        else:
            continue  # rows that differ at test time alone share one trained student
        yield _fault(tree, place, "the loss curve", first, expected)


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
