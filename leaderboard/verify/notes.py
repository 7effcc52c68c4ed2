"""What is no fault, and yet to be known of a board."""

from collections.abc import Iterator, Mapping, Sequence

from leaderboard.store.files import file_sha256
from leaderboard.store.ledger import FILED, REMOVED, RESCORED, Event, events_of, ledger_of
from leaderboard.store.reading import RecordError, stored
from leaderboard.store.reruns import Rerun, reruns_of
from leaderboard.verify.tree import Tree


def notes(tree: Tree, unscored: Mapping[str, str]) -> Iterator[str]:
    """Rows whose outcomes nobody can check, rows of older suites, what was replaced or removed.

    `unscored`: place of each record that was not scored again -> why.
    """
    for table in tree.tables():
        suite, track = next(iter(table)).split("/")[:2]
        for why in dict.fromkeys(unscored[place] for place in table if place in unscored):
            places = [place for place in table if unscored.get(place) == why]
            yield (
                f"{track} {suite}: outcomes of {len(places)} of {len(table)} records, the first"
                f" {tree.file(places[0])}, are not scored again: {why}"
            )
    yield from _older(tree)
    yield from _thin(tree)
    try:
        events = events_of(ledger_of(tree.root))
    except RecordError:
        return  # a fault of the ledger
    yield from _rescored(tree, events, unscored)
    yield from _replaced(tree, events)
    yield from _late(tree, events)


def _older(tree: Tree) -> Iterator[str]:
    """Rows of several versions of a track; their numbers mean different things."""
    suites = dict[tuple[str, str], set[int]]()
    for record in tree.records.values():
        suites.setdefault((record.track, record.label), set()).add(record.version)
    for track in sorted({track for track, _ in suites}):
        several = [label for (of, label), found in suites.items() if of == track and len(found) > 1]
        if several:
            yield f"{track}: {len(several)} rows stand in several suites, and nothing is compared"


def _thin(tree: Tree) -> Iterator[str]:
    """Tuned rows of fewer seeds than the rows in whose place tables show them."""
    for table in tree.tables():
        seeds = dict[str, set[int]]()
        for record in table.values():
            seeds.setdefault(record.label, set()).add(record.seed)
        hidden = {str(r.own.get("of")): r for r in table.values() if r.own}
        for of, record in hidden.items():
            if missing := seeds.get(of, set()) - seeds[record.label]:
                yield (
                    f"{record.track} v{record.version}: {record.label} stands in the place of {of},"
                    f" and has no seed {', '.join(map(str, sorted(missing)))}"
                )


def _rescored(tree: Tree, events: Sequence[Event], unscored: Mapping[str, str]) -> Iterator[str]:
    """Outcomes that are others than were filed, and are taken at their word here."""
    filed = {event.path: event for event in events if event.event == FILED}
    last = {event.path: event for event in events}
    for place, why in unscored.items():
        event, first = last.get(place), filed.get(place)
        if event and first and event.event == RESCORED and event.sha256 != first.sha256:
            yield (
                f"{tree.file(place)}: was scored anew on {event.date}, and is not scored again"
                f" here: {why}"
            )


def _late(tree: Tree, events: Sequence[Event]) -> Iterator[str]:
    """Texts that were not filed with their record, and of which no rerun came to every answer."""
    before, late = dict[str, str | None](), list[str]()
    for event in events:
        if event.event == RESCORED and before.get(event.path) is None:
            late.append(event.path)
        before[event.path] = event.generations
    for place in dict.fromkeys(late):
        if place in tree.records and not _came_out_again(tree, place):
            yield f"{tree.file(place)}: its texts came later, and of no rerun with the same answers"


def _came_out_again(tree: Tree, place: str) -> bool:
    sha256 = file_sha256(tree.root / place)
    for path in reruns_of(tree.root / place):
        try:
            found = stored(Rerun, path)
        except RecordError:
            continue  # a fault of the reruns
        if found.record_sha256 == sha256 and not found.flips and not found.other_lengths:
            return True
    return False


def _replaced(tree: Tree, events: Sequence[Event]) -> Iterator[str]:
    removed = {event.path: event for event in events if event.event == REMOVED}
    gone = dict[tuple[str, str], list[str]]()
    for place, event in removed.items():
        if place in tree.files:
            yield f"{tree.file(place)}: replaces one removed on {event.date}: {event.reason}"
        elif tree.is_of_track(place):
            gone.setdefault((event.date, event.reason), []).append(tree.file(place))
    for (date, reason), places in gone.items():
        yield f"{len(places)} removed on {date}, the first {places[0]}: {reason}"
