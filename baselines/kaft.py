"""KAFT: knowledge-augmented fine-tuning, the answer alone with retrieved passages in view."""

from collections.abc import Sequence
from dataclasses import dataclass

from baselines._phrases import CONCLUSION, DIRECT, ask, passages
from bench.method import Method
from bench.types import Example, Needs, Pair, Program, Question


@dataclass(frozen=True)
class Kaft(Method):
    """Passages and question in, answer out, in training as at test time."""

    source = "SKIntern, section 4.2 and appendix A.3 (Knowledge-Augmented Fine-tuning)"

    n_passages: int = 3

    @property
    def needs(self) -> Needs:
        return Needs(rationales=0, passages=self.n_passages)

    def pairs(self, example: Example, progress: float) -> Sequence[Pair]:
        return (Pair(_direct(example.text, example.passages), f" {example.answer}."),)

    def prompt(self, question: Question) -> str:
        return _direct(question.text, question.passages)

    def solve(self, question: Question) -> Program:
        answer = yield self.prompt(question)
        return f"{CONCLUSION}{answer}"


def _direct(text: str, found: Sequence[str]) -> str:
    return f"{passages(found)}{ask(text)}{DIRECT}"
