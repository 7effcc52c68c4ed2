"""Whether what was published before is there as it was, or the ledger says what became of it."""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TypeAlias

from leaderboard.compare.gate.base import base_root
from leaderboard.store.board import suites
from leaderboard.store.files import file_sha256
from leaderboard.store.ledger import (
    FILED,
    REMOVED,
    RESCORED,
    Event,
    ledger_of,
    lines_of,
)
from leaderboard.store.maps import Sweep
from leaderboard.store.reading import MisreadError, RecordError, parsed
from leaderboard.store.record import Record
from leaderboard.store.studies import Study
from leaderboard.store.trials import Trials
from leaderboard.verify.reading import read_record
from leaderboard.verify.tree import Base, Fault, Tree

_Load: TypeAlias = Callable[[Path], Trials | Study | Sweep]
_GROWING: Mapping[str, _Load] = {
    "trials": Trials.load,
    "studies": Study.load,
    "maps": Sweep.load,
}
"""Facts whose files are added to; what was in one before is never lost."""
_FACTS = ("probes", "reruns", *_GROWING)
"""What is held to the base beside records; a file that does not grow is written once."""
_SCORES = ("strict", "author", "flexible", "failed")


def read_base(name: str, into: Path, records: Path) -> Base:
    """A board as a git ref or a folder has it; `into` holds what git gives. UnknownName."""
    root = base_root(name, into, records, (ledger_of(records).name, *_FACTS))
    if Path(name).is_dir() and not suites(root):
        raise RecordError(f"{root}: holds no suites vN; name the folder of a board's records")
    files = [each for suite in suites(root) for each in (root / suite).glob("*/*/*.json")]
    hashes = {path.relative_to(root).as_posix(): file_sha256(path) for path in sorted(files)}
    return Base(name, hashes, lines_of(ledger_of(root)), root)


def check_base(tree: Tree) -> Iterator[Fault]:
    """A ledger that does not go on from the base's, records changed or lost without a line, and
    other facts changed or lost."""
    base = tree.base
    if base is None:
        return
    ledger = ledger_of(tree.root)
    lines = _lines(ledger)
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
    yield from _facts(tree, base, {each.path for each in events if each.event == REMOVED})


def _lines(ledger: Path) -> list[str]:
    """None where they are no text, which is a fault of the ledger."""
    try:
        return lines_of(ledger)
    except RecordError:
        return []


def _facts(tree: Tree, base: Base, removed: Collection[str]) -> Iterator[Fault]:
    """Files beside the records that are lost or changed; reruns go with the record they repeat."""
    before, now = base.records.parent, tree.root.parent
    for path in sorted(p for kind in _FACTS for p in (before / kind).rglob("*") if p.is_file()):
        file = path.relative_to(before)
        kind, *inner = file.parts
        place = "/".join(inner)
        of = f"{place.rpartition('-')[0]}.json"
        if not tree.is_of_track(place) or (kind == "reruns" and of in removed):
            continue
        if not (now / file).is_file():
            yield Fault(file.as_posix(), f"is lost since {base.name}", "there, as it was")
        elif not _goes_on(path, now / file, _GROWING.get(kind)):
            expected = "as it was, or with more trials, runs or worlds where it may grow"
            yield Fault(file.as_posix(), f"is another since {base.name}", expected)


def _goes_on(before: Path, now: Path, load: _Load | None) -> bool:
    """Whether a fact is as it was, or has grown."""
    if before.read_bytes() == now.read_bytes():
        return True
    if load is None or before.suffix != ".json":
        return False
    try:
        parts = _parts(load(now))
        return all(part in parts for part in _parts(load(before)))
    except RecordError:
        return False


def _parts(found: Trials | Study | Sweep) -> Sequence[object]:
    """What a fact that grows is made of."""
    match found:
        case Trials():
            return [replace(found, trials=[]), *found.trials]
        case Study():
            return [replace(found, runs=[]), *found.runs]
        case Sweep():
            return [(p.name, p.track, world) for p in found.points for world in p.worlds]


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


def has_other_outcomes(tree: Tree, base: Base, place: str) -> bool:
    """Whether the record at a place is the base's run, but for what was right and wrong."""
    if base.sha256.get(place) in (None, file_sha256(tree.root / place)):
        return False
    try:
        before = read_record(base.records / place)
    except RecordError:
        return False
    now = tree.records[place]
    return now != before and _without_scores(now) == _without_scores(before)


def _without_scores(record: Record) -> Record:
    empty = {name: list[int]() for name in _SCORES}
    sets = {name: replace(each, **empty) for name, each in record.data_sets.items()}
    return replace(record, data_sets=sets)
