"""Schedules, compression and seeded draws. Pure arithmetic, standard library only."""

from collections.abc import Sequence
from random import Random
from typing import TypeVar

from bench.types import Knowledge

T = TypeVar("T")


def stage(progress: float, steps: int) -> int:
    """The step of the curriculum, 0 .. steps - 1, at `progress` in [0, 1)."""
    return min(int(progress * steps + 1e-9), steps - 1)


def boundaries(steps: int) -> tuple[float, ...]:
    """Progress at which each step but the first begins."""
    return tuple(k / steps for k in range(1, steps))


def linear(step: int, steps: int) -> float:
    """Linear decay S_t = 1 - t / (T - 1): 1, 2/3, 1/3, 0 for four steps (SKIntern section 3.2)."""
    return 1.0 - step / (steps - 1)


def n_kept(n: int, step: int, steps: int) -> int:
    """How many of `n` examples a linear decay keeps: floor(n * S_t), in integers."""
    return n * (steps - 1 - step) // (steps - 1)


def compress(knowledge: Knowledge, keep_ratio: float) -> str:
    """The most important share `keep_ratio` of the words, in order; ties keep the earlier word."""
    words = knowledge.text.split()
    if len(words) != len(knowledge.importance):
        raise ValueError(f"{len(knowledge.importance)} importance scores for {len(words)} words")
    n = round(len(words) * keep_ratio)
    ranked = sorted(range(len(words)), key=lambda i: (-knowledge.importance[i], i))
    return " ".join(words[i] for i in sorted(ranked[:n]))


def draw(pool: Sequence[T], n: int, seed: int, step: int, *, of: int) -> tuple[T, ...]:
    """`n` places of the `of` in a full pool, drawn afresh at each step, in the pool's order.

    A pool that was cut short leaves its places empty: cutting it removes items and draws no others.
    """
    chosen = Random(f"{seed}/{step}").sample(range(of), min(n, of))
    return tuple(pool[i] for i in sorted(chosen) if i < len(pool))
