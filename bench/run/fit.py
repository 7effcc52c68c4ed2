"""The training stage of a cell: what it is trained on, for how long, and with which teacher."""

import json
import sys
from collections.abc import Sequence
from copy import deepcopy
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from bench.corpora import attach
from bench.corpora.kept import kept
from bench.corpora.scorers import scorer
from bench.costs import latency
from bench.costs.flops import fit_flops
from bench.ground import bars
from bench.ground.files import locked, write_atomically
from bench.ground.places import home
from bench.ground.sums import intact
from bench.run import critic
from bench.run.cell import Cell
from bench.students import student as students
from bench.students.student import Student
from bench.track import ConfigError
from bench.training import budget
from bench.training.progress import Spent
from bench.training.schedule import n_steps
from bench.training.train import train
from bench.types import Example
from leaderboard.store.reading import MisreadError, parsed


def fit(
    cell: Cell, student: Student, out: Path | None = None, snapshots: Sequence[float] = ()
) -> Spent:
    """Train `student` unless its weights are there; what it spent.

    They go to `out`, by default the cell's folder, with those at the progress of `snapshots`.
    """
    out = out or cell.folder
    report = out / "trained.json"
    kept = [out / "weights", *(out / f"weights-{point:g}" for point in snapshots)]
    if report.is_file() and not (_is_whole(report) and all(map(intact, kept))):
        print(f"{out}: damaged since it was trained: trained again", file=sys.stderr, flush=True)
        report.unlink()
    if not report.is_file():
        teacher, teacher_flops = _teacher(cell, student)
        judge = judge_of(cell)
        examples = attached(cell, student, judge)
        progress = train(
            cell.method,
            examples,
            student,
            cell.training,
            seed=cell.seed,
            out=out,
            total=total_steps(cell, student, examples),
            teacher=teacher,
            snapshots=snapshots,
            overflow=cell.track.decoding.overflow,
            max_new_tokens=cell.track.decoding.max_new_tokens,
        )
        if teacher is not None:
            read = list(progress.teacher_lengths.elements())
            teacher_flops += fit_flops(teacher).training_flops(read) // 3  # forward alone
        spent = Spent(
            **vars(progress),
            n_examples=len(examples),
            teacher_flops=teacher_flops,
            judging_flops=judge.spent.total() if judge else 0,
            student_revision=student.revision,
            peak_memory_bytes=latency.peak_memory_bytes(student.device),
            triples=_triples(cell, examples),
        )
        write_atomically(report, json.dumps(spent.plain()).encode())
    return reported(out)


def _is_whole(report: Path) -> bool:
    try:
        reported(report.parent)
    except ConfigError:
        return False
    return True


def _triples(cell: Cell, examples: Sequence[Example]) -> dict[str, float | None] | None:
    """What of the corpus the cell is trained on, where that is of triples."""
    chosen = {example.id for example in examples}
    rows = [row for row in cell.corpus.rows if row["id"] in chosen]
    return kept(rows) if cell.method.needs.phrase else None


def reported(folder: Path) -> Spent:
    """What the training in that folder spent, as `fit` noted it; ConfigError if it is damaged."""
    path = folder / "trained.json"
    try:
        return parsed(Spent, path.read_bytes())
    except (OSError, MisreadError) as error:
        raise ConfigError(f"{path}: damaged; delete {folder} and train again") from error


def attached(cell: Cell, student: Student, judge: critic.Referee | None) -> list[Example]:
    """The cell's training examples; `judge` is its method's."""
    identity = cell.student_sha256 or student.revision
    score = scorer(cell.track.importance, student, home(), identity)
    with bars.about("preparing the examples"):
        made = attach.examples(cell.corpus, cell.method.needs, cell.seed, score, judge)
        accepted = [example for example in made if cell.method.accepts(example)]
    if not accepted:
        raise ConfigError(f"{cell.method.label} accepts no row of corpus '{cell.track.corpus}'")
    return accepted


def total_steps(cell: Cell, student: Student, examples: list[Example]) -> int:
    """Optimizer steps of the cell: its epochs, or those that spend the matched method's tokens."""
    training = cell.training
    total = n_steps(len(examples), training, None)
    if cell.matched is not None:
        same = replace(cell, method=cell.matched)
        other = attached(same, student, judge_of(same))
        # Methods that accept other rows of the corpus have other epochs.
        tokens, matched = (
            budget.tokens_of(method, rows, student.tokenizer, training, seed=cell.seed, total=steps)
            for method, rows, steps in (
                (cell.method, examples, total),
                (cell.matched, other, n_steps(len(other), training, None)),
            )
        )
        total = budget.steps_for(matched, tokens, total)
    limit = cell.scope.limit
    return total if limit is None else min(limit, total)


def _teacher(cell: Cell, student: Student) -> tuple[Any, int]:
    """The model that gives logits, and the FLOPs of making it; (None, 0) where none is needed."""
    needed = cell.method.needs.logits
    if needed == "none":
        return None, 0
    if needed == "frozen":
        return deepcopy(student.model).eval(), 0
    own = cell.teacher
    assert own is not None, "the plan refuses a method whose teacher the track does not have"

    with bars.stage("loading the teacher"):
        larger = fresh(own)
    if larger.tokenizer.get_vocab() != student.tokenizer.get_vocab():
        raise ConfigError(
            f"logit_teacher {own.track.student.path}: its tokenizer is not the student's, so their"
            " logits cannot be compared"
        )
    flops = fit_flops(larger.model)
    with locked(own.folder), bars.about("the teacher"):
        lengths = fit(own, larger).lengths
    cost = flops.training_flops(list(lengths.elements()))
    return students.restore(fresh(own), own.folder / "weights").model.eval(), cost


def judge_of(cell: Cell, *, wait: bool = True) -> critic.Referee | None:
    """What judges for the cell's method, made first if it has to be; None where it needs nobody.

    BusyError if another process makes it, unless to `wait`.
    """
    return critic.of(cell, partial(critics_reader, cell), wait=wait)


def critics_reader(cell: Cell) -> tuple[Student, int]:
    """The language model that the cell's critic begins with, trained first if it has to be, and
    the FLOPs of that training."""
    own = cell.reader
    if own is None:
        return fresh(cell), 0
    student = fresh(own)
    flops = fit_flops(student.model)
    with locked(own.folder), bars.about("its language model"):
        lengths = fit(own, student).lengths
    trained = students.restore(fresh(own), own.folder / "weights")
    return trained, flops.training_flops(list(lengths.elements()))


def fresh(cell: Cell) -> Student:
    """The cell's student before any training."""
    return students.load(cell.track.student, texts=cell.corpus.texts, home=home(), seed=cell.seed)
