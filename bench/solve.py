"""Advance all inference programs in lockstep, so that every generation is batched."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from bench.types import Program


class Completed(Protocol):
    """What a generator returns for a prompt."""

    @property
    def text(self) -> str: ...
    @property
    def n_prompt(self) -> int: ...
    @property
    def n_generated(self) -> int: ...
    @property
    def overflow(self) -> bool: ...


@dataclass(frozen=True, slots=True)
class Solved:
    """A question's solution with (prompt tokens, generated tokens) of each call of its program."""

    solution: str
    calls: tuple[tuple[int, int], ...]
    overflow: bool = False


def solve_all(
    programs: Sequence[Program], complete: Callable[[Sequence[str]], Sequence[Completed]]
) -> list[Solved]:
    """Run every program to its end; a prompt that does not fit ends its program, marked."""
    prompts: dict[int, str] = {}
    calls: list[list[tuple[int, int]]] = [[] for _ in programs]
    solved: dict[int, Solved] = {}

    def advance(i: int, text: str | None) -> None:
        try:
            prompts[i] = next(programs[i]) if text is None else programs[i].send(text)
        except StopIteration as stop:
            prompts.pop(i, None)
            solved[i] = Solved(stop.value, tuple(calls[i]))

    for i in range(len(programs)):
        advance(i, None)
    while prompts:
        waiting = sorted(prompts)
        for i, done in zip(waiting, complete([prompts[i] for i in waiting]), strict=True):
            if done.overflow:
                del prompts[i]
                solved[i] = Solved("", tuple(calls[i]), overflow=True)
            else:
                calls[i].append((done.n_prompt, done.n_generated))
                advance(i, done.text)
    return [solved[i] for i in range(len(programs))]
