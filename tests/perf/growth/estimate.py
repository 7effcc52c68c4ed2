"""GPU-hours of the paper's matrix, from what its cells compute and move: nothing is measured."""

import heapq
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from bench.estimates.dry_run import H100_BF16_FLOP_PER_S
from bench.students.generate import BATCH_TOKENS
from tests.perf.growth.matrix import BYTES, Row


@dataclass(frozen=True, slots=True)
class Card:
    """What its maker states."""

    name: str
    flop_per_s: float
    """Dense, in bf16."""
    bytes_per_s: float


H100 = Card("H100 SXM", H100_BF16_FLOP_PER_S, 3.35e12)
H200 = Card("H200 SXM", H100_BF16_FLOP_PER_S, 4.8e12)


@dataclass(frozen=True, slots=True)
class Assumed:
    """One end of the range."""

    name: str
    utilisation: float
    """Share of the peak that training and reading prompts reach."""
    launch_s: float
    """Least time of a layer in a decoding step; what it moves may take longer."""


QUICK = Assumed("quick", 0.45, 0.0)
SLOW = Assumed("slow", 0.20, 1e-3)
"""Eager PyTorch starts a layer's kernels one by one, which small students wait for."""


@dataclass(frozen=True, slots=True)
class Hours:
    """Of one cell on one card."""

    training: float
    prefill: float
    decoding: float

    @property
    def total(self) -> float:
        return self.training + self.prefill + self.decoding


def hours(row: Row, card: Card, assumed: Assumed) -> Hours:
    """Of one seed of a row."""
    rate = assumed.utilisation * card.flop_per_s * 3600
    moved_s = bytes_moved(row) / card.bytes_per_s
    launched_s = decoding_steps(row) * row.n_layers * assumed.launch_s
    decoding = max(moved_s, launched_s) / 3600
    return Hours(row.training_flops / rate, row.prefill_flops / rate, decoding)


def batch(row: Row) -> float:
    """Questions that are decoded together: as the track says, or as many as a batch may hold."""
    held = row.n_prompt / row.n_calls + row.max_new_tokens
    return max(1.0, min(row.batch_size, BATCH_TOKENS // held))


def decoding_steps(row: Row) -> float:
    """With every batch full to its end; batches that thin out take more."""
    return row.n_decoded / batch(row)


def bytes_moved(row: Row) -> float:
    """All weights once a step, and the cache of each question once for each of its tokens."""
    return decoding_steps(row) * BYTES * row.n_parameters + row.cache_bytes * row.n_cached


def cells(rows: Iterable[Row], card: Card, assumed: Assumed) -> list[float]:
    """Hours of every cell, the longest first."""
    found = [hours(row, card, assumed).total for row in rows for _ in range(row.n_seeds)]
    return sorted(found, reverse=True)


def makespan(longest_first: Sequence[float], n_cards: int) -> float:
    """Hours until all cells are done, where a card that is free takes the longest that is left."""
    free = [0.0] * n_cards
    for each in longest_first:
        heapq.heapreplace(free, free[0] + each)
    return max(free)


def most_useful(longest_first: Sequence[float]) -> int:
    """Cards beyond which none helps: the longest cell alone takes as long as the whole."""
    return next(
        n
        for n in range(1, len(longest_first) + 1)
        if makespan(longest_first, n) <= longest_first[0]
    )
