"""What is measured, and at which sizes; and a measurement as the page takes it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

Shape: TypeAlias = tuple[int, int]
"""Width and layers of a llama with heads of 64, about 12 x layers x width^2 parameters."""


@dataclass(frozen=True, slots=True)
class Sizes:
    """Every size but the one that grows is that of `base` and of the constants beside it."""

    base: Shape = (192, 7)
    shapes: Sequence[Shape] = ((128, 5), (192, 7), (320, 8), (512, 10), (768, 14))
    sequences: Sequence[int] = (32, 64, 128, 256, 512, 1024)
    tokens: Sequence[int] = (32, 64, 128, 256, 512, 1024)
    micro_batches: Sequence[int] = (512, 1024, 2048, 4096, 8192)
    questions: Sequence[int] = (32, 64, 128, 256, 512)
    new_tokens: Sequence[int] = (16, 32, 64, 128, 256)
    tracks: Sequence[int] = (1, 3, 8, 20)
    """Copies of pocket's records, each under the name of a track of its own."""
    row_steps: int = 8
    """Optimizer steps of a row of pocket whose memory is measured."""
    row_micro_batches: Sequence[int] = (512, 1024, 2048)


FULL = Sizes()
TINY = Sizes(
    base=(64, 1),
    shapes=((64, 1), (64, 2), (128, 2)),
    sequences=(8, 16, 32),
    tokens=(16, 32, 64),
    micro_batches=(64, 128, 256),
    questions=(4, 8, 16),
    new_tokens=(2, 4, 8),
    tracks=(1, 2, 3),
    row_steps=1,
    row_micro_batches=(512,),
)
"""To see that everything runs: its numbers mean nothing."""


@dataclass(frozen=True, slots=True)
class Section:
    """Costs against one size."""

    title: str
    held: str
    """What stays as it is."""
    size: str
    """What grows, as a plural."""
    rows: Sequence[tuple[int, Mapping[str, float]]]
    """Size, and each cost by its name with its unit."""
