"""Small parts of the published suites, for machines without an accelerator."""

from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from pathlib import Path

from tasks.docs import Item
from tasks.raw import sha256

Reader = Callable[[Path], list[Item]]
N_DEV = 20


def sampled(rows: Sequence[Item], n: int) -> list[Item]:
    """Whole clusters in the order of the sha256 of their names, until there are `n` rows.

    Next is always the sub-task of which the smallest share was drawn: each keeps its weight, and
    none is left out. A shorter sample is the beginning of a longer one.
    """
    members = defaultdict[str, list[Item]](list)
    for row in rows:
        members[cluster(row)].append(row)
    left = sorted(members, key=sha256)
    size, drawn = Counter(row["task"] for row in rows), list[Item]()
    while left and len(drawn) < n:
        taken = Counter(row["task"] for row in drawn)
        task = min(size, key=lambda name: taken[name] / size[name])
        name = next(c for c in left if any(row["task"] == task for row in members[c]))
        left.remove(name)
        drawn += members[name]
    return drawn


def cluster(row: Item) -> str:
    """What must not be parted: the items of a passage or of a seed question, else the item."""
    return row.get("cluster", row["id"])


def test(read: Reader, n: int) -> Reader:
    """The reader of a sample of a test set."""
    return lambda folder: sampled(read(folder), n)


def dev(read: Reader, longest: int) -> Reader:
    """The reader of a few questions of a test set that are in no sample of up to `longest`."""

    def rest(folder: Path) -> list[Item]:
        rows = read(folder)
        used = {cluster(row) for row in sampled(rows, longest)}
        return sampled([row for row in rows if cluster(row) not in used], N_DEV)

    return rest
