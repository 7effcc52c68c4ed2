"""How small a difference the runs of a track can find."""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from math import sqrt
from statistics import median

from leaderboard.compare.pair import paired
from leaderboard.stats.averages import names_of, seeds
from leaderboard.stats.formats import escaped, tabulated
from leaderboard.stats.intervals import POWER, Component, Matrix, detectable
from leaderboard.store.board import of_label
from leaderboard.store.reading import RecordError
from leaderboard.store.record import GROUPS, Group, Record

MOST_SEEDS = 50
UNKNOWN = "How small a difference these runs can tell is not known:"


@dataclass(frozen=True, slots=True)
class Power:
    """Of one group: fractions."""

    group: Group
    reference: str
    n_rows: int
    """Trained rows beside the reference; `detectable` is the median over them. What several seeds
    find is told by those that have several, if any does: one run does not show how much of the
    spread over its items is chance."""
    seed_sd: float
    """Standard deviation of one run's average over seeds, pooled over trained rows of its kind."""
    df: float
    detectable: Mapping[int, float]
    """Seeds of each side -> the difference from the reference that they find with POWER."""
    gap: float
    n_seeds_for_gap: int | None
    """None where the items are too few, whatever the seeds; as many as MOST_SEEDS were tried."""


def power(
    records: Sequence[Record],
    n_seeds: Sequence[int],
    gap: float,
    track: Sequence[Record],
) -> list[Power]:
    """What the rows can tell from the track's reference; [] where no row has two seeds, or the
    reference or all others are not there.

    How far seeds differ is told by all records of the `track`. RecordError where they answered
    other questions.
    """
    trained = [record for record in records if record.training.n_steps]
    reference = [record for record in trained if record.label == record.reference]
    others = sorted({record.label for record in trained if record.label != record.reference})
    pool, found = seeds(track), list[Power]()
    for group in GROUPS if reference and others else ():
        spread = pool.of(reference, names_of(reference[0], group))
        if spread is not None:
            pairs = [paired(of_label(records, label), reference, group) for label in others]
            found.append(_power(group, reference[0].label, pairs, spread, n_seeds, gap))
    return found


def resolution(records: Sequence[Record], labels: Collection[str], track: Sequence[Record]) -> str:
    """How small a difference from the reference the trained rows can tell, in words, at the fewest
    and the most seeds of those named, or why that is not known. The `track` as for `power`."""
    n_seeds = Counter(r.label for r in records if r.training.n_steps and r.label in labels).values()
    asked = sorted({min(n_seeds), max(n_seeds)}) if n_seeds else []
    try:
        found = power(records, asked, 1.0, track) if asked else []
    except RecordError as error:
        return f"{UNKNOWN} {escaped(str(error), 'markdown')}."
    if not found:
        return f"{UNKNOWN} no two trained rows are here, or none of two seeds."
    told = [
        " and ".join(f"{100 * p.detectable[n]:.1f} points {p.group.upper()}" for p in found)
        + f" with {n} seed{'s' if n > 1 else ''} a row"
        for n in asked
    ]
    return (
        f"What it can tell: a difference from {found[0].reference} of {', or of '.join(told)} is"
        f" found {100 * POWER:.0f} times in 100 (`board power`). What is smaller may be none, and"
        " nothing is said of other students, corpora or test sets."
    )


def power_text(found: Sequence[Power]) -> str:
    """A line for each group, in points."""
    first = found[0]
    asked = [f"{n} seed{'s' if n > 1 else ''}" for n in first.detectable]
    headers = ["", "SD of a run", "df", *asked, f"seeds for {100 * first.gap:g} points"]
    body = [
        [
            p.group.upper(),
            f"{100 * p.seed_sd:.2f}",
            f"{p.df:g}",
            *(f"{100 * d:.1f}" for d in p.detectable.values()),
            "more items" if p.n_seeds_for_gap is None else str(p.n_seeds_for_gap),
        ]
        for p in found
    ]
    legend = (
        f"The true difference from {first.reference}, in points, that so many seeds of both find"
        f" significant {100 * POWER:.0f} times in 100: the median over {first.n_rows} trained rows;"
        " from two seeds on over those of them that have several, if any does."
        " SD of a run: over seeds, pooled over the track's trained rows. more items:"
        f" {MOST_SEEDS} seeds are not enough on these questions."
    )
    return f"{tabulated(headers, body, 'text')}\n\n{legend}"


def _power(
    group: Group,
    reference: str,
    pairs: Sequence[tuple[Sequence[Matrix], Sequence[Matrix]]],
    spread: Component,
    n_seeds: Sequence[int],
    gap: float,
) -> Power:
    def found(n: int) -> float:
        several = [pair for pair in pairs if n > 1 and min(len(side[0]) for side in pair) > 1]
        return median(detectable(a, b, spread, n) for a, b in several or pairs)

    enough = next((n for n in range(1, MOST_SEEDS + 1) if found(n) <= gap), None)
    return Power(
        group=group,
        reference=reference,
        n_rows=len(pairs),
        seed_sd=sqrt(spread.variance),
        df=spread.df,
        detectable={n: found(n) for n in n_seeds},
        gap=gap,
        n_seeds_for_gap=enough,
    )
