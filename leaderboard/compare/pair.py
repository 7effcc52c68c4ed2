"""Two methods side by side: A - B in accuracy, A / B in cost."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from leaderboard.rows.rank import row
from leaderboard.stats.averages import Seeds, aligned, matrices, names_of, seeds
from leaderboard.stats.formats import gap as in_points
from leaderboard.stats.formats import p_value
from leaderboard.stats.holm import holm
from leaderboard.stats.intervals import Difference, Matrix, difference, mcnemar
from leaderboard.store.comparable import check_seeds, questions
from leaderboard.store.reading import RecordError
from leaderboard.store.record import Group, Record


@dataclass(frozen=True, slots=True)
class Comparison:
    """Differences are A - B as fractions, ratios A / B: None where B's is zero; of FLOPs where the
    student of either did not run on every question; of times unless all were taken on one device.

    Per data set, p values are adjusted after Holm. Between two single runs of which nobody knows
    how seeds differ they are McNemar's, unless outcomes are graded or items share a source:
    McNemar's test would count them as independent.
    """

    track: str
    a: str
    b: str
    id: Difference
    ood: Difference | None
    data_sets: Mapping[str, Difference]
    total_flops_ratio: float | None
    prompt_only_flops_ratio: float | None
    ttft_ratio: float | None
    tpot_ratio: float | None


def compare(a: Sequence[Record], b: Sequence[Record], track: Sequence[Record]) -> Comparison:
    """Compare the records of two labels; RecordError where they did not answer the same items.

    How far seeds differ is told by all records of the `track`.
    """
    pool = seeds(track)
    row_a, row_b = row(a, pool), row(b, pool)
    total = prompt_only = None
    if row_a.is_comparable and row_b.is_comparable:
        total = _ratio(row_a.total_flops, row_b.total_flops)
        prompt_only = _ratio(row_a.prompt_only_flops, row_b.prompt_only_flops)
    on_one = len({*row_a.timed_on, *row_b.timed_on}) == 1
    in_domain = group_difference(a, b, "id", pool)
    assert in_domain is not None  # row() refuses records without it
    return Comparison(
        track=a[0].track,
        a=row_a.method,
        b=row_b.method,
        id=in_domain,
        ood=group_difference(a, b, "ood", pool),
        data_sets=_by_data_set(a, b, pool),
        total_flops_ratio=total,
        prompt_only_flops_ratio=prompt_only,
        ttft_ratio=_ratio(row_a.ttft_s, row_b.ttft_s) if on_one else None,
        tpot_ratio=_ratio(row_a.tpot_s, row_b.tpot_s) if on_one else None,
    )


def group_difference(
    a: Sequence[Record], b: Sequence[Record], group: Group, pool: Seeds
) -> Difference | None:
    """Headline of A - headline of B on a group, items paired by id; None without the group."""
    one, other = paired(a, b, group)
    names = names_of(a[0], group)
    return difference(one, other, (pool.of(a, names), pool.of(b, names))) if names else None


def paired(
    a: Sequence[Record], b: Sequence[Record], group: Group
) -> tuple[list[Matrix], list[Matrix]]:
    """The matrices of both on the group's data sets, columns of the same items.

    RecordError where they did not answer the same.
    """
    check_pairs(a, b)
    return matrices(a, group), [aligned(a[0], b, name) for name in names_of(a[0], group)]


def check_pairs(a: Sequence[Record], b: Sequence[Record]) -> None:
    """Raise RecordError unless both answered the same items of the same data sets.

    The order of items is free, but neither their text nor their clusters: equal ids with another
    hash are other items.
    """
    check_seeds(a)
    check_seeds(b)
    for name in sorted({*a[0].data_sets, *b[0].data_sets}):
        one, other = a[0].data_sets.get(name), b[0].data_sets.get(name)
        if one is None or other is None or questions(one) != questions(other):
            raise RecordError(
                f"{a[0].track}: {a[0].label} and {b[0].label} have different items in {name};"
                " run both on the same version of the data sets"
            )


def comparison_text(comparison: Comparison) -> str:
    """A comparison as a few lines."""
    c = comparison
    width = max(15, *map(len, c.data_sets)) + 1
    lines = [f"{c.track}: {c.a} - {c.b}, in points"]
    for name, gap in (("ID", c.id), ("OOD", c.ood)):
        if gap is not None:
            lines.append(f"  {name:<{width}}{in_points(gap)}  p = {p_value(gap.p)}")
    for name, gap in c.data_sets.items():
        lines.append(f"  {name:<{width}}{in_points(gap)}  p = {p_value(gap.p)} (Holm)")
    lines.append(f"{c.a} / {c.b}, cost of a solved question")
    for name, ratio in (
        ("FLOPs", c.total_flops_ratio),
        ("prompt-only", c.prompt_only_flops_ratio),
        ("ttft", c.ttft_ratio),
        ("tpot", c.tpot_ratio),
    ):
        lines.append(f"  {name:<{width}}{'-' if ratio is None else f'{ratio:.3f}'}")
    return "\n".join(lines)


def _by_data_set(a: Sequence[Record], b: Sequence[Record], pool: Seeds) -> dict[str, Difference]:
    gaps: dict[str, Difference] = {}
    for name in sorted(a[0].data_sets):
        one, other = aligned(a[0], a, name), aligned(a[0], b, name)
        pools = pool.of(a, [name]), pool.of(b, [name])
        gap = difference([one], [other], pools)
        asked, untold = a[0].data_sets[name], pools == (None, None)
        if untold and len(a) == len(b) == 1 and not asked.clusters and not asked.metric:
            gap = replace(gap, p=mcnemar(one[0].tolist(), other[0].tolist()))
        gaps[name] = gap
    adjusted = holm([gap.p for gap in gaps.values()])
    return {name: replace(gap, p=p) for (name, gap), p in zip(gaps.items(), adjusted, strict=True)}


def _ratio(a: float | None, b: float | None) -> float | None:
    return a / b if a is not None and b else None
