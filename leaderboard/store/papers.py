"""What papers report, read from `reported/*.json`: shown beside what is measured, never ranked.

Each file is one paper: its columns (a data set and its group each), and per student the rows as
printed, in percent. `track` and `label` name the counterpart on this board, where there is one.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from leaderboard.store.reading import STRICT, First, RecordError, stored
from leaderboard.store.record import Group

ROUNDING = 0.06
"""In points: more than this is no rounding of the printed average."""


@dataclass(frozen=True, slots=True)
class Column:
    """A data set as the paper names it, and as the board does."""

    name: str
    group: Group
    data_set: str


@dataclass(frozen=True, slots=True)
class Claim:
    """A row of a paper's table, in %; `accuracy` and `std` are parallel to its columns."""

    method: str
    label: str | None
    accuracy: list[float | None]
    average: float | None
    std: list[float] | None = None
    flops: float | None = None
    """As printed, in the paper's own unit."""

    @property
    def recomputed(self) -> float | None:
        """The mean of the columns; None where the row lacks one."""
        known = [value for value in self.accuracy if value is not None]
        return sum(known) / len(known) if len(known) == len(self.accuracy) else None

    @property
    def disagrees(self) -> bool:
        """Whether the printed average is not that of the columns."""
        if self.average is None or self.recomputed is None:
            return False
        return abs(self.average - self.recomputed) > ROUNDING


@dataclass(frozen=True, slots=True)
class Claims:
    """One student of a paper."""

    name: str
    track: str | None
    table: str
    rows: list[Claim]


@dataclass(frozen=True, slots=True)
class Paper:
    """All that one paper reports."""

    __pydantic_config__ = STRICT

    schema: First
    name: str
    source: str
    note: str
    flops_unit: str
    columns: list[Column]
    students: list[Claims]
    reference: str
    """Label that the paper's methods are held against."""
    elsewhere: Mapping[str, list[str]]
    """Track of a student that the paper has not -> labels there whose methods it has."""

    @classmethod
    def load(cls, path: Path) -> "Paper":
        """Read and check a paper's tables; RecordError names the file and the row."""
        paper = stored(cls, path)
        for student in paper.students:
            for row in student.rows:
                found = {len(row.accuracy), len(row.std or row.accuracy)}
                if found != {len(paper.columns)}:
                    raise RecordError(
                        f"{path}: {student.name}, {row.method}: {sorted(found)} numbers,"
                        f" the paper has {len(paper.columns)} columns"
                    )
        return paper

    def flops_of(self, track: str) -> dict[str, float]:
        """Label -> relative FLOPs as printed, for the student of that track."""
        return {
            row.label: row.flops
            for student in self.students
            if student.track == track
            for row in student.rows
            if row.label is not None and row.flops is not None
        }


def stored_papers(root: Path) -> list[Paper]:
    """All papers, by file name."""
    return [Paper.load(path) for path in sorted(root.glob("*.json"))]


def paper_flops(papers: Sequence[Paper], track: str) -> dict[str, float]:
    """Label -> relative FLOPs as the first paper that has the track's student prints them."""
    for paper in papers:
        if found := paper.flops_of(track):
            return found
    return {}
