"""The critical teacher: the loose teacher's draft that the critic likes best."""

from dataclasses import dataclass

from bench.method import Method
from bench.types import Draft, Judge, Needs, Program, Question


@dataclass(frozen=True)
class CriticalTeacher(Method):
    """No student is asked; the first draft wins where the critic is of two minds."""

    source = "West et al. 2021, GPT-3 with a critic"

    judge: Judge = "trained"

    @property
    def needs(self) -> Needs:
        return Needs(rationales=0, phrase=True, drafts=True, critic=self.judge)

    @property
    def trains(self) -> bool:
        return False

    @property
    def runs_student(self) -> bool:
        return False

    def prompt(self, question: Question) -> str:
        return question.text

    def solve(self, question: Question) -> Program:
        yield from ()
        return min(question.drafts, key=_doubt).text if question.drafts else ""


def _doubt(draft: Draft) -> float:
    return draft.critic_recall or 0.0
