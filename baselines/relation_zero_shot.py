"""Zero-shot commonsense: the untrained student goes on from an event and a relation in words."""

from dataclasses import dataclass

from baselines._phrases import triple
from bench.method import Method
from bench.types import Needs, Program, Question


@dataclass(frozen=True)
class RelationZeroShot(Method):
    """What it writes up to the end of the line is taken as the tail."""

    source = "West et al. 2021, GPT-2 XL zero-shot"

    @property
    def needs(self) -> Needs:
        return Needs(rationales=0, phrase=True)

    @property
    def trains(self) -> bool:
        return False

    def prompt(self, question: Question) -> str:
        return triple(question.text, question.phrase)

    def solve(self, question: Question) -> Program:
        written = yield self.prompt(question)
        return written.partition("\n")[0]
