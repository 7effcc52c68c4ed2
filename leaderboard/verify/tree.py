"""A board as it lies on disk: what could be read of it, and what could not."""

import json
import os
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol, TypeAlias

from leaderboard.stats.formats import escaped
from leaderboard.store.generations import Generations
from leaderboard.store.ledger import generations_of
from leaderboard.store.ranges import PLACE
from leaderboard.store.reading import RecordError
from leaderboard.store.record import Record
from leaderboard.verify.reading import MOST_BYTES, read_record

Scored: TypeAlias = Mapping[str, Mapping[str, Sequence[float]]]
"""Data set -> extractor (strict, author, flexible, failed) or grade -> outcomes."""
_PLACE = re.compile(PLACE)


class Harness(Protocol):
    """What a board asks of what made its runs; without one, rows are as they were told."""

    def rescore(self, record: Record, generations: Generations) -> Scored | str:
        """What the texts score, without data sets whose questions here are other ones; in words why
        not, where questions are not to be had here. RecordError for a record of no track."""
        ...

    def lengths(
        self, record: Record, generations: Generations
    ) -> Mapping[str, Sequence[int]] | None:
        """Tokens of each text, by data set; None where the student's tokenizer is not here."""
        ...

    def version(self, track: str) -> int | None:
        """The version that a built-in track has by now; None of another track."""
        ...

    def traits(self, label: str, own: Mapping[str, Any]) -> Mapping[str, Any] | str | None:
        """Whether rows of a method's label, at settings of their own, are `skewed`, an
        `upper_bound`, ones that `retrieve`; their `restarts` and the fields of their `method`; in
        words what is wrong with the label; None of a method that is not built in."""
        ...


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that is wrong: where, what, and what it should be."""

    file: str
    """Below the folder that the board's records lie in."""
    what: str
    expected: str

    def __str__(self) -> str:
        return escaped(f"{self.file}: {self.what}; should be {self.expected}", "text")


@dataclass(frozen=True, slots=True)
class Unscored:
    """A record whose outcomes are as they were told, and why: no fault by itself."""

    place: str
    why: str


@dataclass(frozen=True, slots=True)
class Base:
    """A board as it was."""

    name: str
    sha256: Mapping[str, str]
    """Place -> hash of the record's file."""
    ledger: Sequence[str]
    """Its lines."""
    records: Path


@dataclass(frozen=True, slots=True)
class Tree:
    """A board, or one track of it; a place is a path below its records, vN/TRACK/LABEL/seedN.json.

    Checks take a tree and yield faults.
    """

    root: Path
    """Of the records."""
    records: Mapping[str, Record]
    """Place -> record, of those that could be read."""
    files: Sequence[str] = ()
    """Places of all records, read or not."""
    faults: Sequence[Fault] = ()
    """Of those that could not be read."""
    strays: Sequence[str] = ()
    """What else lies there."""
    links: Sequence[str] = ()
    """Symbolic links, which are not followed."""
    track: str | None = None
    """The one that is looked at; None for all."""
    base: Base | None = None
    harness: Harness | None = None
    handed_in: Mapping[str, Path] = field(default_factory=dict[str, Path])
    """Place -> file of texts, of runs that are not filed yet."""

    def texts_of(self, place: str) -> Path:
        """Where what a run wrote lies, if it is kept."""
        return self.handed_in.get(place) or generations_of(self.root, place)

    def file(self, place: str) -> str:
        """What faults call the record at a place."""
        return f"{self.root.name}/{place}"

    def tables(self) -> Iterator[dict[str, Record]]:
        """The records of each track in each suite, by place."""
        found = dict[tuple[str, str], dict[str, Record]]()
        for place, record in self.records.items():
            suite, track = place.split("/")[:2]
            found.setdefault((suite, track), {})[place] = record
        yield from found.values()

    def is_of_track(self, place: str) -> bool:
        """Whether a place is of what is looked at."""
        return self.track is None or place.split("/")[1:2] == [self.track]


@dataclass(slots=True)
class _Found:
    records: dict[str, Record] = field(default_factory=dict[str, Record])
    files: list[str] = field(default_factory=list[str])
    faults: list[Fault] = field(default_factory=list[Fault])
    strays: list[str] = field(default_factory=list[str])
    links: list[str] = field(default_factory=list[str])


def read_tree(
    root: Path,
    track: str | None = None,
    base: Base | None = None,
    harness: Harness | None = None,
) -> Tree:
    """All that lies below a board's records; of a track alone where one is named."""
    found = _Found()
    for place, is_link in _below(root):
        if track is not None and place.split("/")[1:2] != [track]:
            continue
        if is_link:
            found.links.append(place)
        elif not (is_place(place) and (root / place).is_file()):
            found.strays.append(place)
        else:
            _read_into(found, root, place)
    return Tree(
        root,
        found.records,
        found.files,
        found.faults,
        found.strays,
        found.links,
        track,
        base,
        harness,
    )


def is_place(text: str) -> bool:
    """Whether a record may lie there, below a board's records."""
    return _PLACE.fullmatch(text) is not None


def most_common(values: Iterable[Any]) -> Any:
    """The value that most have, the first of several such; compared as JSON."""
    texts = [json.dumps(value, sort_keys=True) for value in values]
    return json.loads(max(texts, key=texts.count))


def _read_into(found: _Found, root: Path, place: str) -> None:
    found.files.append(place)
    try:
        found.records[place] = read_record(root / place)
    except RecordError as error:
        expected = f"a record of at most {MOST_BYTES} bytes: `skbench board schema record`"
        found.faults.append(Fault(f"{root.name}/{place}", str(error), expected))


def _below(root: Path) -> Iterator[tuple[str, bool]]:
    """Files and symbolic links below a folder, sorted, and whether they are links."""
    for folder, inner, names in os.walk(root):
        inner.sort()
        for name in sorted([*names, *inner]):
            path = Path(folder, name)
            if path.is_symlink() or name in names:
                yield path.relative_to(root).as_posix(), path.is_symlink()
