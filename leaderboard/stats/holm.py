"""p values of several tests that one text speaks of."""

from collections.abc import Sequence
from dataclasses import replace

from leaderboard.stats.intervals import Difference


def holm(p_values: Sequence[float]) -> list[float]:
    """Adjusted p values (Holm 1979), in the order given.

    scipy has none; statsmodels, which has, would bring pandas to a board that starts in a moment.
    """
    adjusted = [0.0] * len(p_values)
    highest = 0.0
    for rank, i in enumerate(sorted(range(len(p_values)), key=lambda i: p_values[i])):
        highest = max(highest, min(1.0, (len(p_values) - rank) * p_values[i]))
        adjusted[i] = highest
    return adjusted


def family(gaps: Sequence[Difference | None]) -> list[Difference | None]:
    """Differences that one text speaks of, None where there is none: p values after Holm."""
    adjusted = iter(holm([gap.p for gap in gaps if gap is not None]))
    return [gap and replace(gap, p=next(adjusted)) for gap in gaps]
