"""What a trained student would write: the target of a training pair that asks in the same words."""

from collections.abc import Iterable

from bench.method import Method
from bench.types import Example

TRAINED = 0.999
"""The progress at which a method shows what it shows at test time: nothing that it withdraws."""


def reply(prompt: str, example: Example, taught: Iterable[Method]) -> str | None:
    """The target of the first pair over `example` with the same words behind the question.

    What stands before the question, such as passages, changes no answer's length by much. A prompt
    that holds a completion which was cut has no such pair: its last line decides. None where no
    method of `taught` asks in these words.
    """
    asked = prompt.rpartition(example.text)[2]
    pairs = [pair for method in taught for pair in method.pairs(example, TRAINED)]
    trained = [(pair.prompt.rpartition(example.text)[2], pair.target) for pair in pairs]
    for words, target in trained:
        if words == asked:
            return target
    last = asked.rpartition("\n")[2]
    return next((target for words, target in trained if words.rpartition("\n")[2] == last), None)
