"""Zero-shot-CoT: the untrained student is asked to reason (Kojima et al., NeurIPS 2022)."""

from dataclasses import dataclass

from baselines._phrases import reason
from bench.method import Method
from bench.types import Question


@dataclass(frozen=True)
class ZeroShotCoT(Method):
    """The student as it came, asked to think step by step."""

    source = "SKIntern, section 4.2 (Zero-shot-CoT); Kojima et al. 2022"

    @property
    def trains(self) -> bool:
        return False

    def prompt(self, question: Question) -> str:
        return reason(question.text)
