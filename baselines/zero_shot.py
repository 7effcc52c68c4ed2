"""Zero-shot: the untrained student is asked the question."""

from dataclasses import dataclass

from baselines._phrases import DIRECT, FORMAT, ask
from bench.method import Method
from bench.types import Question


@dataclass(frozen=True)
class ZeroShot(Method):
    """The student as it came, prompted with the question and the answer format."""

    source = "SKIntern, section 4.2 (Zero-shot)"

    @property
    def trains(self) -> bool:
        return False

    def prompt(self, question: Question) -> str:
        return f"{FORMAT}{ask(question.text)}{DIRECT}"
