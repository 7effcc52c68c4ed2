"""Whether what a run wrote was written by another: texts are the hardest part of a run to vary."""

from collections.abc import Iterator, Mapping
from itertools import combinations
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from leaderboard.store.comparable import run_of
from leaderboard.store.generations import Generations
from leaderboard.store.reading import RecordError
from leaderboard.store.record import Record
from leaderboard.verify.tree import Fault, Tree
from leaderboard.verify.twins import ENOUGH_ITEMS

TOO_ALIKE = 0.98
"""Share of questions on which two runs write the same: so far 0.85 at most of two trainings, 0.92
of an untrained student with other examples, 0.90 where any other seed of the label counts."""

_Texts: TypeAlias = NDArray[np.int64]


def check_copies(tree: Tree) -> Iterator[Fault]:
    """Records with the texts of another, or with the best of several others, in any track."""
    asked = dict[tuple[str, ...], dict[str, _Texts]]()
    for place, record in tree.records.items():
        texts = _texts(tree, place)
        if texts is not None and len(texts) >= ENOUGH_ITEMS:
            sets = record.data_sets
            questions = tuple(sets[name].items_sha256 for name in sorted(sets))
            asked.setdefault(questions, {})[place] = texts
    for of in asked.values():
        for first, place in combinations(of, 2):
            alike = float((of[first] == of[place]).mean())
            if alike >= TOO_ALIKE and not _may_be_alike(tree.records[first], tree.records[place]):
                what = f"has {alike:.1%} of its texts from {tree.file(first)}"
                yield Fault(tree.file(place), what, f"less than {TOO_ALIKE:.0%} alike")
        yield from _mixed(tree, of)


def _mixed(tree: Tree, of: Mapping[str, _Texts]) -> Iterator[Fault]:
    """Item by item, some other seed of a trained label wrote what the record has."""
    for place, texts in of.items():
        record, folder = tree.records[place], place.rpartition("/")[0]
        others = [of[each] for each in of if each != place and each.rpartition("/")[0] == folder]
        if record.training.n_steps and len(others) > 1:
            found = float(np.any([each == texts for each in others], axis=0).mean())
            if found >= TOO_ALIKE:
                what = f"has {found:.1%} of its texts from other seeds of {record.label}"
                yield Fault(tree.file(place), what, f"less than {TOO_ALIKE:.0%} alike")


def _texts(tree: Tree, place: str) -> _Texts | None:
    """A number for each text, data sets by name; None where none are kept that can be read."""
    path, record = tree.texts_of(place), tree.records[place]
    if path.is_symlink() or not path.is_file():
        return None
    try:
        found = Generations.load(path)
        found.check(record, path)
    except RecordError:
        return None  # a fault of the generations
    texts = (text for name in sorted(found.data_sets) for text in found.data_sets[name])
    return np.array([hash(text) for text in texts])


def _may_be_alike(one: Record, other: Record) -> bool:
    """One run under two labels; or in two tracks a row that does not train, or that both train
    alike, as where the one's budget is what the other spends."""
    if one.track == other.track and run_of(one) == run_of(other):
        return True
    a, b = one.training, other.training
    same = (a.n_steps, a.tokens, a.loss_curve) == (b.n_steps, b.tokens, b.loss_curve)
    return same and (one.label, one.seed) == (other.label, other.seed)
