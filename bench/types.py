"""The values that travel between corpus, methods and harness. Immutable, standard library only."""

from collections.abc import Generator
from dataclasses import dataclass
from typing import TypeAlias

Program: TypeAlias = Generator[str, str, str]
"""An inference program: yields prompts, is sent completions, returns the solution."""


@dataclass(frozen=True, slots=True)
class Knowledge:
    """Symbolic knowledge of one question, k = [k^m; k^p] (SKIntern section 3.1).

    `importance` holds one score per whitespace-separated word of `text`, higher is kept longer.
    """

    summary: str
    supplementary: str
    importance: tuple[float, ...]

    @property
    def text(self) -> str:
        return f"{self.summary} {self.supplementary}".strip()


@dataclass(frozen=True, slots=True)
class Demo:
    """A solved question to show in a prompt."""

    question: str
    rationale: str
    answer: str


@dataclass(frozen=True, slots=True)
class Question:
    """What a method sees at test time: the question, and only what its needs declare."""

    id: str
    task: str
    text: str
    options: tuple[str, ...] = ()
    passages: tuple[str, ...] = ()
    demos: tuple[Demo, ...] = ()


@dataclass(frozen=True, slots=True)
class Example:
    """A training question with what the teacher wrote, and what the method's needs declare.

    `demos` are other training items, most similar first. `seed` = hash(run seed, id) is the only
    randomness a method may use.
    """

    id: str
    task: str
    text: str
    options: tuple[str, ...]
    rationale: str
    answer: str
    seed: int
    knowledge: Knowledge | None = None
    passages: tuple[str, ...] = ()
    demos: tuple[Demo, ...] = ()


@dataclass(frozen=True, slots=True)
class Pair:
    """One training sequence; the loss counts the target alone."""

    prompt: str
    target: str
    objective: str = "solution"


@dataclass(frozen=True, slots=True)
class Needs:
    """What a method is given beyond question and answer; the rest it cannot see.

    ValueError for a negative number.
    """

    train_rationale: bool = True
    train_knowledge: bool = False
    train_demos: int = 0
    test_demos: int = 0
    passages: int = 0

    def __post_init__(self) -> None:
        if min(self.train_demos, self.test_demos, self.passages) < 0:
            raise ValueError("numbers of examples and passages cannot be negative")
