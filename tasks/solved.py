"""Test questions with a solution that was really written for them, right or wrong.

They say how long a solved question is without any student. One of them, on navigate: "We start at
the origin (0, 0), facing the positive y-axis. (1) Turn left: (0, 0), facing the negative x-axis.
.." and the gold answer "No".
"""

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from tasks.docs import Item
from tasks.in_domain.sources import Written, codex_of
from tasks.published import items
from tasks.raw import data_folder


class SolvedItem(Item):
    """A question with the reasoning that precedes the answer; the target is the gold one."""

    rationale: str


SOLVED: dict[str, Callable[[Iterable[Item], Path], Iterator[Written]]] = {"skb_bbh": codex_of}
"""Data set -> what was written for its test questions, read from a data folder."""


def solved(data_set: str, data_dir: Path | None) -> list[SolvedItem]:
    """The test questions of a data set of SOLVED, as they are served, with their rationales.

    Where the text comes to no conclusion, as 50 of the 1,304 for BBH do, all of it is taken.
    """
    folder = data_folder(data_dir)
    written = SOLVED[data_set](items(data_set, folder), folder)
    return [{**each.item, "rationale": each.rationale or each.text.strip()} for each in written]
