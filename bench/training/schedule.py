"""Which examples and which learning rate a training step has: pure functions of the budget."""

import math
from collections.abc import Sequence
from random import Random

from bench.track import Training
from bench.types import Example


def n_steps(n_examples: int, training: Training) -> int:
    """Optimizer steps of a run: whole epochs."""
    return training.epochs * math.ceil(n_examples / training.batch_size)


def order(examples: Sequence[Example], step: int, batch_size: int, seed: int) -> list[Example]:
    """The examples of one optimizer step: each epoch is its own seeded shuffle."""
    per_epoch = math.ceil(len(examples) / batch_size)
    epoch, index = divmod(step, per_epoch)
    positions = list(range(len(examples)))
    Random(f"{seed}/epoch {epoch}").shuffle(positions)
    return [examples[i] for i in positions[index * batch_size : (index + 1) * batch_size]]


def step_at(progress: float, total: int) -> int:
    """The first step of `total` at which so much is done."""
    return math.ceil(progress * total - 1e-9)


def segments(points: Sequence[float], total: int) -> list[int]:
    """First steps of the runs between restarts, 0 included, then the total."""
    return sorted({0, total, *(step_at(point, total) for point in points)})


def learning_rate(step: int, starts: Sequence[int], training: Training) -> float:
    """Linear warm-up, then cosine to `final_lr_ratio`, afresh in each segment."""
    start = max(s for s in starts[:-1] if s <= step)
    length = min(s for s in starts if s > step) - start
    n_warmup = max(1, round(length * training.warmup))
    done = step - start
    if done < n_warmup:
        return training.learning_rate * (done + 1) / n_warmup
    share = (done - n_warmup) / max(1, length - n_warmup)
    low = training.final_lr_ratio
    return training.learning_rate * (low + (1 - low) * (1 + math.cos(math.pi * share)) / 2)
