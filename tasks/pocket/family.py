"""What a question family must be able to do."""

from abc import ABC, abstractmethod
from random import Random
from typing import ClassVar

from tasks.pocket.world import World, held_out


class Family(ABC):
    """A drawn problem; subclasses are the families."""

    part: ClassVar[str]
    """The field of a `Cast` that the names of its questions come from."""
    ability: ClassVar[str]
    summary: ClassVar[str]
    """The learning summary: how to go about this kind of question."""
    steps: ClassVar[tuple[int, int]]
    """Fewest and most steps in training and in domain."""
    long_steps: ClassVar[tuple[int, int]] = (0, 0)
    n_wordings: ClassVar[int]
    """Wording 0 is the suite's, the last is kept out of pretraining for the OOD set."""

    @classmethod
    @abstractmethod
    def draw(cls, rng: Random, world: World, n_steps: int) -> "Family":
        """A random problem with `n_steps` look-ups."""

    @abstractmethod
    def ask(self, wording: int) -> str:
        """The question text, with a leading space."""

    @abstractmethod
    def facts(self, world: World) -> list[str]:
        """The rules of `world` that the question needs, in the order of their use."""

    @abstractmethod
    def work(self, world: World, *, terse: bool = False) -> tuple[str, str]:
        """The step-by-step rationale and the answer, as `world` has it.

        A terse rationale leaves out the text of the rules and keeps what follows from them.
        """

    def compositions(self) -> list[tuple[str, ...]]:
        """The adjacent compositions that `held_out` decides about, as the question has them."""
        return []

    def worked_compositions(self, world: World) -> list[tuple[str, ...]]:
        """Those that a rationale spells out: more, where a step's name is found on the way."""
        return self.compositions()

    def options(self) -> tuple[str, ...]:
        """The answers to choose from; () where the answer is free."""
        return ()

    def has_held_out(self) -> bool:
        return any(held_out(*parts) for parts in self.compositions())
