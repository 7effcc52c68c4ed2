"""COMET-distil: COMET on what a loose teacher wrote and a critic let pass."""

from dataclasses import dataclass, replace

from baselines._cuts import RECALL, Cut
from baselines.comet import Comet
from bench.types import Example, Judge, Needs


@dataclass(frozen=True)
class CometDistil(Comet):
    """`judge` decides who the critic is; one taught with shuffled labels is a control."""

    source = "West et al. 2021, COMET-distil"

    critic: Cut = "none"
    judge: Judge = "trained"

    @property
    def needs(self) -> Needs:
        return replace(super().needs, critic="none" if self.critic == "none" else self.judge)

    def accepts(self, example: Example) -> bool:
        recall = example.critic_recall
        return example.source != "human" and (recall is None or recall <= RECALL[self.critic])
