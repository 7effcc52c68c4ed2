"""Test questions with a solution that was really written for them, right or wrong.

They say how long a solved question is without any student. One of them, on navigate: "We start at
the origin (0, 0), facing the positive y-axis. (1) Turn left: (0, 0), facing the negative x-axis.
.." and the gold answer "No".
"""

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

from tasks.docs import Item, check_pin
from tasks.in_domain.sources import Written, codex_of
from tasks.published import items
from tasks.raw import data_folder


class SolvedItem(Item):
    """A question with the reasoning that precedes the answer; the target is the gold one."""

    rationale: str


class Solutions(NamedTuple):
    """What was written for the test questions of a data set, read from a data folder."""

    written: Callable[[Iterable[Item], Path], Iterator[Written]]
    sha256: str
    """Of the questions with their rationales, as they are served."""


SOLVED = {
    "skb_bbh": Solutions(
        codex_of, "d5f1db250125b7288f277a47098ca2f78a0090357e9850345b3b3761d8be1964"
    )
}


def solved(data_set: str, data_dir: Path | None) -> list[SolvedItem]:
    """The test questions of a data set of SOLVED, as they are served, with their rationales.

    Where the text comes to no conclusion, as 50 of the 1,304 for BBH do, all of it is taken.
    """
    folder = data_folder(data_dir)
    written, pin = SOLVED[data_set]
    rows: list[SolvedItem] = [
        {**each.item, "rationale": each.rationale or each.text.strip()}
        for each in written(items(data_set, folder), folder)
    ]
    check_pin(data_set, rows, pin, f"`skbench data check {folder}` names the files that differ.")
    return rows
