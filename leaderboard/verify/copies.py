"""Whether what a run wrote was written by another: texts are the hardest part of a run to vary."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from leaderboard.store.comparable import run_of
from leaderboard.store.generations import Generations
from leaderboard.store.reading import RecordError
from leaderboard.store.record import Record
from leaderboard.verify.tree import Fault, Tree
from leaderboard.verify.twins import ENOUGH_LENGTHS

ENOUGH_WRONG = 30
"""On fewer wrong answers two runs may agree by chance; right ones may be the same texts anyway."""
PAIR, MIXED = 0.9, 0.95
"""Share of wrong answers that are the same texts: so far 0.73 at most of two runs, 0.84 where any
other seed of the label counts."""


@dataclass(frozen=True, slots=True)
class _Written:
    """Of each question, data sets by name: a number for the text, and whether it is wrong."""

    texts: NDArray[np.int64]
    wrong: NDArray[np.bool_]


def check_copies(tree: Tree) -> Iterator[Fault]:
    """Records with the texts of another, or with the best of several others, in any track."""
    asked = dict[tuple[str, ...], dict[str, _Written]]()
    for place, record in tree.records.items():
        if (written := _written(tree, place)) is not None:
            questions = tuple(record.data_sets[name].items_sha256 for name in _names(record))
            asked.setdefault(questions, {})[place] = written
    for of in asked.values():
        for (first, one), (place, other) in combinations(of.items(), 2):
            share = _share(one.texts == other.texts, one.wrong | other.wrong)
            if share >= PAIR and not _may_be_alike(tree.records[first], tree.records[place]):
                yield _fault(tree, place, share, tree.file(first), PAIR)
        yield from _mixed(tree, of)


def _mixed(tree: Tree, of: Mapping[str, _Written]) -> Iterator[Fault]:
    """Item by item, some other seed of a trained label wrote what the record has."""
    for place, own in of.items():
        record, folder = tree.records[place], place.rpartition("/")[0]
        others = [of[each] for each in of if each != place and each.rpartition("/")[0] == folder]
        if record.training.n_steps and len(others) > 1:
            alike = np.any([own.texts == each.texts for each in others], axis=0)
            if (share := _share(alike, own.wrong)) >= MIXED:
                yield _fault(tree, place, share, f"other seeds of {record.label}", MIXED)


def _share(alike: NDArray[np.bool_], wrong: NDArray[np.bool_]) -> float:
    """Of the wrong answers; 0 where they are too few to tell."""
    return float(alike[wrong].mean()) if wrong.sum() >= ENOUGH_WRONG else 0.0


def _fault(tree: Tree, place: str, share: float, whose: str, most: float) -> Fault:
    what = f"has {share:.1%} of its wrong answers, to the letter, from {whose}"
    return Fault(tree.file(place), what, f"less than {most:.0%} alike")


def _written(tree: Tree, place: str) -> _Written | None:
    """None where no texts are kept that can be read, or where all are letters that students may
    share."""
    path, record = tree.texts_of(place), tree.records[place]
    lengths = {n for each in record.data_sets.values() for n in each.generated_tokens}
    if path.is_symlink() or not path.is_file() or len(lengths) < ENOUGH_LENGTHS:
        return None
    try:
        found = Generations.load(path)
        found.check(record, path)
    except RecordError:
        return None  # a fault of the generations
    names = _names(record)
    texts = [hash(text) for name in names for text in found.data_sets[name]]
    right = [bit for name in names for bit in record.data_sets[name].strict]
    return _Written(np.array(texts), np.array(right) == 0)


def _names(record: Record) -> list[str]:
    return sorted(record.data_sets)


def _may_be_alike(one: Record, other: Record) -> bool:
    """One run under two labels; or in two tracks a row that does not train, or that both train
    alike, as where the one's budget is what the other spends."""
    if run_of(one) != run_of(other):
        return False
    a, b = one.training, other.training
    same = (a.n_steps, a.tokens, a.loss_curve) == (b.n_steps, b.tokens, b.loss_curve)
    return same or one.track == other.track
