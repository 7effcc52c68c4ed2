"""What a run wrote, question by question, beside its record: generations/vN/TRACK/LABEL."""

import lzma
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from leaderboard.store.ranges import Count, Label, Name, Title
from leaderboard.store.reading import STRICT, First, MisreadError, RecordError, parsed


@dataclass(frozen=True, slots=True)
class Generations:
    """The solutions of one run."""

    __pydantic_config__ = STRICT

    schema: First
    track: Name
    label: Label
    seed: Count
    data_sets: Mapping[Title, list[str]]
    """One solution for each item of the record, in its order."""

    @classmethod
    def load(cls, path: Path) -> "Generations":
        """Read and check; RecordError names the file and the fault."""
        try:
            return parsed(cls, lzma.decompress(path.read_bytes()))
        except (MisreadError, lzma.LZMAError) as error:
            raise RecordError(f"{path}: {error}") from error
