"""What a trained student would write to a prompt: the target of a training pair that asks it."""

from collections.abc import Iterable

from bench.method import Method
from bench.types import Example

TRAINED = 0.999
"""The progress at which a method shows what it shows at test time: nothing that it withdraws."""


def reply(prompt: str, example: Example, taught: Iterable[Method]) -> str | None:
    """The target that a method of `taught` has for the prompt over `example`; the first counts.

    Where none has the prompt itself, one that has the same words behind the question will do:
    that is how long an answer to such words is. None where no method asks in these words.
    """
    like, cue = None, prompt.rpartition(example.text)[2]
    for method in taught:
        for pair in method.pairs(example, TRAINED):
            if pair.prompt == prompt:
                return pair.target
            if like is None and pair.prompt.rpartition(example.text)[2] == cue:
                like = pair.target
    return like
