"""How far runs come out again: the step that each row stands on, and its flip rate."""

from collections.abc import Sequence
from itertools import groupby

from leaderboard.stats.formats import tabulated
from leaderboard.store.reruns import Rerun

FEW = 0.01
"""Share of questions with another outcome up to which a rerun counts as nearly the same."""
LEVELS = (
    "not reproduced",
    "within its interval",
    f"at most {100 * FEW:.0f} % flipped",
    "the same outcomes and lengths",
    "equal",
)
"""The steps, the lowest first: the worst rerun of a row says on which it stands."""


def level(rerun: Rerun) -> int:
    """The step in LEVELS on which a rerun stands."""
    if rerun.is_equal:
        return 4
    if not rerun.flips and not rerun.other_lengths:
        return 3
    if rerun.flips <= FEW * rerun.n:
        return 2
    return int(rerun.is_inside)


def reruns_table(reruns: Sequence[Rerun]) -> str:
    """One line for each row and kind of machine that it was run on again."""
    headers = ("method", "machine", "software", "reruns", "flipped, %", "other lengths, %", "level")
    keyed = groupby(sorted(reruns, key=_kind), _kind)
    return tabulated(headers, [_cells(list(group)) for _, group in keyed], "markdown")


def reruns_legend() -> str:
    """What the table means."""
    return (
        "Records run again by `skbench reproduce RECORD --publish`, seed for seed. flipped: of all"
        " questions, those right before and wrong now or the other way round; other lengths: those"
        f" whose answer has another number of tokens. level, the worst of a row: {LEVELS[4]} in"
        f" outcomes, lengths and final loss; {LEVELS[3]} and another loss; {LEVELS[2]}; each"
        f" accuracy {LEVELS[1]}, over items; {LEVELS[0]}. machine: whether both runs name the same"
        " device."
    )


def _kind(rerun: Rerun) -> tuple[str, bool, bool]:
    return rerun.label, not rerun.is_same_device, not rerun.is_same_software


def _cells(group: Sequence[Rerun]) -> list[str]:
    n = sum(each.n for each in group)
    first = group[0]
    return [
        first.label,
        "same" if first.is_same_device else "another",
        "same" if first.is_same_software else "another",
        str(len(group)),
        f"{100 * sum(each.flips for each in group) / n:.2f}",
        f"{100 * sum(each.other_lengths for each in group) / n:.2f}",
        LEVELS[min(map(level, group))],
    ]
