"""Moments to kill a command at, drawn from a seed over the stages of an undisturbed one."""

from collections.abc import Sequence
from random import Random

from tests.soak.forms import SEED, n

Changes = Sequence[tuple[float, str]]
"""When a command changed which file, in seconds since its begin."""
STAGES = {
    "training": ("train.jsonl", "trained.json", range(n(1, 16))),
    "generation": ("trained.json", "samples-", range(n(1, 10))),
    "writing": ("samples-", "", range(1, n(2, 15))),
}
"""What a file is called that is changed first, and after the stage; the moments in it."""


def moment(changes: Changes, began: float, ended: float, what: str, number: int) -> str:
    """For $MOMENTS_KILL: any time from `began` to `ended`, or right before any change of then.

    Most changes are made within milliseconds, which no time that is drawn would hit.
    """
    draw = Random(f"{SEED}/{what}/{number}")
    if number % 2 == 0:
        return killed_at(changes, draw.uniform(began, ended))
    return (
        f"{draw.choice([n for n, (at, _) in enumerate(changes) if n and began <= at <= ended])} 0"
    )


def stage_of(changes: Changes, stage: str) -> tuple[float, float]:
    """When a stage began and ended."""
    first, after, _ = STAGES[stage]
    began = next(at for at, what in changes if first in what)
    return began, min(
        (at for at, what in changes if after and after in what), default=changes[-1][0]
    )


def killed_at(changes: Changes, at_s: float) -> str:
    """For $MOMENTS_KILL: the moment that is as far into its stretch as `at_s` is here."""
    number = max(n for n, (when, _) in enumerate(changes) if when <= at_s)
    return f"{number} {at_s - changes[number][0]}"
