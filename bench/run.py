"""Compose the stages of a cell - train, evaluate, measure, record - skipping what is done."""

import re
import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from bench import bars, registry
from bench.cell import Cell, home
from bench.corpora import attach
from bench.corpora import corpus as corpora
from bench.corpora.corpus import Corpus
from bench.files import BusyError, locked
from bench.method import Method
from bench.sweep import Sweep, variations
from bench.track import ConfigError, Track
from leaderboard.reading import nearest
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
        usual = [method_file.stem] if method_file else list(track.methods)
        wanted = usual if names is None else split_names(names)
    methods = [registry.configure(known, spec, list(settings)) for spec in wanted]
    if not methods:
        raise ConfigError(f"--methods {names}: names no method")
    chosen = {method.name() for method in methods}
    for setting in settings:
        owner = setting.partition(".")[0]
        if owner not in chosen:
            hint = nearest(owner, sorted(chosen))
            raise ConfigError(f"--set {setting}: '{owner}' is none of the methods to run; {hint}")
    return list({method.label: method for method in methods}.values()), names == "all"


def plan_sweep(
    sweep: Sweep,
    track: Track,
    points: list[str] | None,
    names: str | None,
    seeds: Sequence[int],
    scope: Scope,
    *,
    data: Path | None,
    origin: tuple[str, ...],
) -> list[Cell]:
    """The cells of a sweep; `names` keeps only those of its methods."""
    cells, known = list[Cell](), registry.discover()
    for variation in variations(sweep, track, points):
        methods = [registry.configure(known, spec, []) for spec in variation.methods]
        if names is not None:
            wanted = {registry.configure(known, s, []).label for s in split_names(names)}
            methods = [method for method in methods if method.label in wanted]
        at = ("--points", str(variation.track.name.rpartition(".")[2])) if variation.point else ()
        way = (*origin, "--sweep", sweep.name, *at) if variation.point else origin
        for seed in sorted(set(seeds)):
            cells += plan(
                variation.track,
                methods,
                [seed],
                replace(scope, world=seed) if sweep.own_worlds else scope,
                skip_unmet=False,
                data=data,
                origin=way,
                point=variation.point,
            )
    if not cells:
        raise ConfigError(f"--methods {names}: none of them is in sweep '{sweep.name}'")
    return list({(cell.track.name, cell.method.label, cell.seed): cell for cell in cells}.values())


def seeds_of(method: Method, seeds: Sequence[int]) -> Sequence[int]:
    """A method that neither trains nor draws shots is the same for every seed: one run of it."""
    return sorted(set(seeds)) if method.trains or method.needs.test_demos else [0]


def plan(
    track: Track,
    methods: Sequence[Method],
    seeds: Sequence[int],
    scope: Scope,
    *,
    skip_unmet: bool,
    data: Path | None,
    origin: tuple[str, ...],
    point: Mapping[str, str | int] | None = None,
) -> list[Cell]:
    """All cells, after every need is checked: nothing heavy has started yet."""
    corpus = corpora.obtain(track.corpus, home(), world=scope.world, data_dir=data)
    cells = list[Cell]()
    for method in methods:
        reason = corpora.check_needs(corpus, method.needs) or _unmet(track, method, corpus)
        if reason and not skip_unmet:
            raise ConfigError(f"{method.label} cannot run on track '{track.name}': it {reason}")
        if reason:
            print(f"skipping {method.label}: {reason}", file=sys.stderr)
            continue
        cells += [
            Cell(track, method, seed, scope, corpus, data, origin, point)
            for seed in seeds_of(method, seeds)
        ]
    return cells


def _unmet(track: Track, method: Method, corpus: Corpus) -> str | None:
    """What the method needs of the track and the track does not have."""
    larger = track.logit_teacher
    if method.needs.logits == "larger":
        if larger is None:
            return (
                "needs a larger teacher of logits: add [logit_teacher] path and method to the track"
            )
        reason = corpora.check_needs(corpus, registry.configure_named(larger.method).needs)
        if reason:
            return f"learns from {larger.method}, which {reason}"
    match = track.training.match
    reason = match and corpora.check_needs(corpus, registry.configure_named(match).needs)
    return f"is to spend the tokens of {match}, which {reason}" if reason else None


