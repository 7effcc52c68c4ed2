"""Losses over a batch whose weights already carry the means of the whole optimizer step."""

import torch
from torch import Tensor
from torch.nn import functional

IGNORED = -100
"""The label of a position that no target token follows."""


def token_loss(logits: Tensor, labels: Tensor) -> Tensor:
    """Cross-entropy per position (B, T) of logits (B, T, V); 0 where the label is ignored.

    `labels[b, t]` is the token that should follow position t: nothing is shifted here.
    """
    flat = functional.cross_entropy(
        logits.flatten(0, 1).float() if logits.dtype != torch.float64 else logits.flatten(0, 1),
        labels.flatten(),
        ignore_index=IGNORED,
        reduction="none",
    )
    return flat.view_as(labels)


def weighted_sum(per_token: Tensor, weights: Tensor) -> Tensor:
    """Sum of (B, T) losses by (B, T) weights: a scalar."""
    return (per_token * weights.to(per_token.dtype)).sum()
