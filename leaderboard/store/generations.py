"""What a run's student answered, question by question: the texts that its outcomes follow from."""

import json
import lzma
import re
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from leaderboard.store.board import beside
from leaderboard.store.files import write_bytes_once
from leaderboard.store.ranges import Count, Label, Name, Title
from leaderboard.store.reading import (
    STRICT,
    First,
    MisreadError,
    RecordError,
    check_told_once,
    parsed,
)
from leaderboard.store.record import Record

MAX_BYTES = 16 * 2**20
"""Of the texts of one run, unpacked: what unpacks to more is refused."""
_MOST_MEMORY = 128 * 2**20
"""Of unpacking: a window of 64 MB, as `save` packs."""
_TEXT = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*"', re.DOTALL)
_MOST_BARE = 4096
"""Bytes that are neither texts nor between those of a list."""


@dataclass(frozen=True, slots=True)
class Generations:
    """The solutions of one record, as lists parallel to `items` of its data sets."""

    __pydantic_config__ = STRICT

    schema: First
    track: Name
    label: Label
    seed: Count
    data_sets: Mapping[Title, list[str]]
    """One solution for each item of the record, in its order."""

    @classmethod
    def of(cls, record: Record, solutions: Iterable[tuple[str, str]]) -> "Generations":
        """From pairs of data set and solution, in the order of the record's items."""
        texts: dict[str, list[str]] = {name: [] for name in record.data_sets}
        for name, solution in solutions:
            texts[name].append(solution)
        return cls(1, record.track, record.label, record.seed, texts)

    def save(self, path: Path) -> None:
        """Write atomically; an existing file is never overwritten (FileExistsError)."""
        body = json.dumps(asdict(self), separators=(",", ":")).encode()
        write_bytes_once(path, lzma.compress(body, preset=9), "file of generations")

    def check(self, record: Record, path: Path) -> None:
        """Raise RecordError, naming `path`, where these are not of the record's questions."""
        mine, its = ((o.track, o.label, o.seed) for o in (self, record))
        if mine != its:
            raise RecordError(f"{path}: of {mine}, beside a record of {its}")
        found = {name: len(texts) for name, texts in self.data_sets.items()}
        wanted = {name: len(each.items) for name, each in record.data_sets.items()}
        if found != wanted:
            raise RecordError(f"{path}: solutions of {found}, and the record asked {wanted}")

    @classmethod
    def load(cls, path: Path) -> "Generations":
        """Read and check; RecordError names the file and what is wrong with it."""
        reader = lzma.LZMADecompressor(lzma.FORMAT_XZ, memlimit=_MOST_MEMORY)
        try:
            body = reader.decompress(path.read_bytes(), MAX_BYTES + 1)
        except lzma.LZMAError as error:
            raise RecordError(f"{path}: not packed by xz: {error}") from error
        if len(body) > MAX_BYTES:
            raise RecordError(f"{path}: unpacks to more than {MAX_BYTES:,} bytes")
        if not reader.eof:
            raise RecordError(f"{path}: cut off")
        if reader.unused_data:
            raise RecordError(f"{path}: {len(reader.unused_data)} bytes after what xz packed")
        if _is_heavy(body):
            raise RecordError(f"{path}: holds lists of something else than texts")
        try:
            check_told_once(body)
            return parsed(cls, body)
        except MisreadError as error:
            raise RecordError(f"{path}: {error}") from error


def _is_heavy(body: bytes) -> bool:
    """Whether much of it is no text: to read such a file takes a hundred times its size."""
    bare = _TEXT.sub(b"", body)
    return len(re.sub(rb"(?<=[\[,])[,\s]+", b"", bare)) > _MOST_BARE


def place(record: Path) -> Path:
    """Where the generations of the record at that path lie: generations/vN/TRACK/LABEL/RUN."""
    suite = record.parents[2]
    return beside(suite, "generations") / record.relative_to(suite).with_suffix(".json.xz")


def kept(record: Path) -> Generations | None:
    """The generations of the record at that path; None where there are none."""
    path = place(record)
    return Generations.load(path) if path.is_file() else None
