"""Whether each rerun repeats the record that is filed, and tells of it what it holds."""

from collections.abc import Iterator
from dataclasses import fields, replace
from pathlib import Path

from leaderboard.store.files import file_sha256
from leaderboard.store.reading import RecordError, stored
from leaderboard.store.record import Record
from leaderboard.store.reruns import Rerun, rerun
from leaderboard.verify.tree import Fault, Tree


def check_reruns(tree: Tree) -> Iterator[Fault]:
    """Reruns that cannot be read, of a record that is not there or no longer the same, or that tell
    of it what it does not hold."""
    folder = tree.root.parent / "reruns"
    for path in sorted(folder.glob("v*/*/*/*.json")):
        suite, track, label, _ = path.relative_to(folder).parts
        file = path.relative_to(folder.parent).as_posix()
        if not tree.is_of_track(f"{suite}/{track}"):
            continue
        try:
            found = stored(Rerun, path)
        except RecordError as error:
            yield Fault(file, str(error), "what `reproduce --publish` writes")
            continue
        place = f"{suite}/{track}/{label}/{path.stem.rpartition('-')[0]}.json"
        record = tree.records.get(place)
        if record is None or file_sha256(tree.root / place) != found.record_sha256:
            yield Fault(file, f"repeats another record than {place}", "a rerun of that, or away")
            continue
        for what, expected in _told(found, tree.root / place, record):
            yield Fault(file, what, expected)


def _told(found: Rerun, path: Path, record: Record) -> Iterator[tuple[str, str]]:
    """What follows from the record and the rerun itself, and is told otherwise."""
    again = replace(record, provenance={**found.again, "dirty": False})
    follows = replace(
        rerun(path, record, again, is_inside=found.is_inside or not found.flips),
        flips=min(found.flips, found.n),
        other_lengths=min(found.other_lengths, found.n),
        loss_again=found.loss_again,
    )
    for name in (field.name for field in fields(Rerun)):
        told, expected = getattr(found, name), getattr(follows, name)
        if told != expected:
            yield f"{name} {told!r}", f"{expected!r}"
