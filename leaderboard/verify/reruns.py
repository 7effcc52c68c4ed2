"""Whether each rerun repeats the record that is filed, and tells of it what it holds."""

import json
from collections.abc import Iterator
from dataclasses import asdict, fields, replace
from pathlib import Path

from leaderboard.store.files import file_sha256
from leaderboard.store.reading import stored
from leaderboard.store.record import Record
from leaderboard.store.reruns import Rerun, rerun
from leaderboard.verify.facts import facts
from leaderboard.verify.tree import Fault, Tree


def check_reruns(tree: Tree) -> Iterator[Fault]:
    """Reruns that cannot be read, of a record that is not there or no longer the same, that tell of
    it what it does not hold, or are filed twice."""
    first = dict[tuple[str, str], str]()
    for each in facts(tree, "reruns", "vN/TRACK/LABEL/seedN-M.json", lambda p: stored(Rerun, p)):
        if isinstance(each, Fault):
            yield each
            continue
        file, found = each.file, each.holds
        folder = file.removeprefix("reruns/").rpartition("/")[0]
        place = f"{folder}/{each.path.stem.rpartition('-')[0]}.json"
        other = first.setdefault((place, json.dumps(asdict(found), sort_keys=True)), file)
        if other != file:
            yield Fault(file, f"tells what {other} tells", "another rerun, or away")
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
