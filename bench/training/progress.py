"""What a training run has spent so far; survives a kill in the checkpoint."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from bench.batch import Tokens
from bench.types import Example
from leaderboard.store.reading import STRICT

COUNTERS = ("lengths", "teacher_lengths", "written")


@dataclass
class Progress:
    """Steps, tokens, losses and lengths, counted as they happen."""

    step: int = 0
    tokens: int = 0
    seconds: float = 0.0
    dropped_demos: int = 0
    skipped_examples: int = 0
    losses: list[float] = field(default_factory=list[float])
    """The loss of every optimizer step."""
    lengths: Counter[int] = field(default_factory=Counter[int])
    """How many sequences of each length in tokens were trained on."""
    teacher_lengths: Counter[int] = field(default_factory=Counter[int])
    """How long they are as a teacher of logits reads them."""
    written: Counter[str] = field(default_factory=Counter[str])
    """How many texts the student wrote of that many tokens, after a prompt of as many: "12 30"."""
    n_shown: list[int] = field(default_factory=list[int])
    """Words of knowledge that the prompts of each run between restarts showed."""
    n_known: list[int] = field(default_factory=list[int])
    """Words of knowledge that there were to show."""

    @property
    def final_loss(self) -> float | None:
        return self.losses[-1] if self.losses else None

    def add(self, loss: float, sequences: Sequence[Tokens], seconds: float) -> None:
        """Count one optimizer step."""
        lengths = list(map(len, sequences))
        self.step += 1
        self.tokens += sum(lengths)
        self.lengths.update(lengths)
        self.teacher_lengths.update(len(s.teacher_prompt) + len(s.target) for s in sequences)
        self.seconds += seconds
        self.losses.append(loss)

    def add_written(self, sequences: Sequence[Tokens]) -> None:
        """Count what the student itself wrote for a step."""
        self.written.update(f"{len(s.prompt)} {len(s.target)}" for s in sequences)

    @property
    def writing(self) -> list[tuple[int, int, int]]:
        """Of what the student itself wrote: tokens of prompt and text, and how many texts."""
        told = ((key.split(), n) for key, n in sorted(self.written.items()))
        return [(int(n_prompt), int(n_text), n) for (n_prompt, n_text), n in told]

    def add_known(
        self, segment: int, chosen: Sequence[Example], sequences: Sequence[Tokens]
    ) -> None:
        """Count the words of knowledge that a step's examples have, and those it showed."""
        while len(self.n_known) <= segment:
            self.n_shown.append(0)
            self.n_known.append(0)
        self.n_shown[segment] += sum(s.n_shown for s in sequences)
        self.n_known[segment] += sum(len(e.knowledge.text.split()) for e in chosen if e.knowledge)

    def plain(self) -> dict[str, Any]:
        """As plain data, safe to load from a checkpoint."""
        return asdict(self) | {name: dict(getattr(self, name)) for name in COUNTERS}

    @classmethod
    def revived(cls, saved: Mapping[str, Any]) -> "Progress":
        """From plain data."""
        counters = {name: Counter(dict(saved.get(name, {}))) for name in COUNTERS}
        return cls(**{**saved, **counters})


@dataclass(kw_only=True)
class Spent(Progress):
    """What a whole training took, as its folder keeps it; nothing where nothing trains."""

    __pydantic_config__ = STRICT

    n_examples: int
    teacher_flops: int = 0
    """Of a teacher of logits: making it, and its forward passes."""
    judging_flops: int = 0
    """Of a critic: its reading of the corpus."""
    student_revision: str | None = None
    """Of the student before training, where it came from a hub."""
    peak_memory_bytes: int = 0
    triples: dict[str, float | None] | None = None
    """What of a corpus of triples it was trained on."""
    n_processes: int = 1
    """That trained together, each with a share of every step."""
