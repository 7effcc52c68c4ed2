"""Whether the runs of one label were given alike: a seed draws batches and shots, not a budget.

A row with settings of its own (LABEL+NAME) is held to the label that it is of: trials choose
learning rates and weights of losses, and no data.
"""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from statistics import median

from leaderboard.store.record import Record
from leaderboard.verify.snapshot import run_label, told
from leaderboard.verify.tree import Fault, Tree, most_common


@dataclass(frozen=True, slots=True)
class _Spread:
    """How far numbers of one label's runs may lie apart."""

    of: Callable[[Record], Sequence[float]]
    """[] of a record that is not compared."""
    factor: float
    slack: float = 0.0
    """Added to the factor, where numbers are so small that a draw changes them by more."""


def check_labels(tree: Tree) -> Iterator[Fault]:
    """Runs that were given something else than the other runs of their label."""
    for table in tree.tables():
        labels = dict[str, dict[str, Record]]()
        for place, record in table.items():
            labels.setdefault(run_label(record), {})[place] = record
        for label, runs in labels.items():
            for name, of in _EQUAL.items():
                yield from _unequal(tree, label, runs, name, of)
            for name, spread in _CLOSE.items():
                yield from _far(tree, label, runs, name, spread)


def _unequal(
    tree: Tree,
    label: str,
    runs: Mapping[str, Record],
    name: str,
    of: Callable[[Record], int | bool | None],
) -> Iterator[Fault]:
    found = {place: value for place, run in runs.items() if (value := of(run)) is not None}
    if len(set(found.values())) < 2:
        return
    usual = most_common(found.values())
    for place, value in found.items():
        if value != usual:
            own, others = json.dumps(value), json.dumps(usual)
            yield Fault(
                tree.file(place),
                f"{name}: {own}, in most runs of {label} {others}",
                "the same in all runs of a label",
            )


def _far(
    tree: Tree, label: str, runs: Mapping[str, Record], name: str, spread: _Spread
) -> Iterator[Fault]:
    """The run that is farthest from the median, where any two lie too far apart."""
    found = {place: values for place, run in runs.items() if (values := spread.of(run))}
    for column in zip(*found.values(), strict=False):  # their lengths are held to be equal
        low, high = min(column), max(column)
        if high <= spread.factor * low + spread.slack:
            continue
        middle = median(column)
        place, value = max(zip(found, column, strict=True), key=lambda pair: abs(pair[1] - middle))
        yield Fault(
            tree.file(place),
            f"{name} {value:.6g}, runs of {label} from {low:.6g} to {high:.6g}",
            f"within {spread.factor:g} times of each other",
        )
        return


def _n_examples(record: Record) -> int | None:
    """None where a critic chooses them, which each seed trains anew."""
    return None if told(record, "track", "critic") else record.training.n_examples


def _helped(record: Record) -> int | None:
    """FLOPs of helpers in the test; None where some prompts, which may be of the seed, did not fit
    and were asked of nobody."""
    sets = record.data_sets.values()
    if any(any(each.overflow) for each in sets):
        return None
    return sum(sum(each.helper_flops) for each in sets)


def _prompts(record: Record) -> Sequence[float]:
    """[] of rows that do not train: their shots, which a seed draws, may be of any length."""
    if not record.training.n_steps:
        return []
    return [sum(sum(each.prompt_tokens) for each in record.data_sets.values())]


def _tokens(record: Record) -> Sequence[float]:
    """[] where the student writes its own, as long as it happens to."""
    return [] if record.training.written_tokens else [record.training.tokens]


def _recall(record: Record) -> Sequence[float]:
    return [] if record.retrieval_recall is None else [record.retrieval_recall]


def _per_step(count: Callable[[Record], int]) -> Callable[[Record], Sequence[float]]:
    return lambda record: [count(record) / max(1, record.training.n_steps)]


_EQUAL: Mapping[str, Callable[[Record], int | bool | None]] = {
    "training.n_examples": _n_examples,
    "training.teacher_tokens": lambda record: record.training.teacher_tokens,
    "runs in training.kept_ratio": lambda record: len(record.training.kept_ratio),
    "any training.teacher_flops": lambda record: record.training.teacher_flops > 0,
    "any training.helper_flops": lambda record: record.training.helper_flops > 0,
    "any training.written_tokens": lambda record: record.training.written_tokens > 0,
    "helper_flops of all questions": _helped,
    "any retrieval_recall": lambda record: record.retrieval_recall is not None,
}
_CLOSE: Mapping[str, _Spread] = {
    "training.tokens": _Spread(_tokens, 1.2),
    "training.kept_ratio": _Spread(lambda record: record.training.kept_ratio, 1.2, 0.01),
    "training.dropped_demos a step": _Spread(
        _per_step(lambda record: record.training.dropped_demos), 1.2, 0.5
    ),
    "training.skipped_examples a step": _Spread(
        _per_step(lambda record: record.training.skipped_examples), 1.2, 0.5
    ),
    "prompt_tokens of all questions": _Spread(_prompts, 1.2),
    "retrieval_recall": _Spread(_recall, 1.2, 0.02),
}
"""Runs on the board lie within 1.06 (tokens), 1.08 (kept words), 1.13 (prompts), 1.10 (recall)."""
