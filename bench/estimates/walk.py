"""One walk through a method's inference program where there is no student to run it."""

import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from bench.batch import encode
from bench.solve import solve_all
from bench.students.generate import Completion
from bench.types import Program

Calls = tuple[tuple[int, int], ...]
"""(prompt tokens, generated tokens) of each call of a program."""


@dataclass(frozen=True, slots=True)
class Ruler:
    """Counts tokens as the student would, and cuts a completion where decoding would."""

    tokenizer: Any
    max_new_tokens: int
    room: int = sys.maxsize
    """Tokens of the longest prompt that is answered."""

    def complete(self, prompt: str, target: str | None) -> Completion:
        """`target` as a completion, its end-of-sequence token counted; None: it never stops."""
        n_prompt, cap = len(encode(self.tokenizer, prompt)), self.max_new_tokens
        if target is None:
            return Completion("", n_prompt, cap, n_prompt > self.room)
        ids = self.tokenizer(target, add_special_tokens=False).input_ids
        text = target if len(ids) < cap else self.tokenizer.decode(ids[:cap])
        return Completion(text, n_prompt, min(cap, len(ids) + 1), n_prompt > self.room)

    def walk(self, program: Program, written: Callable[[str], str | None]) -> Calls:
        """The calls of a program whose prompts are completed with what is `written` for them."""

        def complete(prompts: Sequence[str]) -> list[Completion]:
            return [self.complete(prompt, written(prompt)) for prompt in prompts]

        return solve_all([program], complete)[0].calls
