"""What is no fault, and yet to be known of a board."""

from collections.abc import Iterator, Mapping, Sequence

from leaderboard.store.ledger import FILED, REMOVED, RESCORED, Event, events_of, ledger_of
from leaderboard.store.reading import RecordError
from leaderboard.verify.tree import Tree


def notes(tree: Tree, unscored: Mapping[str, str]) -> Iterator[str]:
    """Rows whose outcomes nobody can check, rows of older suites, and what was replaced.

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
    try:
        events = events_of(ledger_of(tree.root))
    except RecordError:
        return  # a fault of the ledger
    yield from _rescored(tree, events, unscored)
    yield from _replaced(tree, events)


def _older(tree: Tree) -> Iterator[str]:
    """Rows of several versions of a track; their numbers mean different things."""
    suites = dict[tuple[str, str], set[int]]()
    for record in tree.records.values():
        suites.setdefault((record.track, record.label), set()).add(record.version)
    for track in sorted({track for track, _ in suites}):
        several = [label for (of, label), found in suites.items() if of == track and len(found) > 1]
        if several:
            yield f"{track}: {len(several)} rows stand in several suites, and nothing is compared"


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


def _replaced(tree: Tree, events: Sequence[Event]) -> Iterator[str]:
    removed = {event.path: event for event in events if event.event == REMOVED}
    for place in tree.files:
        if place in removed:
            event = removed[place]
            yield f"{tree.file(place)}: replaces one removed on {event.date}: {event.reason}"
