"""The ledger of a board: which records were filed, removed or scored anew, a line each.

Append-only: each line holds the sha256 of the line before, so none can be changed, lost or moved
without changing all that follow.
"""

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from hashlib import sha256
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from leaderboard.store import generations
from leaderboard.store.files import alone_in, file_sha256, replace_text
from leaderboard.store.ranges import Day, Place, Positive, Sha256
from leaderboard.store.reading import STRICT, MisreadError, RecordError, parsed

Kind = Literal["file", "remove", "rescore"]
FILED: Kind = "file"
REMOVED: Kind = "remove"
RESCORED: Kind = "rescore"
BEFORE = "filed before there was a ledger"


@dataclass(frozen=True, slots=True)
class Event:
    """One line."""

    __pydantic_config__ = STRICT

    number: Positive
    """Of the line, from 1."""
    date: Day
    event: Kind
    path: Place
    """Of the record, below the board's records: vN/TRACK/LABEL/seedN.json."""
    sha256: Sha256
    """Of the record's file: as filed, as scored anew, or as it was when it was removed."""
    generations: Sha256 | None
    """Of the file of what the run wrote; null where it is not kept."""
    reason: Annotated[str, Field(min_length=1, max_length=1000)]
    previous: Sha256 | None
    """Of the line before, without its line break; null in the first."""


def ledger_of(records: Path) -> Path:
    """The ledger of a board, beside its suites of records."""
    return records.parent / "ledger.jsonl"


def lines_of(ledger: Path) -> list[str]:
    """The lines; [] where there is no ledger yet. RecordError where they are no text."""
    try:
        text = ledger.read_bytes().decode() if ledger.is_file() else ""
    except UnicodeDecodeError as error:
        raise RecordError(f"{ledger}: not UTF-8 ({error}): restore it from git") from error
    return text.removesuffix("\n").split("\n") if text else []


def line_sha256(line: str) -> str:
    """What the next line calls this one."""
    return sha256(line.encode()).hexdigest()


def events_of(ledger: Path) -> list[Event]:
    """The events; RecordError names the line that is none."""
    found = list[Event]()
    for number, line in enumerate(lines_of(ledger), 1):
        try:
            found.append(parsed(Event, line))
        except MisreadError as error:
            raise RecordError(f"{ledger}, line {number}: {error}") from error
    return found


def standing(events: Iterable[Event]) -> dict[str, Event]:
    """Path -> its last event, of the records that were not removed."""
    last = {event.path: event for event in events}
    return {path: event for path, event in last.items() if event.event != REMOVED}


def generations_of(records: Path, place: str) -> Path:
    """Where what a run wrote lies, beside its record at `place` below `records`."""
    return generations.place(records / place)


def place_of(records: Path, file: Path) -> str:
    """What the ledger calls a record's file."""
    return file.relative_to(records).as_posix()


def file_records(records: Path, files: Sequence[Path], reason: str, date: str) -> Path | None:
    """Add a line for each of the records that has none, and for each whose texts came later; None
    where nothing is new.

    The first lines of a board without a ledger are those of all its other records.
    """
    with alone_in(records):
        ledger = ledger_of(records)
        known = standing(events_of(ledger))
        places = [place_of(records, file) for file in files]
        new: list[tuple[Kind, str, str]] = [
            (kind, place, reason)
            for place in places
            if (kind := _unheard_of(records, place, known.get(place)))
        ]
        if not ledger.is_file():
            present = [
                place_of(records, each) for each in sorted(records.glob("v*/*/*/seed*.json"))
            ]
            before: list[tuple[Kind, str, str]] = [
                (FILED, place, BEFORE) for place in present if place not in places
            ]
            new = [*before, *new]
        if not new:
            return None
        _append(records, new, date)
        return ledger


def _unheard_of(records: Path, place: str, last: Event | None) -> Kind | None:
    """What the ledger has not been told of a record; `last` is its last event."""
    if last is None:
        return FILED
    came = last.generations is None and generations_of(records, place).is_file()
    return RESCORED if came else None


def strike_record(records: Path, file: Path, reason: str, date: str) -> Path | None:
    """Add the line of a record that is to be removed, while its file is still there; None where
    none stands: a removal that was cut off has added it, or the record was never filed."""
    with alone_in(records):
        ledger, place = ledger_of(records), place_of(records, file)
        if place not in standing(events_of(ledger)):
            return None
        _append(records, [(REMOVED, place, reason)], date)
        return ledger


def _append(records: Path, entries: Sequence[tuple[Kind, str, str]], date: str) -> None:
    """Lines of (event, place, reason), each with the hashes of the files as they are now."""
    ledger = ledger_of(records)
    lines = lines_of(ledger)
    for kind, place, reason in entries:
        wrote = generations_of(records, place)
        event = Event(
            number=len(lines) + 1,
            date=date,
            event=kind,
            path=place,
            sha256=file_sha256(records / place),
            generations=file_sha256(wrote) if wrote.is_file() else None,
            reason=reason,
            previous=line_sha256(lines[-1]) if lines else None,
        )
        lines.append(json.dumps(asdict(event)))
    replace_text(ledger, "".join(f"{line}\n" for line in lines))
