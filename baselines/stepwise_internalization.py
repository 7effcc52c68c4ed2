"""ICoT-SI: the rationale is withdrawn from the target, word by word (Deng et al. 2024)."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import floor, log1p
from random import Random

from baselines._phrases import CONCLUSION, reason
from bench.curriculum import boundaries
from bench.method import Method
from bench.types import Example, Pair, Question

SMOOTHING = 4.0
"""lambda of the random further removal o, P(o) ~ exp(-lambda o): mostly none, sometimes a word."""


@dataclass(frozen=True)
class StepwiseInternalization(Method):
    """Words of the rationale are removed from the left as training goes on, then all of them.

    The share that is gone grows evenly and is whole at progress `until`; the rest of training,
    like the test, answers at once. ICoT removes tokens, as many from each rationale, and resets
    the optimizer each time; here it is words, by share, and `resets` of the optimizer (and of
    the learning rate) spread evenly.
    """

    source = "Deng, Choi and Shieber 2024, section 3 (stepwise internalization)"

    until: float = 0.75
    resets: int = 3

    def __post_init__(self) -> None:
        if not 0 < self.until <= 1:
            raise ValueError("stepwise_internalization.until lies above 0 and up to 1")

    @property
    def restart_points(self) -> tuple[float, ...]:
        return boundaries(self.resets + 1)

    def pairs(self, example: Example, progress: float) -> Sequence[Pair]:
        words = example.rationale.split(" ")
        n_gone = floor(len(words) * min(1.0, progress / self.until) + 1e-9)
        further = _further(Random(f"{example.seed}/{progress}").random())
        left = "".join(f" {word}" for word in words[n_gone + further :])
        return (Pair(reason(example.text), f"{left}{CONCLUSION} {example.answer}."),)

    def prompt(self, question: Question) -> str:
        return reason(question.text)


def _further(uniform: float) -> int:
    """o with P(o) = (1 - e^-lambda) e^(-lambda o), by inversion of a uniform number in [0, 1)."""
    return floor(-log1p(-uniform) / SMOOTHING)
