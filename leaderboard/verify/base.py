"""Whether what was published before is there as it was, or the ledger says what became of it."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from leaderboard.compare.gate.base import base_root
from leaderboard.store.board import suites
from leaderboard.store.files import file_sha256
from leaderboard.store.git import git
from leaderboard.store.ledger import (
    FILED,
    REMOVED,
    RESCORED,
    Event,
    ledger_of,
    lines_of,
)
from leaderboard.store.reading import MisreadError, RecordError, parsed
from leaderboard.store.record import Record
from leaderboard.verify.tree import Base, Fault, Tree, read_record

_SCORES = ("strict", "author", "flexible", "failed")


def read_base(name: str, into: Path, records: Path) -> Base:
    """A board as a git ref or a folder has it; `into` holds what git gives. UnknownName."""
    root = base_root(name, into, records)
    if not Path(name).is_dir():
        text = git(records.parent, "show", f"{name}:./{ledger_of(records).name}")
        ledger_of(root).write_bytes(text or b"")
    elif not suites(root):
        raise RecordError(f"{root}: holds no suites vN; name the folder of a board's records")
    files = [each for suite in suites(root) for each in (root / suite).glob("*/*/*.json")]
    hashes = {path.relative_to(root).as_posix(): file_sha256(path) for path in sorted(files)}
    return Base(name, hashes, lines_of(ledger_of(root)), root)


def check_base(tree: Tree) -> Iterator[Fault]:
    """A ledger that does not go on from the base's, and records changed or lost without a line."""
    base = tree.base
    if base is None:
        return
    ledger = ledger_of(tree.root)
    lines = lines_of(ledger)
    kept = 0
    for own, line in zip(lines, base.ledger, strict=False):
        if own != line:
            break
        kept += 1
    if kept < len(base.ledger):
        where = f"{ledger.name}, line {kept + 1}"
        yield Fault(where, f"is not that of {base.name}", f"{base.ledger[kept][:60]}..")
    events = _events(lines[kept:]) if kept == len(base.ledger) else []
    for place, before in base.sha256.items():
        if not tree.is_of_track(place):
            continue
        path = tree.root / place
        own = file_sha256(path) if path.is_file() else None
        if own != before and own not in _became(before, place, events):
            expected = f"{before}, or what a line of the ledger since says of it"
            yield Fault(tree.file(place), f"has sha256 {own} since {base.name}", expected)
        elif own != before:
            yield from _rescored(tree, base, place, events)


def _events(lines: Sequence[str]) -> list[Event]:
    """Those that can be read; the others are faults of the ledger."""
    found = list[Event]()
    for line in lines:
        try:
            found.append(parsed(Event, line))
        except MisreadError:
            break
    return found


def _became(before: str, place: str, events: Sequence[Event]) -> list[str | None]:
    """The hash that lawful events leave a record with, in a list; [] where one is not lawful."""
    now: str | None = before
    for event in events:
        if event.path != place:
            continue
        if event.event == FILED and now not in (None, event.sha256):
            return []
        if event.event == REMOVED and now != event.sha256:
            return []
        now = None if event.event == REMOVED else event.sha256
    return [now]


def _rescored(tree: Tree, base: Base, place: str, events: Sequence[Event]) -> Iterator[Fault]:
    """Scoring anew changes outcomes, and nothing that the run measured."""
    kinds = {event.event for event in events if event.path == place}
    if REMOVED in kinds or RESCORED not in kinds or place not in tree.records:
        return
    try:
        before = read_record(base.records / place)
    except RecordError:
        return
    if _without_scores(before) != _without_scores(tree.records[place]):
        expected = "the same but for strict, author, flexible and failed"
        yield Fault(tree.file(place), "was scored anew, and differs in more", expected)


def _without_scores(record: Record) -> Record:
    empty = {name: list[int]() for name in _SCORES}
    sets = {name: replace(each, **empty) for name, each in record.data_sets.items()}
    return replace(record, data_sets=sets)
