"""The training stage of a cell: what it is trained on, for how long, and with which teacher."""

import json
import sys
from collections.abc import Sequence
from copy import deepcopy
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import torch

from bench.corpora import attach
from bench.corpora.kept import kept
from bench.corpora.scorers import scorer
from bench.costs import latency
from bench.costs.flops import fit_flops
from bench.ground import bars
from bench.ground.files import locked, write_atomically
from bench.ground.places import home
from bench.ground.quiet import quiet_libraries
from bench.ground.sums import intact
from bench.run import critic
from bench.run.cell import TRAINED, Cell
from bench.run.jobs import ChangedError
from bench.students import student as students
from bench.students.student import Student
from bench.track import ConfigError
from bench.training import budget, checkpoint, parallel
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
    report = out / TRAINED
    kept = [out / "weights", *(out / f"weights-{point:g}" for point in snapshots)]
    if report.is_file() and not (_is_whole(report) and all(map(intact, kept))):
        print(f"{out}: damaged since it was trained: trained again", file=sys.stderr, flush=True)
        report.unlink()
    if not report.is_file():
        parallel.check(cell.n_processes)
        teaching_flops = _taught(cell, student)
        judge = judge_of(cell)
        examples = attached(cell, student, judge)
        work = (examples, total_steps(cell, student, examples), out, snapshots)
        one = cell.n_processes == 1
        spent = _trained(cell, student, *work) if one else _shared(cell, student, *work)
        spent = replace(
            spent,
            teacher_flops=spent.teacher_flops + teaching_flops,
            judging_flops=judge.spent.total() if judge else 0,
            triples=_triples(cell, examples),
        )
        write_atomically(report, json.dumps(spent.plain()).encode())
        checkpoint.drop(out)
    return reported(out)


def _trained(
    cell: Cell,
    student: Student,
    examples: Sequence[Example],
    total: int,
    out: Path,
    snapshots: Sequence[float],
) -> Spent:
    """What the training itself spent, by this process or by one of those that share it."""
    teacher = _teacher(cell, student)
    # What was made before, a critic say, is of whichever row came first.
    latency.reset_peak_memory(student.device)
    progress = train(
        cell.method,
        examples,
        student,
        cell.training,
        cell.track.decoding,
        seed=cell.seed,
        out=out,
        total=total,
        teacher=teacher,
        snapshots=snapshots,
    )
    read = list(progress.teacher_lengths.elements())
    return Spent(
        **vars(progress),
        n_examples=len(examples),
        # Forward alone.
        teacher_flops=0 if teacher is None else fit_flops(teacher).training_flops(read) // 3,
        student_revision=student.revision,
        peak_memory_bytes=latency.peak_memory_bytes(student.device),
        n_processes=cell.n_processes,
    )


def _shared(cell: Cell, student: Student, *work: Any) -> Spent:
    """The same by several processes; each loads a student of its own."""
    student.model.to("cpu")  # the first of them has this one's device
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
    with bars.handed_over() as name:
        title = name or cell.title
        return parallel.together(cell.n_processes, _part, title, cell.train_key, cell, *work)


def _part(title: str, key: str, cell: Cell, *work: Any) -> Spent:
    """What one of the processes does. ChangedError if it is another training than was asked for."""
    quiet_libraries()
    # A copy has not read its key yet.
    if replace(cell).train_key != key:
        raise ChangedError(
            "sources or inputs were edited since the command began, so its processes do not train"
            " the same student: run it from a clone that nobody edits"
        )
    with bars.about(title):
        return _trained(cell, fresh(cell), *work)


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
    path = folder / TRAINED
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
    """Optimizer steps of the cell: its epochs, or those that spend what the matched method does."""
    training = cell.training
    total = n_steps(len(examples), training)
    if cell.matched is not None:
        same = replace(cell, method=cell.matched)
        other = attached(same, student, judge_of(same))
        # Methods that accept other rows of the corpus have other epochs.
        own, matched = (
            budget.spent_by(method, rows, student.tokenizer, training, seed=cell.seed, total=steps)
            for method, rows, steps in (
                (cell.method, examples, total),
                (cell.matched, other, n_steps(len(other), training)),
            )
        )
        total = budget.steps_for(cell.method.label, matched, own, total)
    limit = cell.scope.limit
    return total if limit is None else min(limit, total)


def _taught(cell: Cell, student: Student) -> int:
    """Have the larger teacher of logits trained, where one is needed; the FLOPs of that."""
    own = cell.teacher
    if own is None:
        return 0
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
    return flops.training_flops(list(lengths.elements()))


def _teacher(cell: Cell, student: Student) -> Any:
    """The model that gives logits, which is trained; None where none is needed."""
    needed = cell.method.needs.logits
    if needed == "none":
        return None
    if needed == "frozen":
        return deepcopy(student.model).eval()
    own = cell.teacher
    assert own is not None, "the plan refuses a method whose teacher the track does not have"
    return students.restore(fresh(own), own.folder / "weights").model.eval()


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
