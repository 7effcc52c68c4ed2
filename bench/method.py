"""What a baseline must say about itself. One frozen dataclass in one file, found by listing."""

import sys
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Self

from bench.types import Example, Needs, Pair, Program, Question

if TYPE_CHECKING:
    from torch import Tensor

    from bench.batch import Batch


@dataclass(frozen=True)
class Method(ABC):
    """A way to move a teacher's reasoning into a student; fields are its hyper-parameters."""

    source: ClassVar[str]
    """Paper and section that the defaults come from."""
    test_only: ClassVar[tuple[str, ...]] = ()
    """Fields that training does not depend on: rows that differ in them alone are trained once."""
    knob: ClassVar[tuple[str, tuple[float, ...]] | None] = None
    """A number that its paper tunes, and the values to try; None where there is nothing but the
    learning rate, or where each value is a row with trials of its own, as with SKIntern's."""

    @property
    def needs(self) -> Needs:
        """What this instance must be given; a missing need stops the run before it starts."""
        return Needs()

    @property
    def trains(self) -> bool:
        """Whether the student is trained at all."""
        return True

    @property
    def runs_student(self) -> bool:
        """Whether a student answers; where none does, the row is of a corpus."""
        return True

    @property
    def restart_points(self) -> tuple[float, ...]:
        """Progress values in (0, 1) where optimizer and schedule start afresh."""
        return ()

    @property
    def keeps_moments(self) -> bool:
        """Whether the schedule alone starts afresh there, and the optimizer's state stays."""
        return False

    @property
    def skewed(self) -> bool:
        """Whether the test prompt differs on purpose from the one that is trained."""
        return False

    @property
    def upper_bound(self) -> bool:
        """Whether the test prompt shows what only the suite knows: which facts a question needs."""
        return self.needs.test_knowledge == "all" or self.needs.train_query == "oracle"

    @property
    def objectives(self) -> Mapping[str, float]:
        """Weight of each objective that pairs may name."""
        return {"solution": 1.0}

    @property
    def on_policy(self) -> float:
        """Share of optimizer steps whose targets the student writes itself, drawn at temperature
        1; the other steps have those of `pairs`."""
        return 0.0

    def accepts(self, example: Example) -> bool:
        """Whether the example is among those that the method trains on."""
        return True

    def pairs(self, example: Example, progress: float) -> Sequence[Pair]:
        """Training sequences at `progress` in [0, 1); () for a method that only prompts."""
        return ()

    @abstractmethod
    def prompt(self, question: Question) -> str:
        """The text that the student continues at test time."""

    def solve(self, question: Question) -> Program:
        """Inference program; one generation unless overridden."""
        return (yield self.prompt(question))

    def loss(self, student_logits: "Tensor", batch: "Batch") -> "Tensor":
        """Weighted cross-entropy of the targets; logits (N, V) of its N tokens, to a scalar."""
        from bench.losses import token_loss, weighted_sum

        return weighted_sum(token_loss(student_logits, batch.labels), batch.weights)

    @property
    def trained_as(self) -> Self:
        """The method as training sees it: what is for the test alone at its defaults."""
        usual = {f.name: f.default for f in fields(self) if f.name in self.test_only}
        return replace(self, **usual)

    @classmethod
    def name(cls) -> str:
        """The file name, which is the method's name."""
        return Path(sys.modules[cls.__module__].__file__ or "").stem

    @property
    def label(self) -> str:
        """The name plus the fields that differ from their defaults: `skintern[steps=3]`."""
        changed = [
            f"{f.name}={str(value).lower() if isinstance(value, bool) else value}"
            for f in fields(self)
            if (value := getattr(self, f.name)) != f.default
        ]
        return self.name() + (f"[{','.join(changed)}]" if changed else "")
