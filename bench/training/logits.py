"""Logits before target tokens alone: a prompt's many are large, and no loss reads them."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from bench.batch import Batch
from bench.training.tree import Tree, grows, tree_logits


def target_logits(model: Any, batch: Batch) -> Tensor:
    """(N, V) before the target tokens of a batch, row by row.

    What its sequences begin with alike is computed once, where the model can do so.
    """
    if grows(model):
        return _of_tree(model, [(s.prompt, s.target) for s in batch.sequences], batch.labels.device)
    return scored_logits(model, batch.input_ids, batch.scored)


def scored_logits(model: Any, input_ids: Tensor, scored: Tensor) -> Tensor:
    """Logits (N, V) at the positions that `scored` (B, T) marks; the output layer sees no other.

    What an architecture does to its logits afterwards, such as scaling, is done to these.
    """
    head = model.get_output_embeddings()
    handle = head.register_forward_pre_hook(lambda _, inputs: (inputs[0][scored],))
    try:
        return model(input_ids=input_ids, use_cache=False).logits
    finally:
        handle.remove()


@torch.no_grad()
def teacher_logits(teacher: Any, batch: Batch) -> Tensor:
    """(N, V) before the batch's own target tokens.

    The teacher reads its own prompt and the same target, so its positions are other ones.
    """
    rows, device = [(s.teacher_prompt, s.target) for s in batch.sequences], batch.labels.device
    if grows(teacher):
        return _of_tree(teacher, rows, device)
    # Padding is on the right, where a causal model never looks.
    shape = (len(rows), max(len(prompt) + len(target) for prompt, target in rows))
    ids, scored = torch.zeros(shape, dtype=torch.long), torch.zeros(shape, dtype=torch.bool)
    for i, (prompt, target) in enumerate(rows):
        end = len(prompt) + len(target)
        ids[i, :end] = torch.tensor(prompt + target)
        scored[i, len(prompt) - 1 : end - 1] = True
    return scored_logits(teacher, ids.to(device), scored.to(device))


def of_one_width(logits: Tensor, others: Tensor) -> tuple[Tensor, Tensor]:
    """Both cut to the smaller vocabulary (N, V): models of one tokenizer are padded to sizes of
    their own, as Qwen2's are, and what is past the tokenizer's is no token."""
    width = min(logits.shape[-1], others.shape[-1])
    return logits[:, :width], others[:, :width]


def _of_tree(
    model: Any, rows: Sequence[tuple[list[int], list[int]]], device: torch.device
) -> Tensor:
    # Nothing follows a last token, so nobody has to read it.
    tree = Tree.of([prompt + target[:-1] for prompt, target in rows], device)
    paths = zip(rows, tree.paths, strict=True)
    places = [place for (prompt, _), path in paths for place in path[len(prompt) - 1 :]]
    return tree_logits(model, tree, torch.tensor(places, device=device))
