"""Few-shot CoT: fixed solved questions stand before the question."""

from dataclasses import dataclass

from baselines._phrases import reason, shots
from bench.method import Method
from bench.types import Needs, Question


@dataclass(frozen=True)
class FewShot(Method):
    """The untrained student sees the same solved training questions for every item of a task."""

    source = "SKIntern, figure 5 (Few-shot-CoT); 3 shots per task as in BIG-Bench Hard"

    n_shots: int = 3

    @property
    def trains(self) -> bool:
        return False

    @property
    def needs(self) -> Needs:
        return Needs(test_demos=self.n_shots)

    def prompt(self, question: Question) -> str:
        return reason(question.text, shots(question.demos))
