"""All pairs of a table's rows: each difference beside the families of tests it may be read in."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from leaderboard.compare.pair import group_difference
from leaderboard.stats.averages import seeds
from leaderboard.stats.intervals import Difference, holm
from leaderboard.store.record import GROUPS, Group, Record


@dataclass(frozen=True, slots=True)
class Gap:
    """A - B on one group: fractions, the p value that of this pair alone."""

    difference: Difference
    p_row: float
    """After Holm over A beside all other rows, both groups: as `against` has it."""
    p_all: float
    """After Holm over all pairs of the table, both groups."""


Gaps = Mapping[Group, Mapping[tuple[str, str], Gap]]
"""Of a group that the table has: (A, B) -> A - B, both ways round."""


def all_pairs(rows: Sequence[Sequence[Record]], track: Sequence[Record]) -> Gaps:
    """The differences of `pair.compare` between all of the rows, each the records of a label.

    How far seeds differ is told by all records of the `track`. RecordError where two rows did not
    answer the same items.
    """
    pool = seeds(track)
    found: dict[tuple[Group, str, str], Difference] = {}
    for i, a in enumerate(rows):
        for b in rows[i + 1 :]:
            for group in GROUPS:
                gap = group_difference(a, b, group, pool)
                if gap is not None:
                    found[group, a[0].label, b[0].label] = gap
    everywhere = holm([gap.p for gap in found.values()])
    both: dict[tuple[Group, str, str], tuple[Difference, float]] = {}
    for ((group, a, b), gap), p_all in zip(found.items(), everywhere, strict=True):
        both[group, a, b], both[group, b, a] = (gap, p_all), (_turned(gap), p_all)
    gaps: dict[Group, dict[tuple[str, str], Gap]] = {}
    for label in (records[0].label for records in rows):
        own = {key: each for key, each in both.items() if key[1] == label}
        in_row = holm([gap.p for gap, _ in own.values()])
        for ((group, a, b), (gap, p_all)), p_row in zip(own.items(), in_row, strict=True):
            gaps.setdefault(group, {})[a, b] = Gap(gap, p_row, p_all)
    return gaps


def _turned(gap: Difference) -> Difference:
    """B - A; 0 stays without a sign."""
    return replace(gap, value=0.0 - gap.value, low=0.0 - gap.high, high=0.0 - gap.low)
