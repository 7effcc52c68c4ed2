"""My method: Std-CoT whose prompts show a hint at first, how to go about this kind of question."""

from collections.abc import Sequence
from dataclasses import dataclass

from baselines._phrases import guided, reason, solution
from bench.method import Method
from bench.types import Example, Needs, Pair, Question


@dataclass(frozen=True)
class Mine(Method):
    """Question in, rationale and answer out; `hinted` is the share of training with the hint."""

    source = "my own"

    hinted: float = 0.3

    @property
    def needs(self) -> Needs:
        return Needs(train_knowledge=True)

    def pairs(self, example: Example, progress: float) -> Sequence[Pair]:
        hint = example.knowledge.summary if example.knowledge and progress < self.hinted else ""
        target = solution(example.rationale, example.answer)
        return (Pair(reason(example.text, guided(hint)), target),)

    def prompt(self, question: Question) -> str:
        return reason(question.text)
