"""What a row costs in all: what is spent once, and then on every question.

    FLOPs(N) = teacher + helpers + training + N x per question

All are counts of FLOPs, means over seeds. What a student writes differs from run to run, so where
two rows are not told apart by what a question costs, no number of questions is. `teacher` is what a
teacher of logits spent; what it cost to write rationales and knowledge is not known, so its tokens
stand beside the sum and not in it.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from leaderboard.compare.apart import Apart
from leaderboard.rows.row import Row
from leaderboard.stats.formats import NONE, significant, tabulated


@dataclass(frozen=True, slots=True)
class Total:
    """What a number of questions costs, with all that came before them; FLOPs."""

    n_questions: int
    flops: int


@dataclass(frozen=True, slots=True)
class Cheaper:
    """Whole numbers of questions for which a row's total is below another's."""

    first: int | None
    """None where it never is."""
    last: int | None
    """None where there is no end to them."""
    is_told: bool = True
    """Whether the rows are told apart by what a question costs; else the means alone say so."""


@dataclass(frozen=True, slots=True)
class Amortised:
    """The costs of one row; FLOPs."""

    method: str
    teacher_flops: int
    helper_flops: int
    train_flops: int
    """Of `n_trainings`; those of full fine-tuning, 3 x forward."""
    n_trainings: int
    """1, and where tuning is counted the learning rates that were tried."""
    question_flops: int
    totals: Sequence[Total]
    cheaper: Cheaper | None
    """Than the row held against; None for that itself, or where it is not comparable."""
    teacher_tokens: int
    """Written by the teacher; in no sum."""

    @property
    def fixed_flops(self) -> int:
        """Spent before the first question."""
        return self.teacher_flops + self.helper_flops + self.train_flops


def amortised(
    rows: Sequence[Row],
    n_questions: Sequence[int],
    against: str,
    apart: Apart,
    *,
    tuning: bool = False,
) -> list[Amortised]:
    """The rows in their order, but those of prompts that did not fit or without a student, whose
    questions cost something else; each `against` the row of that label."""
    told = [_costs(row, n_questions, tuning) for row in rows if row.is_comparable]
    base = next((each for each in told if against == each.method), None)
    return [_beside(each, base, apart) for each in told]


def cheaper(fixed: int, question: int) -> Cheaper:
    """Where fixed + N x question < 0, of a row's costs less the other's."""
    if question == 0:
        return Cheaper(0 if fixed < 0 else None, None)
    if question < 0:
        return Cheaper(max(0, fixed // -question + 1), None)
    return Cheaper(0, (-fixed - 1) // question) if fixed < 0 else Cheaper(None, None)


def than(one: Amortised, other: Amortised, apart: Apart) -> Cheaper:
    """Where the total of `one` is below that of `other`."""
    fixed, question = (
        getattr(one, cost) - getattr(other, cost) for cost in ("fixed_flops", "question_flops")
    )
    is_told = question == 0 or frozenset((one.method, other.method)) in apart
    return replace(cheaper(fixed, question), is_told=is_told)


def amortised_json(found: Sequence[Amortised]) -> list[dict[str, Any]]:
    """The costs as plain data."""
    return [{**asdict(each), "fixed_flops": each.fixed_flops} for each in found]


def amortised_text(found: Sequence[Amortised], against: str) -> str:
    """A line per row, and what it means."""
    asked = [f"total at {each.n_questions:,}" for each in found[0].totals]
    headers = ["method", "teacher", "helpers", "training", "per question", *asked]
    body = [
        [
            each.method,
            *map(significant, (each.teacher_flops, each.helper_flops, each.train_flops)),
            significant(each.question_flops),
            *(significant(total.flops) for total in each.totals),
            _when(each.cheaper),
            f"{each.teacher_tokens:,}",
        ]
        for each in found
    ]
    table = tabulated([*headers, f"cheaper than {against}", "teacher tok"], body, "text")
    trials = max(each.n_trainings for each in found) > 1
    legend = (
        "FLOPs, means over seeds: what is spent once (a teacher of logits, helpers, training as"
        " full fine-tuning), per solved question, and both together for so many questions; cheaper:"
        f" the numbers of questions for which the total is below that of {against}; not told: the"
        " runs do not tell which of the two spends less on a question (items paired, seeds pooled,"
        " p of the pair alone). It says nothing of accuracy (`board"
        " frontier`), and what the teacher's writing cost is not known: its tokens (teacher tok)"
        " are in no sum."
    )
    if trials:
        legend += (
            " Training counts once for the row and once for each learning rate that was tried;"
            " other values of a knob, and evaluating the trials, are not counted."
        )
    return f"{table}\n\n{legend}"


def _costs(row: Row, n_questions: Sequence[int], tuning: bool) -> Amortised:
    n_trainings = 1 + (row.tuning_trials if tuning else 0)
    found = Amortised(
        method=row.method,
        teacher_flops=row.teacher_flops,
        helper_flops=row.train_helper_flops,
        train_flops=n_trainings * row.train_flops,
        n_trainings=n_trainings,
        question_flops=row.total_flops,
        totals=(),
        cheaper=None,
        teacher_tokens=row.teacher_tokens,
    )
    totals = [Total(n, found.fixed_flops + n * row.total_flops) for n in n_questions]
    return replace(found, totals=totals)


def _beside(each: Amortised, base: Amortised | None, apart: Apart) -> Amortised:
    if base is None or each.method == base.method:
        return each
    return replace(each, cheaper=than(each, base, apart))


def _when(found: Cheaper | None) -> str:
    if found is None:
        return NONE
    if not found.is_told:
        return "not told"
    if found.first is None:
        return "never"
    if found.last is not None:
        return f"up to {found.last:,}"
    return f"from {found.first:,}" if found.first else "always"
