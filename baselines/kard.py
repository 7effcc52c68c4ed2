"""KARD: knowledge-augmented reasoning distillation (Kang et al., NeurIPS 2023)."""

from collections.abc import Sequence
from dataclasses import dataclass

from baselines._phrases import numbered, reason, solution
from bench.method import Method
from bench.types import Example, Needs, Pair, Question


@dataclass(frozen=True)
class Kard(Method):
    """Retrieved passages stand in the prompt, in training as at test time.

    As SKIntern ran it: BM25 on the question, three passages of at most 128 words, no reranker.
    """

    source = "SKIntern, section 4.2 and appendix A.3 (KARD, BM25)"

    n_passages: int = 3

    @property
    def needs(self) -> Needs:
        return Needs(passages=self.n_passages)

    def pairs(self, example: Example, progress: float) -> Sequence[Pair]:
        prompt = reason(example.text, _block(example.passages))
        return (Pair(prompt, solution(example.rationale, example.answer)),)

    def prompt(self, question: Question) -> str:
        return reason(question.text, _block(question.passages))


def _block(passages: Sequence[str]) -> str:
    return f"\n\nHere is knowledge that may help:{numbered(passages)}"
