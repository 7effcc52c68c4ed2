"""How many optimizer steps a method gets where the budget is what another method spends."""

from collections.abc import Sequence
from typing import Any

from bench.batch import Tokens
from bench.ground.bars import Bar
from bench.method import Method
from bench.track import ConfigError, Training
from bench.training.schedule import order
from bench.training.train import fitted
from bench.types import Example


def spent_by(
    method: Method, examples: Sequence[Example], tokenizer: Any, training: Training, *,
    seed: int, total: int,
) -> int:  # fmt: skip
    """What `total` steps of training would spend; nothing is trained."""
    spent = 0
    for step in Bar(range(total), what=f"counting what {method.label} spends"):
        for example in order(examples, step, training.batch_size, seed):
            sequences, _ = fitted(method, example, step / total, tokenizer, training.max_tokens)
            spent += spent_on(sequences or (), training)
    return spent


def spent_on(sequences: Sequence[Tokens], training: Training) -> int:
    """Of the budget, on one example: tokens, or with `match_plain` one if no sequence shows words
    of its knowledge. Passages are none of these: the test shows them, too."""
    if training.match_plain:
        return int(bool(sequences) and not any(each.n_shown for each in sequences))
    return sum(map(len, sequences))


def steps_for(label: str, budget: float, spent: float, total: int) -> int:
    """Steps that spend `budget` by a method that spends `spent` in `total` steps.

    ConfigError where either spends nothing of what is matched.
    """
    if not (budget and spent):
        whose = "its training" if budget else "the training that training.match names"
        raise ConfigError(
            f"{label}: nothing of {whose} counts towards the budget, which are rows that show no"
            " knowledge with match_plain, else tokens: leave the method out, or match another"
        )
    return max(1, round(total * budget / spent))
