"""Which rows are worth their cost: the Pareto front of accuracy and cost, with intervals.

A row is *off the front* of a group (ID or OOD) only if another row costs no more per question and
is significantly more accurate: one-sided p < 0.05 of their paired difference, after Holm over all
pairs that are tested, which are those of both groups in which the rival costs no more. All others
are on it: a place on the front says that no cheaper row is known to be better, not that the row is
good. A cheaper row that is not significantly better takes nobody off the front; where the
difference does not show it to be worse either, it is named beside the row.

Rows of prompts that did not fit, and rows without a student, have no cost that could be compared,
and an upper bound is shown what a question needs: none of them has a place.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from itertools import permutations
from typing import Any

from leaderboard.compare.pair import check_pairs
from leaderboard.rows.cost import Cost
from leaderboard.rows.row import Row
from leaderboard.stats.averages import Seeds, aligned, names_of, seeds
from leaderboard.stats.formats import NONE, gap, interval, significant, tabulated
from leaderboard.stats.holm import holm
from leaderboard.stats.intervals import ALPHA, Difference, Estimate, difference
from leaderboard.store.board import of_label
from leaderboard.store.record import GROUPS, Group, Record


@dataclass(frozen=True, slots=True)
class Rival:
    """A row that costs no more: `gap` is rival - row in accuracy, its p one-sided after Holm."""

    method: str
    cost: float
    gap: Difference


@dataclass(frozen=True, slots=True)
class Place:
    """Where a row stands in a group; accuracy is a fraction, cost in the unit asked for."""

    method: str
    cost: float
    accuracy: Estimate
    dominated_by: Sequence[Rival]
    """Not costlier and significantly better, the surest first; [] on the front."""
    cheaper: Sequence[Rival]
    """Strictly cheaper, neither significantly better nor, by the 95 % interval of the difference,
    worse; the cheapest first."""

    @property
    def on_front(self) -> bool:
        return not self.dominated_by


def frontier(
    rows: Sequence[Row], records: Sequence[Record], track: Sequence[Record], cost: Cost
) -> dict[Group, list[Place]]:
    """The places of the rows, which are those of the records, by cost; {} where none has one.

    How far seeds differ is told by all records of the `track`. RecordError where two rows did not
    answer the same items.
    """
    costs = {
        row.method: found
        for row in rows
        if not row.upper_bound and (found := cost.of(row)) is not None
    }
    placed = sorted((row for row in rows if row.method in costs), key=lambda r: costs[r.method])
    tested = list(_tested(placed, records, seeds(track), costs))
    adjusted = holm([rival.gap.p for _, _, rival in tested])
    rivals: dict[tuple[Group, str], list[Rival]] = {}
    for (group, method, rival), p in zip(tested, adjusted, strict=True):
        rival = replace(rival, gap=replace(rival.gap, p=p))
        rivals.setdefault((group, method), []).append(rival)
    return {
        group: places
        for group in GROUPS
        if (
            places := [
                _place(row.method, costs[row.method], accuracy, rivals.get((group, row.method), []))
                for row in placed
                if (accuracy := row.id if group == "id" else row.ood) is not None
            ]
        )
    }


def _tested(
    rows: Sequence[Row], records: Sequence[Record], pool: Seeds, costs: Mapping[str, float]
) -> Iterator[tuple[Group, str, Rival]]:
    """Each row with each rival that costs no more; p one-sided, not adjusted yet."""
    if not rows:
        return
    own = {row.method: of_label(records, row.method) for row in rows}
    first = own[rows[0].method]
    for runs in own.values():
        check_pairs(first, runs)
    for group in GROUPS:
        names = names_of(first[0], group)
        if not names:
            continue
        answers = {
            label: [aligned(first[0], runs, name) for name in names] for label, runs in own.items()
        }
        pools = {label: pool.of(runs, names) for label, runs in own.items()}
        for method, rival in permutations(own, 2):
            if costs[rival] > costs[method]:
                continue
            gap = difference(answers[rival], answers[method], (pools[rival], pools[method]))
            yield group, method, Rival(rival, costs[rival], replace(gap, p=1 - gap.p_drop))


def _place(method: str, cost: float, accuracy: Estimate, rivals: Sequence[Rival]) -> Place:
    better = sorted((r for r in rivals if r.gap.p < ALPHA), key=lambda r: (r.gap.p, -r.gap.value))
    alike = [r for r in rivals if r not in better and r.cost < cost and r.gap.high >= 0]
    cheaper = sorted(alike, key=lambda r: (r.cost, r.method))
    return Place(method, cost, accuracy, better, cheaper)


def frontier_json(found: Mapping[Group, Sequence[Place]]) -> dict[str, list[dict[str, Any]]]:
    """The places as plain data."""
    return {
        group: [{**asdict(place), "on_front": place.on_front} for place in places]
        for group, places in found.items()
    }


def frontier_text(found: Mapping[Group, Sequence[Place]], cost: Cost) -> str:
    """A table for each group, cheapest row first, and what it means."""
    tables = [_table(group, places, cost) for group, places in found.items()]
    legend = (
        f"{cost.about} front: no row that costs no more is significantly better (one-sided p < 0.05"
        " after Holm over all such pairs of both groups); off: the surest of those that are, and"
        " how many more. cheaper, not told apart: the cheapest row whose difference shows it"
        " neither better nor worse. It cannot say that two such rows are equal, nor that a row on"
        " the front is good. Upper bounds (^ in the table), prompts that did not fit and rows"
        " without a student have no place."
    )
    return "\n\n".join([*tables, legend])


def _table(group: Group, places: Sequence[Place], cost: Cost) -> str:
    name = group.upper()
    headers = (
        *("method", cost.title, name, "front"),
        *("dominated by", "by points", "cheaper, not told apart"),
    )
    body = [
        [
            place.method,
            significant(place.cost),
            interval(place.accuracy),
            "front" if place.on_front else "off",
            _named(place.dominated_by),
            gap(place.dominated_by[0].gap) if place.dominated_by else NONE,
            _named(place.cheaper),
        ]
        for place in places
    ]
    return tabulated(headers, body, "text")


def _named(rivals: Sequence[Rival]) -> str:
    """The first, and how many there are beside it."""
    if not rivals:
        return NONE
    more = f" (+{len(rivals) - 1})" if len(rivals) > 1 else ""
    return f"{rivals[0].method}{more}"
