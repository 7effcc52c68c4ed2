"""KARD: knowledge-augmented reasoning distillation (Kang et al., NeurIPS 2023)."""

from collections.abc import Sequence
from dataclasses import dataclass

from baselines._phrases import passages, reason, solution
from bench.method import Method
from bench.types import Example, Needs, Pair, Query, Question


@dataclass(frozen=True)
class Kard(Method):
    """Retrieved passages stand in the prompt, in training as at test time.

    As SKIntern ran it: BM25 on the question, three passages of at most 128 words, no reranker.
    `query = "rationale"` is KARD's own way of finding the passages of training items; its test
    query is the question too, and `rerank` asks its reranker, which learned what a rationale would
    find, to choose among the best hundred. "oracle" gives the first passages that state what a
    question needs, as the suite marks it; `decoy` gives another task's.
    """

    source = "SKIntern, section 4.2 and appendix A.3 (KARD, BM25)"

    n_passages: int = 3
    query: Query = "question"
    rerank: bool = False
    decoy: bool = False

    test_only = ("rerank",)

    @property
    def needs(self) -> Needs:
        return Needs(
            passages=self.n_passages,
            train_query=self.query,
            rerank=self.rerank,
            decoy=self.decoy,
        )

    def pairs(self, example: Example, progress: float) -> Sequence[Pair]:
        prompt = reason(example.text, passages(example.passages))
        return (Pair(prompt, solution(example.rationale, example.answer)),)

    def prompt(self, question: Question) -> str:
        return reason(question.text, passages(question.passages))
