"""Zero-shot-CoT: the untrained student is asked to reason (Kojima et al., NeurIPS 2022)."""

from dataclasses import dataclass

from baselines._phrases import guided, reason
from bench.method import Method
from bench.types import InSight, Needs, Question


@dataclass(frozen=True)
class ZeroShotCoT(Method):
    """The student as it came, asked to think step by step.

    `knowledge` stands before the question: what is known of its task, or all that it needs.
    """

    source = "SKIntern, section 4.2 (Zero-shot-CoT), figure 5 (knowledge); Kojima et al. 2022"

    knowledge: InSight = "none"

    @property
    def trains(self) -> bool:
        return False

    @property
    def needs(self) -> Needs:
        return Needs(test_knowledge=self.knowledge)

    def prompt(self, question: Question) -> str:
        return reason(question.text, guided(question.knowledge))
