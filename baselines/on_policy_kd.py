"""On-policy distillation: the student writes, a larger teacher says how likely (GKD)."""

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
class OnPolicyKD(Method):
    """Generalised Jensen-Shannon divergence of a larger teacher's distribution and the student's.

    In a share `sampled` of the steps on what the student itself writes, in the others on the
    teacher's rationales. No hard targets: what it wrote is never right because it wrote it. 0.5
    and 0.5 are the defaults of TRL's GKD; sampled = 1 with beta = 1, reverse KL on nothing but the
    student's own texts, is what recipes for reasoning take.
    """

    source = "Agarwal et al., ICLR 2024, algorithm 1 and section 3"

    knob = ("beta", (0.1, 0.5, 1.0))

    sampled: float = 0.5
    beta: float = 0.5

    @property
    def needs(self) -> Needs:
        if max(self.sampled, self.beta) > 1:
            raise ValueError("sampled and beta are shares, from 0 to 1")
        return Needs(logits="larger")

    @property
    def on_policy(self) -> float:
        return self.sampled

    def pairs(self, example: Example, progress: float) -> Sequence[Pair]:
        return (Pair(reason(example.text), solution(example.rationale, example.answer)),)

    def prompt(self, question: Question) -> str:
        return reason(question.text)

    def loss(self, student_logits: "Tensor", batch: "Batch") -> "Tensor":
        from bench.losses import jsd_token_loss, weighted_sum

        assert batch.teacher_logits is not None, "the harness attaches what `needs` declares"
        diverging = jsd_token_loss(student_logits, batch.teacher_logits, beta=self.beta)
        return weighted_sum(diverging, batch.weights)
