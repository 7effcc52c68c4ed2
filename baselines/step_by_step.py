"""Distilling Step-by-Step: rationales as an auxiliary task (Hsieh et al., ACL 2023 Findings)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from baselines._phrases import CONCLUSION, DIRECT, ask
from bench.method import Method
from bench.types import Example, Pair, Program, Question

RATIONALE = "\nRationale:"


@dataclass(frozen=True)
class StepByStep(Method):
    """0.7 x loss of the rationale + 0.3 x loss of the answer, each from the question alone.

    At test time only the answer is asked for, as its authors publish it; they weigh the two
    alike (`answer_weight = 0.5`), SKIntern's runs do not.
    """

    source = "SKIntern, section 4.2 and released code (mt-re); Hsieh et al. 2023, section 3.2"

    knob = ("answer_weight", (0.1, 0.3, 0.5))

    answer_weight: float = 0.3

    @property
    def objectives(self) -> Mapping[str, float]:
        return {"rationale": 1 - self.answer_weight, "answer": self.answer_weight}

    def pairs(self, example: Example, progress: float) -> Sequence[Pair]:
        question = ask(example.text)
        return (
            Pair(f"{question}{RATIONALE}", f" {example.rationale}", "rationale"),
            Pair(f"{question}{DIRECT}", f" {example.answer}.", "answer"),
        )

    def prompt(self, question: Question) -> str:
        return f"{ask(question.text)}{DIRECT}"

    def solve(self, question: Question) -> Program:
        answer = yield self.prompt(question)
        return f"{CONCLUSION}{answer}"
