"""SKIntern on what a critic lets pass of the knowledge: where the two founding papers meet."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from baselines._cuts import RECALL, Cut
from baselines.skintern import SKIntern
from bench import curriculum
from bench.types import Example, Judge, Needs, Pair


@dataclass(frozen=True)
class SKInternCritical(SKIntern):
    """Sentences of the supplementary knowledge that the judge does not believe are left out."""

    source = "this project, after SKIntern and West et al. 2021"

    critic: Cut = "medium"
    judge: Judge = "weighted_pmi"

    @property
    def needs(self) -> Needs:
        return replace(super().needs, critic="none" if self.critic == "none" else self.judge)

    def pairs(self, example: Example, progress: float) -> Sequence[Pair]:
        assert example.knowledge is not None, "the harness attaches what `needs` declares"
        believed = curriculum.believed(example.knowledge, RECALL[self.critic])
        return super().pairs(replace(example, knowledge=believed), progress)
