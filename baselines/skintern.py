"""SKIntern: symbolic knowledge and examples, withdrawn step by step (Liao et al., COLING 2025)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from baselines._phrases import FORMAT, INVITATION, guided, reason, shots, solution
from bench import curriculum
from bench.method import Method
from bench.types import Example, Needs, Pair, Question


@dataclass(frozen=True)
class SKIntern(Method):
    """Internalize knowledge k and examples e over `steps` of a schedule S_t that falls from 1 to 0.

    At step t the words of k are compressed to the share S_t, and floor(K * S_t) of the pool's K
    training items, similar by BM25 (in the paper by cosine), are drawn as examples (3.2). The last
    step, like the test, shows the question alone. Each step starts its optimizer and schedule
    afresh, as the released code does; with `moments` kept the schedule alone; `continuous`,
    neither, follows the paper. `as_released` invites to knowledge that is gone as well.
    """

    source = "SKIntern, sections 3.2, 3.3, 4.3 and 4.6; K = 6 from the released code"

    steps: int = 4
    schedule: curriculum.Schedule = "linear"
    examples: int = 6
    pool: Literal["similar", "random"] = "similar"
    compression: curriculum.Rule = "importance"
    summary: bool = True
    supplementary: bool = True
    continuous: bool = False
    moments: Literal["fresh", "kept"] = "fresh"
    as_released: bool = False
    decoy: bool = False
    knowledge_loss: float = 0.0  # an addition of ours

    def __post_init__(self) -> None:
        if self.steps < 2:  # it cannot fall from one to zero
            raise ValueError(f"skintern.steps must be at least 2, got {self.steps}")

    @property
    def needs(self) -> Needs:
        drawn = Needs(train_demos=self.examples, demo_choice=self.pool)
        return replace(drawn, train_knowledge=True, decoy=self.decoy)

    @property
    def skewed(self) -> bool:
        return self.as_released

    @property
    def restart_points(self) -> tuple[float, ...]:
        return () if self.continuous else curriculum.boundaries(self.steps)

    @property
    def keeps_moments(self) -> bool:
        return self.moments == "kept"

    @property
    def objectives(self) -> Mapping[str, float]:
        return {"solution": 1.0, **({"knowledge": w} if (w := self.knowledge_loss) else {})}

    def pairs(self, example: Example, progress: float) -> Sequence[Pair]:
        assert example.knowledge is not None, "the harness attaches what `needs` declares"
        step = curriculum.stage(progress, self.steps)
        ratio = curriculum.keep_ratio(self.schedule, step, self.steps)
        known = curriculum.part(example.knowledge, self.summary, self.supplementary)
        text = curriculum.compress(known, ratio, self.compression, example.seed)
        n_examples = curriculum.n_kept(self.examples, self.schedule, step, self.steps)
        demos = curriculum.draw(example.demos, n_examples, example.seed, step, of=self.examples)
        invited = guided(text) or (INVITATION if self.as_released else "")
        prompt = reason(example.text, invited + shots(demos))
        target = solution(example.rationale, example.answer)
        pair = Pair(prompt, target, n_shown=len(text.split()))
        also = Pair(f"{FORMAT}{INVITATION}", f" {text}", "knowledge")
        return (pair, also) if self.knowledge_loss and text else (pair,)

    def prompt(self, question: Question) -> str:
        return reason(question.text)
