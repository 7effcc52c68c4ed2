"""COMET-distil: COMET on what a loose teacher wrote and a critic let pass."""

from collections.abc import Sequence
from dataclasses import dataclass

from baselines._cuts import RECALL, Cut
from baselines._phrases import triple
from bench.method import Method
from bench.types import Example, Judge, Needs, Pair, Question


@dataclass(frozen=True)
class CometDistil(Method):
    """`judge` decides who the critic is; one taught with shuffled labels is a control."""

    source = "West et al. 2021, COMET-distil"

    critic: Cut = "none"
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
