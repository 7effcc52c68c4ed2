"""How small a drop the gate catches, with the seeds that base and new have."""

from collections.abc import Mapping, Sequence
from statistics import median

from leaderboard.compare.gate.findings import QUALITY_ALPHA, Reach
from leaderboard.stats.averages import Seeds, matrices, names_of
from leaderboard.stats.intervals import POWER, detectable_drop
from leaderboard.store.record import GROUPS, Group, Record

Sides = Mapping[str, tuple[Sequence[Record], Sequence[Record]]]
"""Label -> its records, base and new, that were compared."""


def reach(track: str, sides: Sides, known: Sequence[Record], pool: Seeds) -> Reach:
    """Of one row that drops while the others stay: at the level that Holm leaves to the first of
    all tests of quality. `known` are all records of the base, which tell how runs differ."""
    n_tests = sum(len(_groups(old)) for old, _ in sides.values())
    rows = {label: side for label, side in sides.items() if side[0][0].training.n_steps}

    def caught(group: Group) -> float | None:
        found: list[float] = []
        for label, (old, now) in rows.items():
            spread = pool.of(old, names_of(old[0], group))
            runs = matrices([r for r in known if r.label == label], group)
            if spread is not None and runs and len(runs[0]) > 1:
                n = len(old), len(now)
                found.append(detectable_drop(runs, spread, n, QUALITY_ALPHA / n_tests))
        return median(found) if found else None

    return Reach(track, len(rows), caught("id"), caught("ood"))


def told(reach: Reach) -> str:
    """The same in words."""
    drops = [
        f"{100 * drop:.1f} points {group.upper()}"
        for group, drop in (("id", reach.id), ("ood", reach.ood))
        if drop is not None
    ]
    if not drops:
        return (
            f"{reach.track}: no trained row of the base has two seeds, so neither how small a drop"
            " is caught nor how often chance alarms can be told: publish more seeds"
        )
    return (
        f"{reach.track}: a true drop of {' / '.join(drops)} in one of {reach.n_rows} trained rows"
        f" is caught {100 * POWER:.0f} times in 100 with these seeds"
    )


def _groups(records: Sequence[Record]) -> list[Group]:
    return [group for group in GROUPS if names_of(records[0], group)]
