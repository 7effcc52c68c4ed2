"""Whether probes lie where what they hold says."""

from collections.abc import Iterator

from leaderboard.store.board import beside
from leaderboard.store.probes import ProbeRecord
from leaderboard.verify.facts import facts
from leaderboard.verify.tree import Fault, Tree


def check_probes(tree: Tree) -> Iterator[Fault]:
    """Probes that cannot be read, or are of another place."""
    for found in facts(tree, "probes", "vN/TRACK/LABEL/seedN.json", ProbeRecord.load):
        if isinstance(found, Fault):
            yield found
            continue
        probe = found.holds
        if found.path != beside(tree.root, "probes") / probe.place:
            yield Fault(found.file, f"holds the probe of {probe.place}", "there")
