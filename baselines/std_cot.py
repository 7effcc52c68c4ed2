"""Std-CoT: fine-tune on the teacher's rationales (Magister et al. 2023; Ho et al. 2023)."""

from collections.abc import Sequence
from dataclasses import dataclass
from random import Random

from baselines._phrases import reason, solution
from bench.curriculum import boundaries
from bench.method import Method
from bench.types import Example, Needs, Pair, Question


@dataclass(frozen=True)
class StdCoT(Method):
    """Question in, rationale and answer out.

    `restarts` gives it the fresh optimizers and schedules of SKIntern's steps: its control.
    `rationales` gives it several per question, one drawn at each visit, so that it spends the
    teacher's writing that SKIntern spends on knowledge, and no more training.
    """

    source = "SKIntern, section 4.2 (Std-CoT); several rationales: Ho et al. 2023, section 3.2"

    restarts: int = 0
    rationales: int = 1

    def __post_init__(self) -> None:
        """Refuse to learn rationales without one."""
        if self.rationales < 1:
            raise ValueError("std_cot.rationales must be at least 1")

    @property
    def needs(self) -> Needs:
        return Needs(rationales=self.rationales)

    @property
    def restart_points(self) -> tuple[float, ...]:
        return boundaries(self.restarts + 1)

    def pairs(self, example: Example, progress: float) -> Sequence[Pair]:
        rationale = Random(f"{example.seed}/{progress}").choice(example.rationales)
        return (Pair(reason(example.text), solution(rationale, example.answer)),)

    def prompt(self, question: Question) -> str:
        return reason(question.text)
