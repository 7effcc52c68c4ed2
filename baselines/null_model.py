"""A null model: answers without reading the question, which no board should reward."""

from dataclasses import dataclass
from typing import Literal

from baselines._phrases import CONCLUSION
from bench.method import Method
from bench.types import Needs, Program, Question


@dataclass(frozen=True)
class NullModel(Method):
    """The first option or the longest, always; "0", or the longest word, where there are none."""

    source = "control; null models of Zheng et al. 2025 (ICLR)"

    says: Literal["first", "longest"] = "first"

    @property
    def needs(self) -> Needs:
        return Needs(rationales=0)

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
        return f"{CONCLUSION} {self._answer(question)}."

    def _answer(self, question: Question) -> str:
        # The letter alone: text in options may hold what an extractor stumbles over.
        options = [option.partition(" ")[0] for option in question.options]
        if self.says == "first":
            return options[0] if options else "0"
        if not options:
            return max(question.text.split(), key=len)
        return options[max(range(len(options)), key=lambda i: len(question.options[i]))]
