"""What one reading of an encoder costs, or of a language model without its output layer."""

from dataclasses import dataclass
from typing import Any

from torch import Tensor, nn

from bench.costs.flops import FAR_ON_CPU, FIT_LENGTHS, FLOPS_PER_MAC, counted_macs, polynomial


@dataclass(frozen=True, slots=True)
class EncoderFlops:
    """Cost of one pass that gives states of tokens alone; MACs."""

    constant: int
    per_token: int
    per_pair: int
    width: int
    """Of a token's state."""

    def flops(self, n_tokens: int) -> int:
        """Of one text, without padding."""
        macs = self.constant + self.per_token * n_tokens + self.per_pair * n_tokens * n_tokens
        return FLOPS_PER_MAC * macs

    def interaction_flops(self, n_query: int, n_text: int) -> int:
        """Of the products of each state of a query with each of a text."""
        return FLOPS_PER_MAC * self.width * n_query * n_text


def fit_encoder_flops(model: Any) -> EncoderFlops:
    """Trace the model itself at a few lengths, and verify at a far one: FlopError, as `fit_flops`.

    An encoder is small enough to run, and no copy made of its config would have the same parts.
    """
    far = max(min(model.config.max_position_embeddings - 2, FAR_ON_CPU), FIT_LENGTHS[-1] + 1)
    was_training = model.training
    traced = _States(model.eval())
    macs = {n: counted_macs(traced, n)[0] for n in (*FIT_LENGTHS, far)}
    model.train(was_training)
    return EncoderFlops(*polynomial(macs, 2, "encoding"), width=model.config.hidden_size)


class _States(nn.Module):
    """All that the model gives, a pooled state that nobody reads too."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model

    def forward(self, input_ids: Tensor) -> tuple[Tensor, ...]:
        return tuple(v for v in self.model(input_ids).values() if isinstance(v, Tensor))
