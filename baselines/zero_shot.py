"""Zero-shot: the untrained student is asked the question."""

from dataclasses import dataclass

from baselines._phrases import CONCLUSION, DIRECT, FORMAT, ask
from bench.method import Method
from bench.types import Program, Question


@dataclass(frozen=True)
class ZeroShot(Method):
    """The student as it came, asked for the answer; what it writes is taken as the answer."""

    source = "SKIntern, section 4.2 (Zero-shot)"

    @property
    def trains(self) -> bool:
        return False

    def prompt(self, question: Question) -> str:
        return f"{FORMAT}{ask(question.text)}{DIRECT}"

    def solve(self, question: Question) -> Program:
        answer = yield self.prompt(question)
        return f"{CONCLUSION}{answer}"
