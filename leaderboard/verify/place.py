"""Whether each file lies where what it holds says, and nothing else lies there."""

from collections.abc import Iterator

from leaderboard.store.record import Record
from leaderboard.verify.tree import Fault, Tree


def check_place(tree: Tree) -> Iterator[Fault]:
    """Links, files that are no records, and records of another place or of no public table."""
    for place in tree.links:
        yield Fault(tree.file(place), "is a symbolic link", "a file of its own")
    for place in tree.strays:
        yield Fault(tree.file(place), "is no record's place", "vN/TRACK/LABEL/seedN.json, or away")
    for place, record in tree.records.items():
        expected = record.place
        if place != expected:
            yield Fault(tree.file(place), f"holds the record of {expected}", "there")
        for what, wanted in faults_of_scope(record):
            yield Fault(tree.file(place), what, wanted)


def faults_of_scope(record: Record) -> Iterator[tuple[str, str]]:
    """Why a record cannot stand in a public table."""
    if not record.scope.is_public:
        yield f"has scope {record.scope}", "of all published test items: no world, seal or limit"
    if "checkpoint" in record.snapshot:
        yield "judges a checkpoint that was trained elsewhere", "a run that was trained here"
