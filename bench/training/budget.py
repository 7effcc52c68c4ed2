"""How many optimizer steps a method gets where the budget is another method's tokens."""

from collections.abc import Sequence
from typing import Any

from bench.ground.bars import Bar
from bench.method import Method
from bench.track import Training
from bench.training.schedule import order
from bench.training.train import fitted
from bench.types import Example


def tokens_of(
    method: Method, examples: Sequence[Example], tokenizer: Any, training: Training, *,
    seed: int, total: int,
) -> int:  # fmt: skip
    """Tokens that `total` steps of training would process; nothing is trained."""
    n_tokens = 0
    for step in Bar(range(total), what=f"counting tokens of {method.label}"):
        for example in order(examples, step, training.batch_size, seed):
            sequences, _ = fitted(method, example, step / total, tokenizer, training.max_tokens)
            n_tokens += sum(map(len, sequences or ()))
    return n_tokens


def steps_for(budget: float, spent: float, total: int) -> int:
    """Steps that spend `budget` tokens by a method that spends `spent` in `total` steps."""
    return max(1, round(total * budget / spent))
