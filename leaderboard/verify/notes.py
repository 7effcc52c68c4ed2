"""What is no fault, and yet to be known of a board."""

from collections.abc import Iterator

from leaderboard.store.ledger import REMOVED, events_of, generations_of, ledger_of
from leaderboard.store.reading import RecordError
from leaderboard.verify.tree import Tree


def notes(tree: Tree) -> Iterator[str]:
    """Rows whose outcomes nobody can check, rows of older suites, and what was replaced."""
    for table in tree.tables():
        suite, track = next(iter(table)).split("/")[:2]
        texts = sum(generations_of(tree.root, place).is_file() for place in table)
        n_unverified = len(table) - (texts if tree.rescore is not None else 0)
        if n_unverified:
            yield (
                f"{track} {suite}: outcomes of {n_unverified} of {len(table)} records are not"
                " scored again: no generations are kept of them, or nobody here can score"
            )
    yield from _older(tree)
    yield from _replaced(tree)


def _older(tree: Tree) -> Iterator[str]:
    """Rows of several versions of a track; their numbers mean different things."""
    suites = dict[tuple[str, str], set[int]]()
    for record in tree.records.values():
        suites.setdefault((record.track, record.label), set()).add(record.version)
    for track in sorted({track for track, _ in suites}):
        several = [label for (of, label), found in suites.items() if of == track and len(found) > 1]
        if several:
            yield f"{track}: {len(several)} rows stand in several suites, and nothing is compared"


def _replaced(tree: Tree) -> Iterator[str]:
    try:
        events = events_of(ledger_of(tree.root))
    except RecordError:
        return  # a fault of the ledger
    removed = {event.path: event for event in events if event.event == REMOVED}
    for place in tree.files:
        if place in removed:
            event = removed[place]
            yield f"{tree.file(place)}: replaces one removed on {event.date}: {event.reason}"
