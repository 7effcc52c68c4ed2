"""SKIntern: symbolic knowledge and examples, withdrawn step by step (Liao et al., COLING 2025)."""

from collections.abc import Sequence
from dataclasses import dataclass

from baselines._phrases import reason, shots, solution
from bench import curriculum
from bench.method import Method
from bench.types import Example, Needs, Pair, Question

INVITATION = "\n\nAn expert teacher left this summary and knowledge to guide you:\n"


@dataclass(frozen=True)
class SKIntern(Method):
    """Internalize knowledge k and examples e over `steps` of linear decay S_t = 1 .. 0.

    At step t the words of k are compressed to the share S_t by importance, and floor(K * S_t) of
    the K most similar training items are drawn as examples (section 3.2). The last step, like the
    test, shows the question alone. Each step starts its optimizer and schedule afresh, as the
    released code does by running once per step; `continuous` is the paper's text taken literally.
    """

    source = "SKIntern, sections 3.2, 3.3 and 4.3; K = 6 from the released code"

    steps: int = 4
    examples: int = 6
    continuous: bool = False

    def __post_init__(self) -> None:
        """Refuse a schedule that cannot fall from one to zero."""
        if self.steps < 2:
            raise ValueError(f"skintern.steps must be at least 2, got {self.steps}")

    @property
    def needs(self) -> Needs:
        return Needs(train_knowledge=True, train_demos=self.examples)

    @property
    def restart_points(self) -> tuple[float, ...]:
        return () if self.continuous else curriculum.boundaries(self.steps)

    def pairs(self, example: Example, progress: float) -> Sequence[Pair]:
        step = curriculum.stage(progress, self.steps)
        assert example.knowledge is not None, "the harness attaches what `needs` declares"
        knowledge = curriculum.compress(example.knowledge, curriculum.linear(step, self.steps))
        n_examples = curriculum.n_kept(self.examples, step, self.steps)
        context = (f"{INVITATION} {knowledge}" if knowledge else "") + shots(
            curriculum.draw(example.demos, n_examples, example.seed, step, of=self.examples)
        )
        prompt = reason(example.text, context)
        return (Pair(prompt, solution(example.rationale, example.answer)),)

    def prompt(self, question: Question) -> str:
        return reason(question.text)
