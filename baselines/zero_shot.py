"""Zero-shot: the untrained student is asked the question."""

from dataclasses import dataclass

from baselines._phrases import CONCLUSION, DIRECT, FORMAT, ask, guided
from bench.method import Method
from bench.types import InSight, Needs, Program, Question


@dataclass(frozen=True)
class ZeroShot(Method):
    """The student as it came, asked for the answer; what it writes is taken as the answer.

    `knowledge` stands before the question: what is known of its task, or all that it needs.
    """

    source = "SKIntern, section 4.2 (Zero-shot), figure 5 (knowledge)"

    knowledge: InSight = "none"

    @property
    def trains(self) -> bool:
        return False

    @property
    def needs(self) -> Needs:
        return Needs(test_knowledge=self.knowledge)

    def prompt(self, question: Question) -> str:
        return f"{FORMAT}{guided(question.knowledge)}{ask(question.text)}{DIRECT}"

    def solve(self, question: Question) -> Program:
        answer = yield self.prompt(question)
        return f"{CONCLUSION}{answer}"
