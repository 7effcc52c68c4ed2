"""Control: knowledge is shown throughout training and never at test time."""

from collections.abc import Sequence
from dataclasses import dataclass

from baselines._phrases import guided, reason, solution
from bench.curriculum import boundaries
from bench.method import Method
from bench.types import Example, Needs, Pair, Question


@dataclass(frozen=True)
class KnowledgeTrainOnly(Method):
    """SKIntern's first step for ever, its examples aside: what is left without the withdrawal?

    `restarts` are those of SKIntern's four steps. The test prompt is not the trained one.
    """

    source = "control; SKIntern section 3.2 with S_t = 1 and K = 0 at every step"

    restarts: int = 3

    @property
    def needs(self) -> Needs:
        return Needs(train_knowledge=True)

    @property
    def skewed(self) -> bool:
        return True

    @property
    def restart_points(self) -> tuple[float, ...]:
        return boundaries(self.restarts + 1)

    def pairs(self, example: Example, progress: float) -> Sequence[Pair]:
        assert example.knowledge is not None, "the harness attaches what `needs` declares"
        text = example.knowledge.text
        prompt = reason(example.text, guided(text))
        target = solution(example.rationale, example.answer)
        return (Pair(prompt, target, n_shown=len(text.split())),)

    def prompt(self, question: Question) -> str:
        return reason(question.text)
