"""Compose the stages of a cell - train, evaluate, measure, record - skipping what is done."""

import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from bench.corpora import attach
from bench.ground import bars
from bench.ground.files import BusyError, locked
from bench.ground.places import home
from bench.run.cell import Cell
from bench.track import ConfigError
from bench.training.progress import Spent
from bench.types import Question
from leaderboard.store import generations
from leaderboard.store.generations import Generations
from leaderboard.store.record import Record

Solutions = Sequence[tuple[str, str]]
"""Data set and solution of each question, in the order of the record's items."""


def run_cells(
    cells: Sequence[Cell], made_one: Callable[[Cell, Record], None] | None = None
) -> list[Record]:
    """Do what is not done yet; the records, in order.

    Cells that another process is at come last, so processes with one home share the work.
    `made_one` is told each cell with its record as soon as there is one.
    """
    made = dict[int, Record]()
    for wait in (False, True):
        for number, cell in enumerate(cells, 1):
            if number in made:
                continue
            name = f"[{number}/{len(cells)}] {cell.title}"
            try:
                made[number] = _run_cell(cell, name, wait=wait)
            except BusyError:
                print(f"{name}: another process is at it", file=sys.stderr, flush=True)
                continue
            if made_one is not None:
                made_one(cell, made[number])
    return [made[number] for number in sorted(made)]


def _run_cell(cell: Cell, name: str, *, wait: bool) -> Record:
    """The cell's record, found or made; BusyError if another process is at it, unless to `wait`."""
    # Several scopes judge the same trained student, so its folder has a lock of its own.
    with (
        bars.about(name),
        locked(cell.record_path, wait=wait),
        locked(cell.folder, wait=wait),
    ):
        record = cell.found(tell=True)
        print(f"{name}: {'found' if record else 'running'}", file=sys.stderr, flush=True)
        if record is None:
            record, solutions = _make_record(cell, wait=wait)
            keep(record, solutions, cell.record_path)
        return record


def keep(record: Record, solutions: Solutions, path: Path) -> None:
    """Write a local record and what its student answered, in the place of an older run's."""
    # The record last: where it is, the run is done.
    for each in (path, generations.place(path)):
        each.unlink(missing_ok=True)
    Generations.of(record, solutions).save(generations.place(path))
    record.save(path)


def _make_record(cell: Cell, *, wait: bool) -> tuple[Record, Solutions]:
    from bench.costs.flops import fit_flops
    from bench.ground.quiet import quiet_libraries
    from bench.run import fit
    from bench.students import student as students

    quiet_libraries()
    if students.device_type() != students.device().type:
        raise ConfigError(
            f"${students.DEVICE} says {students.device_type()}, and the device here is"
            f" {students.device().type}: leave it out, or run where there is one"
        )
    # What can fail for want of data, or for an architecture that cannot be counted, fails now.
    with bars.stage("loading questions and student"):
        loaded = items(cell)
        student = fit.fresh(cell)
        flops = fit_flops(student.model)
    fit.judge_of(cell, wait=wait)  # made by one, while others are at rows that need none
    spent = Spent(n_examples=0)
    if cell.method.trains:
        spent = fit.fit(cell, student)
        with bars.stage("loading the trained student"):
            fresh = fit.fresh(cell)
            _check_base(cell, fresh.revision, spent.student_revision)
            student = students.restore(fresh, cell.folder / "weights")
    samples = cell.folder / f"samples-{cell.key[:12]}.jsonl"
    return judged(cell, student, loaded, flops, spent, samples)


def _check_base(cell: Cell, here: str | None, trained: str | None) -> None:
    """A run that was cut off between training and evaluation must not go on with another base."""
    if trained is not None and here != trained:
        raise ConfigError(
            f"student '{cell.track.student.path}' is at revision {here} now, the run was trained on"
            f" {trained}: set student.revision, or delete {cell.folder}"
        )


def items(cell: Cell) -> Any:
    """The cell's tasks with their items."""
    from bench.run.evaluate import load_tasks

    scope = cell.scope
    metadata: dict[str, Any] = {"world": scope.world, "split": scope.split, "sealed": scope.sealed}
    data = cell.data_dir and str(cell.data_dir)
    return load_tasks(cell.track, metadata | {"data_dir": data})


def judged(
    cell: Cell, student: Any, loaded: Any, flops: Any, spent: Spent, samples: Path
) -> tuple[Record, Solutions]:
    """The record of a student that stands ready, and its solutions; `samples` gets all of both."""
    from bench.costs import latency
    from bench.run import acceptance, fit, loglikelihood, measure, ranking, reranker
    from bench.run.evaluate import evaluate, save_samples

    judge, order = fit.judge_of(cell), reranker.of(cell, partial(fit.fresh, cell))
    nearest = order and order.nearest
    ask = attach.asker(cell.corpus, cell.method.needs, cell.seed, judge, nearest)
    latency.reset_peak_memory(student.device)
    done = evaluate(cell.method, student, cell.track, loaded, ask, limit=cell.scope.limit)
    if cell.method.runs_student:
        done = replace(done, samples=ranking.ranked(cell.method, student, done.samples))
    found, told = acceptance.accepted(cell, done.samples)
    done = replace(done, samples=found)
    save_samples(done.samples, samples)
    solutions = [(each.data_set, each.solved.solution) for each in done.samples]

    def helper_flops(question: Question) -> int:
        of_drafts = judge.spent[question.text, question.phrase] if judge else 0
        return of_drafts + (order.spent[question.text] if order else 0)

    made = measure.record(cell, student, done, ask, flops, spent, helper_flops)
    if told is not None:
        made = replace(made, snapshot={**made.snapshot, "acceptance": told})
    if cell.method.trains or not cell.method.runs_student:
        return made, solutions
    # Last, when memory and time are measured: nothing of this is a cost of the row.
    ranked = loglikelihood.columns(student, done.samples, home())
    data_sets = {
        name: replace(each, **ranked.get(name, {})) for name, each in made.data_sets.items()
    }
    return replace(made, data_sets=data_sets), solutions
