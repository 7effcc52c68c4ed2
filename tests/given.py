"""A method that teaches texts as they are, for what is measured."""

from collections.abc import Sequence
from dataclasses import dataclass

from bench.method import Method
from bench.types import Example, Pair, Question


@dataclass(frozen=True)
class Given(Method):
    """The texts of the examples as they are."""

    source = "the case"

    def pairs(self, example: Example, progress: float) -> Sequence[Pair]:
        return (Pair(example.text, example.answer),)

    def prompt(self, question: Question) -> str:
        return question.text
