"""Answer-only fine-tuning: the gold answer without a rationale."""

from collections.abc import Sequence
from dataclasses import dataclass

from baselines._phrases import CONCLUSION, DIRECT, ask
from bench.method import Method
from bench.types import Example, Needs, Pair, Program, Question


@dataclass(frozen=True)
class AnswerOnly(Method):
    """The paper's "Fine-tuning": question in, answer out."""

    source = "SKIntern, section 4.2 (Fine-tuning)"

    @property
    def needs(self) -> Needs:
        return Needs(rationales=0)

    def pairs(self, example: Example, progress: float) -> Sequence[Pair]:
        return (Pair(_direct(example.text), f" {example.answer}."),)

    def prompt(self, question: Question) -> str:
        return _direct(question.text)

    def solve(self, question: Question) -> Program:
        answer = yield self.prompt(question)
        return f"{CONCLUSION}{answer}"


def _direct(text: str) -> str:
    return f"{ask(text)}{DIRECT}"
