"""All pairs of a table's rows: each difference beside the families of tests it may be read in."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from leaderboard.compare.pair import check_pairs
from leaderboard.rows.rank import rows
from leaderboard.stats.averages import Seeds, aligned, names_of, seeds
from leaderboard.stats.holm import holm
from leaderboard.stats.intervals import Component, Difference, Matrix, difference
from leaderboard.store.board import of_label
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


def check_one_table(records: Sequence[Record]) -> None:
    """Raise RecordError where records could not all stand in one published table."""
    rows(records)
    labels = sorted({record.label for record in records})
    for label in labels[1:]:
        check_pairs(of_label(records, labels[0]), of_label(records, label))


def all_pairs(rows: Sequence[Sequence[Record]], track: Sequence[Record]) -> Gaps:
    """The differences of `pair.compare` between all of the rows, each the records of a label.

    How far seeds differ is told by all records of the `track`. RecordError where two rows did not
    answer the same items.
    """
    pool = seeds(track)
    for records in rows[1:]:
        check_pairs(rows[0], records)
    found: dict[tuple[Group, str, str], Difference] = {}
    for group in GROUPS:
        sides = _sides(rows, group, pool)
        for i, (a, one, of_one) in enumerate(sides):
            for b, other, of_other in sides[i + 1 :]:
                found[group, a, b] = difference(one, other, (of_one, of_other))
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


def _sides(
    rows: Sequence[Sequence[Record]], group: Group, pool: Seeds
) -> list[tuple[str, list[Matrix], Component | None]]:
    """Label, outcomes on the group's data sets and pool of each row; columns of the same items."""
    names = names_of(rows[0][0], group) if rows else ()
    if not names:
        return []
    return [
        (
            records[0].label,
            [aligned(rows[0][0], records, name) for name in names],
            pool.of(records, names),
        )
        for records in rows
    ]


def _turned(gap: Difference) -> Difference:
    """B - A; 0 stays without a sign."""
    return replace(gap, value=0.0 - gap.value, low=0.0 - gap.high, high=0.0 - gap.low)
