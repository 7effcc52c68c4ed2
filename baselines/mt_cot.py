"""MT-CoT: the rationale and the answer as two tasks of one student (Li et al. 2022)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from baselines._phrases import CONCLUSION, ask, solution
from bench.method import Method
from bench.types import Example, Pair, Program, Question

EXPLAIN = "\n[Explanation Generation]:"
PREDICT = "\n[Answer Prediction]:"


@dataclass(frozen=True)
class MTCoT(Method):
    """0.7 x loss of the rationale with its answer + 0.3 x loss of the answer alone.

    `inference = "direct"` asks for the answer without reasoning, as SKIntern's code does; "cot"
    lets the student use the reasoning that it was taught.
    """

    source = "SKIntern, section 4.2 and released code (mt-cot); Li et al. 2022, section 3"

    test_only = ("inference",)

    knob = ("answer_weight", (0.1, 0.3, 0.5))

    inference: Literal["direct", "cot"] = "direct"
    answer_weight: float = 0.3

    @property
    def objectives(self) -> Mapping[str, float]:
        return {"solution": 1 - self.answer_weight, "answer": self.answer_weight}

    def pairs(self, example: Example, progress: float) -> Sequence[Pair]:
        question = ask(example.text)
        return (
            Pair(f"{question}{EXPLAIN}", solution(example.rationale, example.answer)),
            Pair(f"{question}{PREDICT}", f" {example.answer}.", "answer"),
        )

    def prompt(self, question: Question) -> str:
        return f"{ask(question.text)}{PREDICT if self.inference == 'direct' else EXPLAIN}"

    def solve(self, question: Question) -> Program:
        written = yield self.prompt(question)
        return f"{CONCLUSION}{written}" if self.inference == "direct" else written
