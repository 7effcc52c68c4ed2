"""One row against many others: their differences are one family of tests."""

from collections.abc import Sequence
from dataclasses import dataclass

from leaderboard.compare.pair import group_difference
from leaderboard.stats.averages import seeds
from leaderboard.stats.formats import NONE, gap, p_value, tabulated
from leaderboard.stats.holm import family
from leaderboard.stats.intervals import Difference
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
    of_id = [group_difference(a, b, "id", pool) for b in others]
    of_ood = [group_difference(a, b, "ood", pool) for b in others]
    adjusted = family([*of_id, *of_ood])
    pairs = zip(others, adjusted[: len(of_id)], adjusted[len(of_id) :], strict=True)
    return [Against(b[0].label, in_domain, out) for b, in_domain, out in pairs]


def against_table(a: str, found: Sequence[Against]) -> str:
    """A line for each other row."""
    headers = [f"{a} -", "ID", "p (Holm)", "OOD", "p (Holm)"]
    body = [[each.b, *_cells(each.id), *_cells(each.ood)] for each in found]
    return tabulated(headers, body, "text")


def _cells(found: Difference | None) -> list[str]:
    return [NONE, NONE] if found is None else [gap(found), p_value(found.p)]
