"""Losses over a batch whose weights already carry the means of the whole optimizer step."""

import torch
from torch import Tensor
from torch.nn import functional


def token_loss(logits: Tensor, labels: Tensor) -> Tensor:
    """Cross-entropy per target token (N,) of logits (N, V); `labels` (N,) are the tokens."""
    return functional.cross_entropy(_exact(logits), labels, reduction="none")


def soft_token_loss(logits: Tensor, teacher_logits: Tensor, *, temperature: float) -> Tensor:
    """T^2 x KL(teacher || student) per target token (N,), both softened by T; logits are (N, V).

    T^2 keeps the size of the gradient (Hinton et al. 2015, section 2).
    """
    student, teacher = (
        functional.log_softmax(_exact(each) / temperature, dim=-1)
        for each in (logits, teacher_logits)
    )
    divergence = functional.kl_div(student, teacher, reduction="none", log_target=True).sum(-1)
    return divergence * temperature**2


def _exact(logits: Tensor) -> Tensor:
    """At least in fp32."""
    return logits if logits.dtype == torch.float64 else logits.float()


def weighted_sum(per_token: Tensor, weights: Tensor) -> Tensor:
    """Sum of (N,) losses by (N,) weights: a scalar."""
    return (per_token * weights.to(per_token.dtype)).sum()
