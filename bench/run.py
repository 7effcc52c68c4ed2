"""Compose the stages of a cell - train, evaluate, measure, record - skipping what is done."""

import json
import re
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from bench import attach, registry
from bench import corpus as corpora
from bench.cell import Cell, home
from bench.files import locked, write_atomically
from bench.method import Method
from bench.track import ConfigError, Track
from leaderboard.record import Record, Scope


def split_names(text: str) -> list[str]:
    """Method specs at the commas that stand outside brackets."""
    return [name.strip() for name in re.split(r",(?![^\[]*\])", text) if name.strip()]


def select(
    track: Track, names: str | None, settings: Sequence[str], method_file: Path | None
) -> tuple[list[Method], bool]:
    """The methods to run, and whether they were merely "all" (then unmet needs only skip)."""
    known = registry.discover(method_file)
    if names == "all":
        wanted = sorted(known)
    else:
        wanted = split_names(names) if names else list(track.methods)
    return [registry.configure(known, spec, list(settings)) for spec in wanted], names == "all"


def seeds_of(method: Method, seeds: Sequence[int]) -> Sequence[int]:
    """A method that neither trains nor draws shots is the same for every seed: one run of it."""
    return seeds if method.trains or method.needs.test_demos else [0]


def plan(
    track: Track,
    methods: Sequence[Method],
    seeds: Sequence[int],
    scope: Scope,
    *,
    skip_unmet: bool,
    data: Path | None,
) -> list[Cell]:
    """All cells, after every need is checked: nothing heavy has started yet."""
    corpus = corpora.obtain(track.corpus, home(), world=scope.world, data_dir=data)
    cells = list[Cell]()
    for method in methods:
        reason = corpora.check_needs(corpus, method.needs)
        if reason and not skip_unmet:
            raise ConfigError(f"{method.label} cannot run on track '{track.name}': it {reason}")
        if reason:
            print(f"skipping {method.label}: {reason}", file=sys.stderr)
            continue
        cells += [
            Cell(track, method, seed, scope, corpus, data) for seed in seeds_of(method, seeds)
        ]
    return cells


def run_cell(cell: Cell) -> Record:
    """Do what is not done yet, and leave the record; another process on the cell waits."""
    with locked(cell.folder):
        record = cell.found()
        if record is not None:
            return record
        record = _make_record(cell)
        cell.record_path.unlink(missing_ok=True)
        record.save(cell.record_path)
        return record


def _make_record(cell: Cell) -> Record:
    from bench import measure
    from bench import student as students
    from bench.evaluate import check_tasks, evaluate, save_samples
    from bench.quiet import quiet_libraries

    quiet_libraries()
    track, corpus = cell.track, cell.corpus
    check_tasks([*track.tasks.id, *track.tasks.ood])
    texts = [f"{row['question']} {row['rationale']} {row['answer']}" for row in corpus.rows]
    student = students.load(track.student, texts=texts, home=home(), seed=cell.seed)
    spent: dict[str, Any] = {}
    if cell.method.trains:
        spent = _trained(cell, student)
        fresh = students.load(track.student, texts=texts, home=home(), seed=cell.seed)
        student = students.restore(fresh, cell.folder / "weights")
    metadata: dict[str, Any] = {"world": cell.scope.world, "split": cell.scope.split}
    metadata |= {"sealed": cell.scope.sealed, "data_dir": cell.data_dir and str(cell.data_dir)}
    done = evaluate(
        cell.method,
        student,
        track,
        corpus,
        seed=cell.seed,
        metadata=metadata,
        limit=cell.scope.limit,
    )
    save_samples(done.samples, cell.folder / f"samples-{cell.key[:12]}.jsonl")
    return measure.record(cell, student, done, spent)


def _trained(cell: Cell, student: Any) -> dict[str, Any]:
    """Train unless the cell's weights are there; what it spent."""
    from bench.train import train

    report = cell.folder / "trained.json"
    if not report.is_file():
        examples = attach.examples(cell.corpus, cell.method.needs, cell.seed)
        progress = train(
            cell.method,
            examples,
            student,
            cell.track.training,
            seed=cell.seed,
            out=cell.folder,
            limit=cell.scope.limit,
            overflow=cell.track.decoding.overflow,
        )
        spent = asdict(progress) | {"n_examples": len(examples)}
        spent["lengths"] = sorted(progress.lengths.items())
        write_atomically(report, json.dumps(spent).encode())
    return json.loads(report.read_text())
