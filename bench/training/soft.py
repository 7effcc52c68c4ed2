"""The logits of a frozen teacher at the places where the student has targets."""

from typing import Any

import torch
from torch import Tensor

from bench.batch import Batch


def teacher_logits(teacher: Any, batch: Batch) -> Tensor:
    """(B, T, V) in the batch's own positions, zero where no target token follows.

    The teacher reads its own prompt and the same target, so its positions are other ones; padding
    is on the right, where a causal model never looks.
    """
    rows = [s.teacher_prompt + s.target for s in batch.sequences]
    shape, device = (len(rows), max(map(len, rows))), batch.input_ids.device
    ids = torch.zeros(shape, dtype=torch.long)
    for i, row in enumerate(rows):
        ids[i, : len(row)] = torch.tensor(row)
    with torch.no_grad():
        seen = teacher(input_ids=ids.to(device), use_cache=False).logits
    found = torch.zeros((*batch.labels.shape, seen.shape[-1]), dtype=seen.dtype, device=device)
    for i, s in enumerate(batch.sequences):
        n, own, other = len(s.target), len(s.prompt) - 1, len(s.teacher_prompt) - 1
        found[i, own : own + n] = seen[i, other : other + n]
    return found
