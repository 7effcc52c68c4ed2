"""Whether the maps of sweeps hold runs that may be published."""

from collections.abc import Iterator

from leaderboard.store.maps import Sweep, check_runs
from leaderboard.store.reading import RecordError
from leaderboard.verify.facts import facts
from leaderboard.verify.tree import Fault, Tree


def check_maps(tree: Tree) -> Iterator[Fault]:
    """Maps that cannot be read, and runs on fewer items or from an uncommitted tree."""
    for found in facts(tree, "maps", "vN/SWEEP.json", Sweep.load):
        if isinstance(found, Fault):
            yield found
        elif tree.track in (None, found.holds.track):
            try:
                check_runs(found.holds)
            except RecordError as error:
                yield Fault(found.file, str(error), "full runs of committed code alone")
