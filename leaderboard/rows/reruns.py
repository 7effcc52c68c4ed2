"""How far runs come out again: the step that each row stands on, and its flip rate."""

from collections.abc import Sequence
from dataclasses import dataclass
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


@dataclass(frozen=True, slots=True)
class Step:
    """Where the reruns of a label stand that were made on one kind of machine."""

    label: str
    is_same_device: bool
    is_same_software: bool
    n_reruns: int
    flipped: float
    """Share of all questions, a fraction; so is that of other lengths."""
    other_lengths: float
    level: str
    """Of LEVELS, that of the worst."""

    @property
    def machine(self) -> str:
        return _sameness(self.is_same_device)

    @property
    def software(self) -> str:
        return _sameness(self.is_same_software)


def level(rerun: Rerun) -> int:
    """The step in LEVELS on which a rerun stands."""
    if rerun.is_equal:
        return 4
    if not rerun.flips and not rerun.other_lengths:
        return 3
    if not rerun.is_inside:
        return 0
    return 2 if rerun.flips <= FEW * rerun.n else 1


def steps(reruns: Sequence[Rerun]) -> list[Step]:
    """One for each row and kind of machine that it was run on again."""
    keyed = groupby(sorted(reruns, key=_kind), _kind)
    return [_step(list(group)) for _, group in keyed]


def steps_text(found: Sequence[Step]) -> str:
    """The steps of one row, or of one of its runs, in words."""
    return f"run again: {'; '.join(map(_words, found))}" if found else "not run again"


def reruns_table(reruns: Sequence[Rerun]) -> str:
    """One line for each step."""
    headers = ("method", "machine", "software", "reruns", "flipped, %", "other lengths, %", "level")
    return tabulated(headers, [_cells(each) for each in steps(reruns)], "markdown")


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


def _step(group: Sequence[Rerun]) -> Step:
    n, first = sum(each.n for each in group), group[0]
    return Step(
        label=first.label,
        is_same_device=first.is_same_device,
        is_same_software=first.is_same_software,
        n_reruns=len(group),
        flipped=sum(each.flips for each in group) / n,
        other_lengths=sum(each.other_lengths for each in group) / n,
        level=LEVELS[min(map(level, group))],
    )


def _cells(step: Step) -> list[str]:
    return [
        step.label,
        step.machine,
        step.software,
        str(step.n_reruns),
        f"{100 * step.flipped:.2f}",
        f"{100 * step.other_lengths:.2f}",
        step.level,
    ]


def _words(step: Step) -> str:
    times = f"{step.n_reruns} rerun{'s' if step.n_reruns > 1 else ''}"
    where = f"{step.machine} machine, {step.software} software"
    return f"{step.level}, {100 * step.flipped:.2f} % flipped ({times}, {where})"


def _sameness(is_same: bool) -> str:
    return "same" if is_same else "another"