def title(cell: Cell) -> str:
    """What tells the cell from the others of a run."""
    where = f"{cell.point['axis']} {cell.point['value']}: " if cell.point else ""
    return f"{where}{cell.method.label} seed {cell.seed}"


def run_cells(cells: Sequence[Cell]) -> list[Record]:
    """Do what is not done yet; the records, in order.

    Cells that another process is at come last, so processes with one home share the work.
    """
    made = dict[int, Record]()
    for wait in (False, True):
        for number, cell in enumerate(cells, 1):
            if number in made:
                continue
            name = f"[{number}/{len(cells)}] {title(cell)}"
            try:
                made[number] = _run_cell(cell, name, wait=wait)
            except BusyError:
                print(f"{name}: another process is at it", file=sys.stderr, flush=True)
    return [made[number] for number in sorted(made)]


def _run_cell(cell: Cell, name: str, *, wait: bool) -> Record:
    """The cell's record, found or made; BusyError if another process is at it, unless to `wait`."""
    # Several scopes judge the same trained student, so its folder has a lock of its own.
    with (
        bars.about(name),
        locked(cell.record_path, wait=wait),
        locked(cell.folder, wait=wait),
    ):
        record = cell.found()
        print(f"{name}: {'found' if record else 'running'}", file=sys.stderr, flush=True)
        if record is None:
            record = _make_record(cell)
            cell.record_path.unlink(missing_ok=True)
            record.save(cell.record_path)
        return record


def _make_record(cell: Cell) -> Record:
    from bench.costs import latency
    from bench.costs.flops import fit_flops
    from bench.quiet import quiet_libraries
    from bench.students import student as students
    from bench.training.fit import fit

    quiet_libraries()
    latency.reset_peak_memory(students.device())
    # What can fail for want of data, or for an architecture that cannot be counted, fails now.
    with bars.stage("loading questions and student"):
        loaded = items(cell)
        student = fresh_student(cell)
        flops = fit_flops(student.model)
    spent: dict[str, Any] = {}
    if cell.method.trains:
        spent = fit(cell, student)
        with bars.stage("loading the trained student"):
            fresh = fresh_student(cell)
            _check_base(cell, fresh.revision, spent.get("student_revision"))
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
    from bench.evaluate import load_tasks

    scope = cell.scope
    metadata: dict[str, Any] = {"world": scope.world, "split": scope.split, "sealed": scope.sealed}
    data = cell.data_dir and str(cell.data_dir)
    return load_tasks(cell.track, metadata | {"data_dir": data})


def fresh_student(cell: Cell) -> Any:
    """The cell's student before any training."""
    from bench.students import student as students

    return students.load(cell.track.student, texts=cell.corpus.texts, home=home(), seed=cell.seed)


def judged(
    cell: Cell, student: Any, loaded: Any, flops: Any, spent: Mapping[str, Any], samples: Path
) -> Record:
    """The record of a student that stands ready; what it answered goes to `samples`."""
    from bench import loglikelihood, measure
    from bench.evaluate import evaluate, save_samples

    ask = attach.asker(cell.corpus, cell.method.needs, cell.seed)
    done = evaluate(cell.method, student, cell.track, loaded, ask, limit=cell.scope.limit)
    save_samples(done.samples, samples)
    made = measure.record(cell, student, done, ask, flops, spent)
    if cell.method.trains:
        return made
    # Last, when memory and time are measured: nothing of this is a cost of the row.
    ranked = loglikelihood.columns(student, done.samples, home())
    data_sets = {
        name: replace(each, **ranked.get(name, {})) for name, each in made.data_sets.items()
    }
    return replace(made, data_sets=data_sets)
