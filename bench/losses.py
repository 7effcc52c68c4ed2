"""Losses over a batch whose weights already carry the means of the whole optimizer step."""

from math import log

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
    return _kl(teacher, student) * temperature**2


def jsd_token_loss(logits: Tensor, teacher_logits: Tensor, *, beta: float) -> Tensor:
    """Generalised Jensen-Shannon divergence per target token (N,); logits are (N, V).

    beta x KL(teacher || m) + (1 - beta) x KL(student || m), where m = beta x teacher + (1 - beta)
    x student; at beta = 0 and 1 what it tends to beside beta and 1 - beta, KL(teacher || student)
    and KL(student || teacher). Agarwal et al. 2024, section 2.
    """
    student, teacher = (
        functional.log_softmax(_exact(each), dim=-1) for each in (logits, teacher_logits)
    )
    if beta in (0, 1):
        first, second = (teacher, student) if beta == 0 else (student, teacher)
        return _kl(first, second)
    parts = [teacher + log(beta), student + log(1 - beta)]
    mixture = torch.logsumexp(torch.stack(parts), dim=0)
    return beta * _kl(teacher, mixture) + (1 - beta) * _kl(student, mixture)


def _kl(p: Tensor, q: Tensor) -> Tensor:
    """KL(p || q) per row, both as logarithms (N, V)."""
    return functional.kl_div(q, p, reduction="none", log_target=True).sum(-1)


def _exact(logits: Tensor) -> Tensor:
    """At least in fp32."""
    return logits if logits.dtype == torch.float64 else logits.float()


def weighted_sum(per_token: Tensor, weights: Tensor) -> Tensor:
    """Sum of (N,) losses by (N,) weights: a scalar."""
    return (per_token * weights.to(per_token.dtype)).sum()
