"""What the processes of a training do in tests: they import this file alone."""

import os
import signal
import time
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor
from torch import distributed as dist

from bench.batch import Batch
from bench.training import parallel

LONG_S = 300.0


def sums() -> None:
    """Each process has the sums of all, and what the first one made."""
    rank = dist.get_rank()
    assert parallel.summed(1.0, float(rank)) == [2.0, 1.0]
    assert parallel.first_makes(lambda: f"made by {rank}") == "made by 0"
    assert parallel.leads() == (rank == 0)
    both, one, none = (torch.zeros(2, requires_grad=True) for _ in range(3))
    both.grad = torch.full((2,), 1.0 + rank)
    one.grad = torch.ones(2) if rank == 1 else None
    parallel.sum_gradients([both, one, none])
    assert torch.equal(both.grad, torch.full((2,), 3.0))
    assert one.grad is not None and torch.equal(one.grad, torch.ones(2))
    assert none.grad is None


def last_fails(how: str) -> None:
    """The last process ends like that, while the first waits for it, or works on if killed."""
    if dist.get_rank() == 0:
        time.sleep(LONG_S if how == "killed" else 0)
    elif how == "killed":
        os.kill(os.getpid(), signal.SIGKILL)
    else:
        raise ValueError("the last one's own fault")
    parallel.summed(1.0)


def train_each(jobs: Sequence[tuple[int | None, Sequence[Any]]]) -> None:
    """Train cells, one after the other; the last process has memory for so many tokens at once."""
    from bench.run import fit
    from bench.training import train

    real = train.target_logits
    for most, (cell, *work) in jobs:

        def scored(model: Any, batch: Batch, most: int | None = most) -> Tensor:
            n_tokens = sum(map(len, batch.sequences))
            if dist.get_rank() == 1 and most is not None and n_tokens > most:
                raise torch.OutOfMemoryError
            return real(model, batch)

        train.target_logits = scored
        fit._trained(cell, fit.fresh(cell), *work)
