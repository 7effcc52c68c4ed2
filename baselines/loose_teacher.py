"""The loose teacher: what the machine that writes the corpus answers itself."""

from dataclasses import dataclass

from bench.method import Method
from bench.types import Needs, Program, Question


@dataclass(frozen=True)
class LooseTeacher(Method):
    """The first of its drafts; no student is asked."""

    source = "West et al. 2021, GPT-3"

    @property
    def needs(self) -> Needs:
        return Needs(rationales=0, phrase=True, drafts=True)

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
        return question.drafts[0].text if question.drafts else ""
