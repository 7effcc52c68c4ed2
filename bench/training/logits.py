"""Logits before target tokens alone: a prompt's many are large, and no loss reads them."""

from typing import Any

import torch
from torch import Tensor

from bench.batch import Batch


def scored_logits(model: Any, input_ids: Tensor, scored: Tensor, cache: Any = None) -> Tensor:
    """Logits (N, V) at the positions that `scored` (B, T) marks; the output layer sees no other.

    `cache` holds what all sequences begin with. What an architecture does to its logits afterwards,
    such as scaling, is done to these.
    """
    before = {} if cache is None else {"past_key_values": cache}
    head = model.get_output_embeddings()
    handle = head.register_forward_pre_hook(lambda _, inputs: (inputs[0][scored],))
    try:
        return model(input_ids=input_ids, use_cache=False, **before).logits
    finally:
        handle.remove()


@torch.no_grad()
def teacher_logits(teacher: Any, batch: Batch) -> Tensor:
    """(N, V) before the batch's own target tokens.

    The teacher reads its own prompt and the same target, so its positions are other ones; padding
    is on the right, where a causal model never looks.
    """
    rows = [s.teacher_prompt + s.target for s in batch.sequences]
    shape = (len(rows), max(map(len, rows)))
    ids, scored = torch.zeros(shape, dtype=torch.long), torch.zeros(shape, dtype=torch.bool)
    for i, (row, s) in enumerate(zip(rows, batch.sequences, strict=True)):
        ids[i, : len(row)] = torch.tensor(row)
        scored[i, len(s.teacher_prompt) - 1 : len(row) - 1] = True
    device = batch.input_ids.device
    return scored_logits(teacher, ids.to(device), scored.to(device))
