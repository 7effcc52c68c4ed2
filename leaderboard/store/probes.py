"""The stored probe: what a student knows at several points of its training, one file per run.

A probe asks the same questions with a share of the words of their knowledge in the prompt, and
completes statements of fact (cloze). Facts only, written once, as for records.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from leaderboard.store.board import check_place
from leaderboard.store.files import write_once
from leaderboard.store.ranges import Count, Label, Mark, Name, Positive
from leaderboard.store.reading import STRICT, First, MisreadError, RecordError, parsed, stored
from leaderboard.store.record import Scope

SCHEMA = 1


@dataclass(frozen=True, slots=True)
class ProbePoint:
    """Outcomes at one point of training."""

    progress: float
    """Optimizer steps done over all, 0 to 1."""
    step: Count
    accuracy: list[list[Mark]]
    """0 or 1, (shares, items): the answer is right with that share of knowledge in view."""
    cloze: list[Mark]
    """0 or 1 per fact: the most likely completion is the right one (P@1)."""


@dataclass(frozen=True, slots=True)
class ProbeRecord:
    """The probes of one training run."""

    __pydantic_config__ = STRICT

    schema: First
    track: Name
    method: str
    label: Label
    seed: Count
    items: list[str]
    shares: list[float]
    """Of the words of knowledge that the prompt shows, 1 to 0."""
    points: list[ProbePoint]
    """In the order of training."""
    facts: list[str]
    """The statements of the cloze test."""
    provenance: Mapping[str, Any]
    version: Positive = 1
    """Of the track."""

    @property
    def place(self) -> str:
        """Where it belongs, below a board's probes: as a record of the public scope."""
        return Scope().place(self.track, self.version, self.label, self.seed)

    def save(self, path: Path) -> None:
        """Write atomically; an existing file is never overwritten (FileExistsError).

        Raises RecordError for a probe that does not follow the schema.
        """
        body = asdict(self)
        try:
            wrong = parsed(ProbeRecord, json.dumps(body)).wrong()
        except MisreadError as error:
            wrong = str(error)
        if wrong:
            raise RecordError(f"{path}: {wrong}; nothing was written")
        write_once(path, body, "probe")

    @classmethod
    def load(cls, path: Path) -> "ProbeRecord":
        """Read and check a probe; RecordError names the file and the field."""
        probe = stored(cls, path)
        if wrong := probe.wrong():
            raise RecordError(f"{path}: {wrong}")
        return probe

    def wrong(self) -> str | None:
        """What breaks the schema, in words; None for a probe that follows it."""
        if not (self.points and self.items and self.shares):
            return "points, items and shares must not be empty"
        progress = [point.progress for point in self.points]
        if progress != sorted(set(progress)) or not 0 <= progress[0] <= progress[-1] <= 1:
            return f"points: progress is {progress}; it must rise within 0 and 1"
        for point in self.points:
            shape = [len(row) for row in point.accuracy]
            if shape != [len(self.items)] * len(self.shares):
                return (
                    f"points at progress {point.progress}: accuracy has rows of {shape}, not"
                    f" {len(self.items)} items for each of {len(self.shares)} shares"
                )
            if len(point.cloze) != len(self.facts):
                return (
                    f"points at progress {point.progress}: cloze has {len(point.cloze)} entries,"
                    f" facts has {len(self.facts)}"
                )
        return None


def load_probes(root: Path, track: str) -> list[ProbeRecord]:
    """Probes of the track in the suite, by label and seed; RecordError for a misplaced one."""
    found: list[ProbeRecord] = []
    for path in sorted((root / track).glob("*/*.json")):
        probe = ProbeRecord.load(path)
        check_place(path, probe.track, probe.version, track, root)
        place = root.parent / probe.place
        if path != place:
            raise RecordError(f"{path}: belongs at {place}; move it there")
        found.append(probe)
    return sorted(found, key=lambda probe: (probe.label, probe.seed))
