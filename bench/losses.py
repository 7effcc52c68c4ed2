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
    scored = labels != IGNORED
    loss = functional.cross_entropy(_exact(logits[scored]), labels[scored], reduction="none")
    return _at(scored, loss)


def soft_token_loss(
    logits: Tensor, teacher_logits: Tensor, labels: Tensor, *, temperature: float
) -> Tensor:
    """T^2 x KL(teacher || student) per position (B, T), both softened by T; 0 where ignored.

    Logits are (B, T, V). T^2 keeps the size of the gradient (Hinton et al. 2015, section 2).
    """
    scored = labels != IGNORED
    student, teacher = (
        functional.log_softmax(_exact(each[scored]) / temperature, dim=-1)
        for each in (logits, teacher_logits)
    )
    divergence = functional.kl_div(student, teacher, reduction="none", log_target=True).sum(-1)
    return _at(scored, divergence * temperature**2)


def _exact(logits: Tensor) -> Tensor:
    """At least in fp32: only the scored ones, since a prompt's many are large and count nothing."""
    return logits if logits.dtype == torch.float64 else logits.float()


def _at(scored: Tensor, loss: Tensor) -> Tensor:
    """(B, T): `loss` (N,) where `scored` (B, T), else 0."""
    return torch.zeros(scored.shape, dtype=loss.dtype, device=loss.device).masked_scatter(
        scored, loss
    )


def weighted_sum(per_token: Tensor, weights: Tensor) -> Tensor:
    """Sum of (B, T) losses by (B, T) weights: a scalar."""
    return (per_token * weights.to(per_token.dtype)).sum()
