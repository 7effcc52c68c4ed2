"""Few-shot CoT: fixed solved questions stand before the question."""

from dataclasses import dataclass

from baselines._phrases import guided, reason, shots
from bench.method import Method
from bench.types import InSight, Needs, Question


@dataclass(frozen=True)
class FewShot(Method):
    """The untrained student sees the same solved training questions for every item of a task.

    `knowledge` stands between these and the question: what is known of its task, or all it needs.
    """

    source = "SKIntern, figure 5 (Few-shot-CoT); 3 shots per task as in BIG-Bench Hard"

    n_shots: int = 3
    knowledge: InSight = "none"

    @property
    def trains(self) -> bool:
        return False

    @property
    def needs(self) -> Needs:
        return Needs(test_demos=self.n_shots, test_knowledge=self.knowledge)

    def prompt(self, question: Question) -> str:
        return reason(question.text, shots(question.demos) + guided(question.knowledge))
