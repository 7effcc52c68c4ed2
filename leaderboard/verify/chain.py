"""Whether the ledger is whole, and the records are those that it tells of."""

from collections.abc import Iterator, Mapping

from leaderboard.store.files import file_sha256
from leaderboard.store.ledger import (
    FILED,
    REMOVED,
    RESCORED,
    Event,
    generations_of,
    ledger_of,
    line_sha256,
    lines_of,
)
from leaderboard.store.reading import MisreadError, RecordError, check_told_once, parsed
from leaderboard.verify.tree import Fault, Tree

_CUT_OFF = "filed: run the `publish` or `submit` that copied it once more, or `remove` it"


def check_ledger(tree: Tree) -> Iterator[Fault]:
    """Lines that do not follow from those before, and records that are not as they were filed."""
    ledger = ledger_of(tree.root)
    if not ledger.is_file():
        yield Fault(ledger.name, "is not there", "beside the records: the next `publish` begins it")
        return
    filed, previous = dict[str, Event](), None
    try:
        lines = lines_of(ledger)
    except RecordError as error:
        yield Fault(ledger.name, str(error).removeprefix(f"{ledger}: "), "lines of UTF-8")
        return
    for number, line in enumerate(lines, 1):
        where = f"{ledger.name}, line {number}"
        try:
            check_told_once(line)
            event = parsed(Event, line)
        except MisreadError as error:
            yield Fault(where, str(error), "an event: `skbench board schema ledger`")
            return
        if event.number != number:
            yield Fault(where, f"has number {event.number}", f"{number}: no line lost or moved")
        if event.previous != previous:
            yield Fault(where, f"names {event.previous} as the line before", f"{previous}")
        yield from _of_event(where, event, filed.get(event.path))
        filed[event.path] = event
        if event.event == REMOVED:
            del filed[event.path]
        previous = line_sha256(line)
    yield from _of_files(tree, filed)


def _of_event(where: str, event: Event, before: Event | None) -> Iterator[Fault]:
    """Whether an event may follow the last one of its record."""
    if event.event == FILED:
        if before is not None:
            expected = f"removed before another takes its place, as line {before.number} has it"
            yield Fault(where, f"files {event.path}, which is filed", expected)
        return
    if before is None:
        yield Fault(where, f"tells of {event.path}, which is not filed", "an event of a filed one")
    elif event.event == RESCORED:
        yield from _of_rescoring(where, event, before)
    elif event.sha256 != before.sha256:
        expected = f"{before.sha256}, as it was filed"
        yield Fault(where, f"removes {event.path} with hash {event.sha256}", expected)


def _of_rescoring(where: str, event: Event, before: Event) -> Iterator[Fault]:
    """Outcomes change with the rules of scoring, and texts do not; texts may be added to a run."""
    if event.generations is None:
        what, expected = "without generations", "from those that are kept, by their hash"
    elif before.generations is None and event.sha256 != before.sha256:
        what, expected = "from texts that were not kept before", "the record as it was filed"
    elif before.generations not in (None, event.generations):
        what, expected = "from other texts than were filed", str(before.generations)
    else:
        return
    yield Fault(where, f"{event.path} is scored anew {what}", expected)


def _of_files(tree: Tree, filed: Mapping[str, Event]) -> Iterator[Fault]:
    """Whether the files are those of the last events."""
    for place in tree.files:
        event = filed.get(place)
        if event is None:
            yield Fault(tree.file(place), "has no event in the ledger", _CUT_OFF)
            continue
        own = file_sha256(tree.root / place)
        if own != event.sha256:
            yield Fault(tree.file(place), f"has sha256 {own}", f"{event.sha256}, as it was filed")
        wrote = generations_of(tree.root, place)
        kept = file_sha256(wrote) if wrote.is_file() else None
        if kept != event.generations:
            name = wrote.relative_to(tree.root.parent).as_posix()
            yield Fault(name, f"has sha256 {kept}", f"{event.generations}, as it was filed")
    for place in sorted(filed.keys() - {*tree.files}):
        if tree.is_of_track(place):
            expected = "there, or removed by `skbench board remove`"
            yield Fault(tree.file(place), "is filed, and not there", expected)
