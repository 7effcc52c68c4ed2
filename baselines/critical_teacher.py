"""The critical teacher: the loose teacher's draft that the critic likes best."""

from dataclasses import dataclass, replace

from baselines.loose_teacher import LooseTeacher
from bench.types import Draft, Judge, Needs, Program, Question


@dataclass(frozen=True)
class CriticalTeacher(LooseTeacher):
    """The first draft wins where the critic is of two minds."""

    source = "West et al. 2021, GPT-3 with a critic"

    judge: Judge = "trained"

    @property
    def needs(self) -> Needs:
        return replace(super().needs, critic=self.judge)

    def solve(self, question: Question) -> Program:
        yield from ()
        return min(question.drafts, key=_doubt).text if question.drafts else ""


def _doubt(draft: Draft) -> float:
    return draft.critic_recall or 0.0
