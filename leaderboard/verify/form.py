"""Whether a file is a record at all: its size, its keys, its types and their ranges."""

from collections.abc import Iterator

from leaderboard.verify.tree import Fault, Tree


def check_form(tree: Tree) -> Iterator[Fault]:
    """What could not be read."""
    yield from tree.faults
