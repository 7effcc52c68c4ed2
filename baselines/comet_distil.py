"""COMET-distil: COMET on what a loose teacher wrote and a critic let pass."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from baselines._phrases import triple
from bench.method import Method
from bench.types import Example, Judge, Needs, Pair, Question

RECALL = {"none": 1.0, "low": 0.9, "medium": 0.8, "high": 0.5}
"""Share of the true triples that a cut-off keeps, on triples that the critic was not taught."""


@dataclass(frozen=True)
class CometDistil(Method):
    """`judge` decides who the critic is; one taught with shuffled labels is a control."""

    source = "West et al. 2021, COMET-distil"

    critic: Literal["none", "low", "medium", "high"] = "none"
    judge: Judge = "trained"

    @property
    def needs(self) -> Needs:
        return Needs(
            rationales=0, phrase=True, critic="none" if self.critic == "none" else self.judge
        )

    def accepts(self, example: Example) -> bool:
        recall = example.critic_recall
        return example.source != "human" and (recall is None or recall <= RECALL[self.critic])

    def pairs(self, example: Example, progress: float) -> Sequence[Pair]:
        return (Pair(triple(example.text, example.phrase), f" {example.answer}"),)

    def prompt(self, question: Question) -> str:
        return triple(question.text, question.phrase)
