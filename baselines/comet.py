"""COMET: a language model fine-tuned on commonsense triples that people wrote."""

from collections.abc import Sequence
from dataclasses import dataclass

from baselines._phrases import triple
from bench.method import Method
from bench.types import Example, Needs, Pair, Question


@dataclass(frozen=True)
class Comet(Method):
    """Head and relation in, tail out; a corpus that names no source is taken as people's."""

    source = "Bosselut et al. 2019; West et al. 2021, COMET on the human corpus"

    @property
    def needs(self) -> Needs:
        return Needs(rationales=0, phrase=True)

    def accepts(self, example: Example) -> bool:
        return example.source != "machine"

    def pairs(self, example: Example, progress: float) -> Sequence[Pair]:
        return (Pair(triple(example.text, example.phrase), f" {example.answer}"),)

    def prompt(self, question: Question) -> str:
        return triple(question.text, question.phrase)
