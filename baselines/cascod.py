"""CasCoD: rationale and answer learned, and generated, one after the other (Dai et al., 2024)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from baselines._phrases import ask
from bench.method import Method
from bench.types import Example, Pair, Program, Question

RATIONALE = "\nRationale:"
CONCLUSION = "\nTherefore, the answer is"


@dataclass(frozen=True)
class CasCoD(Method):
    """(1 - a) x loss of the rationale + a x loss of the answer given question and rationale.

    At test time the student writes a rationale, and reads it again with the question to answer.
    `as_released` words both test prompts as SKIntern's code does: a trailing blank, and in the
    second a label that our training never shows. a = 0.3 as there; CasCoD's own script has 0.1.
    """

    source = "SKIntern, section 4.2 and released code (mt-cas); Dai et al., EMNLP 2024, section 3"

    test_only = ("as_released",)

    knob = ("answer_weight", (0.1, 0.3, 0.5))

    answer_weight: float = 0.3
    as_released: bool = False

    @property
    def skewed(self) -> bool:
        return self.as_released

    @property
    def objectives(self) -> Mapping[str, float]:
        return {"rationale": 1 - self.answer_weight, "answer": self.answer_weight}

    def pairs(self, example: Example, progress: float) -> Sequence[Pair]:
        first = f"{ask(example.text)}{RATIONALE}"
        rationale = f" {example.rationale}"
        return (
            Pair(first, rationale, "rationale"),
            Pair(f"{first}{rationale}{CONCLUSION}", f" {example.answer}.", "answer"),
        )

    def prompt(self, question: Question) -> str:
        return f"{ask(question.text)}{RATIONALE}{' ' if self.as_released else ''}"

    def solve(self, question: Question) -> Program:
        rationale = yield self.prompt(question)
        if self.as_released:
            second = f"{ask(question.text)}\nRational: {rationale.strip()}{CONCLUSION} "
        else:
            second = f"{self.prompt(question)}{rationale}{CONCLUSION}"
        answer = yield second
        return f"{rationale}{CONCLUSION}{answer}"
