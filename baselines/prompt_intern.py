"""PromptIntern: a task's template and its fixed examples, withdrawn (Zou et al., EMNLP 2024)."""

from collections.abc import Sequence
from dataclasses import dataclass

from baselines._phrases import guided, reason, shots, solution
from bench import curriculum
from bench.method import Method
from bench.types import Example, Needs, Pair, Question


@dataclass(frozen=True)
class PromptIntern(Method):
    """SKIntern's ancestor: what is internalized is the same for all questions of a task.

    The template is the task's learning summary, the examples are the same few for the task; both
    fall linearly to nothing over `steps`, each with a fresh optimizer and schedule. Its own
    settings (three ratios, examples retrieved per item, jobs of their own) are for code models.
    """

    source = "Zou et al., EMNLP 2024 Findings, section 3"

    steps: int = 4
    examples: int = 3

    def __post_init__(self) -> None:
        """Refuse a schedule that cannot fall from one to zero."""
        if self.steps < 2:
            raise ValueError(f"prompt_intern.steps must be at least 2, got {self.steps}")

    @property
    def needs(self) -> Needs:
        return Needs(train_knowledge=True, train_demos=self.examples, demo_choice="task")

    @property
    def restart_points(self) -> tuple[float, ...]:
        return curriculum.boundaries(self.steps)

    def pairs(self, example: Example, progress: float) -> Sequence[Pair]:
        assert example.knowledge is not None, "the harness attaches what `needs` declares"
        step = curriculum.stage(progress, self.steps)
        ratio = curriculum.keep_ratio("linear", step, self.steps)
        template = curriculum.part(example.knowledge, True, False)
        text = curriculum.compress(template, ratio, "importance", example.seed)
        n_examples = curriculum.n_kept(self.examples, "linear", step, self.steps)
        prompt = reason(example.text, guided(text) + shots(example.demos[:n_examples]))
        target = solution(example.rationale, example.answer)
        return (Pair(prompt, target, n_shown=len(text.split())),)

    def prompt(self, question: Question) -> str:
        return reason(question.text)
