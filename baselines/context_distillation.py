"""Context distillation: learn to write without knowledge what one writes with it (Snell 2022)."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from baselines._phrases import guided, reason, solution
from bench.method import Method
from bench.types import Example, Needs, Pair, Question

if TYPE_CHECKING:
    from torch import Tensor

    from bench.batch import Batch


@dataclass(frozen=True)
class ContextDistillation(Method):
    """KL(student as it came, reading the knowledge || student that sees the question alone).

    Both continue the teacher's rationale, token by token; no hard targets.
    """

    source = "control; Askell et al. 2021, section 2.2; Snell et al. 2022, section 3"

    @property
    def needs(self) -> Needs:
        return Needs(train_knowledge=True, logits="frozen")

    def pairs(self, example: Example, progress: float) -> Sequence[Pair]:
        assert example.knowledge is not None, "the harness attaches what `needs` declares"
        shown = reason(example.text, guided(example.knowledge.text))
        target = solution(example.rationale, example.answer)
        return (Pair(reason(example.text), target, teacher_prompt=shown),)

    def prompt(self, question: Question) -> str:
        return reason(question.text)

    def loss(self, student_logits: "Tensor", batch: "Batch") -> "Tensor":
        from bench.losses import soft_token_loss, weighted_sum

        assert batch.teacher_logits is not None, "the harness attaches what `needs` declares"
        soft = soft_token_loss(student_logits, batch.teacher_logits, temperature=1.0)
        return weighted_sum(soft, batch.weights)
