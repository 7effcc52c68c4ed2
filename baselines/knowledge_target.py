"""Control: knowledge as a second target instead of a context."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from baselines._phrases import HELP, ask, reason, solution
from bench.method import Method
from bench.types import Example, Needs, Pair, Question


@dataclass(frozen=True)
class KnowledgeTarget(Method):
    """0.7 x loss of the solution + 0.3 x loss of the knowledge, each from the question alone.

    The weights are those that SKIntern's code gives to the tasks of its two-task baselines.
    """

    source = "control; the two-task form of Hsieh et al. 2023 with SKIntern's knowledge"

    knowledge_weight: float = 0.3

    @property
    def needs(self) -> Needs:
        return Needs(train_knowledge=True)

    @property
    def objectives(self) -> Mapping[str, float]:
        return {"solution": 1 - self.knowledge_weight, "knowledge": self.knowledge_weight}

    def pairs(self, example: Example, progress: float) -> Sequence[Pair]:
        assert example.knowledge is not None, "the harness attaches what `needs` declares"
        return (
            Pair(reason(example.text), solution(example.rationale, example.answer)),
            Pair(f"{ask(example.text)}{HELP}", f" {example.knowledge.text}", "knowledge"),
        )

    def prompt(self, question: Question) -> str:
        return reason(question.text)
