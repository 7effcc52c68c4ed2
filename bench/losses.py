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


def soft_token_loss(
    logits: Tensor, teacher_logits: Tensor, labels: Tensor, *, temperature: float
) -> Tensor:
    """T^2 x KL(teacher || student) per position (B, T), both softened by T; 0 where ignored.

    Logits are (B, T, V). T^2 keeps the size of the gradient (Hinton et al. 2015, section 2).
    """
    student = functional.log_softmax(logits.float() / temperature, dim=-1)
    teacher = functional.log_softmax(teacher_logits.float() / temperature, dim=-1)
    divergence = functional.kl_div(student, teacher, reduction="none", log_target=True).sum(-1)
    return divergence.masked_fill(labels == IGNORED, 0.0) * temperature**2


def weighted_sum(per_token: Tensor, weights: Tensor) -> Tensor:
    """Sum of (B, T) losses by (B, T) weights: a scalar."""
    return (per_token * weights.to(per_token.dtype)).sum()
