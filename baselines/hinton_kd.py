"""Hinton KD: the token distributions of a larger teacher as soft targets (Hinton et al. 2015)."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from baselines._phrases import reason, solution
from bench.method import Method
from bench.types import Example, Needs, Pair, Question

if TYPE_CHECKING:
    from torch import Tensor

    from bench.batch import Batch


@dataclass(frozen=True)
class HintonKD(Method):
    """(1 - a) x cross-entropy + a x T^2 x KL(larger teacher || student), both at temperature T.

    On the rationale's tokens, so both must read the same tokenizer. T = 2 and a = 0.5.
    """

    source = "Hinton et al. 2015, section 2; at the level of tokens as in Kim and Rush 2016"

    knob = ("soft_weight", (0.1, 0.5, 0.9))

    soft_weight: float = 0.5
    temperature: float = 2.0

    def __post_init__(self) -> None:
        if not 0 <= self.soft_weight <= 1 or self.temperature <= 0:
            raise ValueError("hinton_kd: soft_weight lies in [0, 1], temperature is above 0")

    @property
    def needs(self) -> Needs:
        return Needs(logits="larger")

    def pairs(self, example: Example, progress: float) -> Sequence[Pair]:
        return (Pair(reason(example.text), solution(example.rationale, example.answer)),)

    def prompt(self, question: Question) -> str:
        return reason(question.text)

    def loss(self, student_logits: "Tensor", batch: "Batch") -> "Tensor":
        from bench.losses import soft_token_loss, token_loss, weighted_sum

        assert batch.teacher_logits is not None, "the harness attaches what `needs` declares"
        soft = soft_token_loss(student_logits, batch.teacher_logits, temperature=self.temperature)
        hard = token_loss(student_logits, batch.labels)
        mixed = (1 - self.soft_weight) * hard + self.soft_weight * soft
        return weighted_sum(mixed, batch.weights)
