"""Std-CoT: fine-tune on the teacher's rationales (Magister et al. 2023; Ho et al. 2023)."""

from collections.abc import Sequence
from dataclasses import dataclass

from baselines._phrases import reason, solution
from bench.curriculum import boundaries
from bench.method import Method
from bench.types import Example, Pair, Question


@dataclass(frozen=True)
class StdCoT(Method):
    """Question in, rationale and answer out.

    `restarts` gives it the fresh optimizers and schedules of SKIntern's steps: its control.
    """

    source = "SKIntern, section 4.2 (Std-CoT)"

    restarts: int = 0

    @property
    def restart_points(self) -> tuple[float, ...]:
        return boundaries(self.restarts + 1)

    def pairs(self, example: Example, progress: float) -> Sequence[Pair]:
        return (Pair(reason(example.text), solution(example.rationale, example.answer)),)

    def prompt(self, question: Question) -> str:
        return reason(question.text)
