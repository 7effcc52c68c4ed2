"""One row against many others: their differences are one family of tests."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from leaderboard.compare.pair import group_difference
from leaderboard.stats.averages import seeds
from leaderboard.stats.formats import NONE, TableFormat, gap, tabulated
from leaderboard.stats.intervals import Difference, holm
from leaderboard.store.record import Record


@dataclass(frozen=True, slots=True)
class Against:
    """A - B in accuracy, as fractions; p values after Holm over both groups of all B."""

    b: str
    id: Difference | None
    ood: Difference | None


def against(
    a: Sequence[Record], others: Sequence[Sequence[Record]], track: Sequence[Record]
) -> list[Against]:
    """The records of one label beside those of each other, as `pair.compare`."""
    pool = seeds(track)
    found = [
        Against(b[0].label, group_difference(a, b, "id", pool), group_difference(a, b, "ood", pool))
        for b in others
    ]
    gaps = [gap for each in found for gap in (each.id, each.ood) if gap is not None]
    adjusted = iter(holm([gap.p for gap in gaps]))
    return [
        Against(
            each.b,
            each.id and replace(each.id, p=next(adjusted)),
            each.ood and replace(each.ood, p=next(adjusted)),
        )
        for each in found
    ]


def against_json(found: Sequence[Against]) -> list[dict[str, Any]]:
    """The differences as plain data."""
    return [asdict(each) for each in found]


def against_table(a: str, found: Sequence[Against], form: TableFormat) -> str:
    """A line for each other row."""
    headers = [f"{a} -", "ID", "p (Holm)", "OOD", "p (Holm)"]
    return tabulated(
        headers, [[each.b, *_cells(each.id), *_cells(each.ood)] for each in found], form
    )


def _cells(found: Difference | None) -> list[str]:
    return [NONE, NONE] if found is None else [gap(found), f"{found.p:.3g}"]
