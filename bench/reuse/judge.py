"""Judge a checkpoint that was trained elsewhere: the evaluation of a run, without its training.

Its record stands in a track of its own, TRACK.own, under METHOD@CHECKPOINT: questions, decoding
and costs are the track's, and no row of it is ever ranked with a row that was trained here.
"""

import shlex
import sys
from dataclasses import replace
from pathlib import Path

from bench.corpora import corpus as corpora
from bench.costs.flops import fit_flops
from bench.ground import bars, provenance, sources
from bench.ground.files import locked
from bench.ground.places import home
from bench.ground.quiet import quiet_libraries
from bench.method import Method
from bench.questions import obtain as questions
from bench.run import precision, stages
from bench.run.cell import Cell
from bench.run.planning import unasked, unnameable
from bench.students import brought
from bench.students.brought import Checkpoint
from bench.track import ConfigError, Track
from bench.training.progress import Spent
from leaderboard.store.record import Record, Scope, Training

NO_TRAINING = Training(
    n_examples=0,
    n_steps=0,
    tokens=0,
    seconds=0.0,
    flops=0,
    dropped_demos=0,
    skipped_examples=0,
    teacher_tokens=0,
    final_loss=None,
)
"""What was spent here; what was spent elsewhere is not known."""


def judge(
    source: str,
    track: Track,
    method: Method,
    *,
    seed: int,
    scope: Scope,
    data: Path | None,
    origin: tuple[str, ...],
) -> Record:
    """The record of the checkpoint under the method's test prompts, found or made.

    `origin` are the words of the command that chose track and method file.
    """
    checkpoint = brought.find(source)
    questions.check(track, split=scope.split, world=scope.world)
    corpus = corpora.obtain(track.corpus_source, home(), world=scope.world, data_dir=data)
    reason = unnameable(track, method) or unasked(track, method, corpus)
    if reason:
        raise ConfigError(f"{method.label} cannot be asked on track '{track.name}': it {reason}")
    own = replace(track, name=f"{track.name}.own")
    cell = Cell(own, method, seed, scope, corpus, data, origin)
    label = f"{method.label}@{checkpoint.name}"
    path = cell.record_path.parents[1] / label / cell.record_path.name
    with locked(path):
        key = _key(cell, checkpoint)
        if path.is_file():
            record = Record.load(path)
            if record.provenance.get("key") == key:
                print(f"{label}: found", file=sys.stderr)
                return record
        with bars.about(label):
            made, solutions = _made(cell, track, checkpoint, label)
        record = _own(made, cell, checkpoint, label, key)
        stages.keep(record, solutions, path)
    return record


def _key(cell: Cell, checkpoint: Checkpoint) -> str:
    made_by = sources.sha256("bench.reuse.judge")
    return provenance.digest([cell.key, checkpoint.sha256, made_by])


def _made(
    cell: Cell, track: Track, checkpoint: Checkpoint, label: str
) -> tuple[Record, stages.Solutions]:
    quiet_libraries()
    with bars.stage("loading questions and student"):
        loaded = stages.items(cell)
        student = brought.load(checkpoint, track, cell.corpus.texts, cell.seed)
        flops = fit_flops(student.model)
    samples = home() / "runs" / cell.track.name / label / f"samples-{cell.key[:12]}.jsonl"
    return stages.judged(cell, student, loaded, flops, Spent(n_examples=0), samples)


def _own(record: Record, cell: Cell, checkpoint: Checkpoint, label: str, key: str) -> Record:
    """The record as one of a checkpoint whose training is not known."""
    command = ["skbench", "evaluate", "--student", checkpoint.source, *cell.origin]
    command += ["--method", cell.method.label, "--seed", str(cell.seed)]
    command += cell.scope.words()
    about = {
        "path": checkpoint.source,
        "sha256": checkpoint.sha256,
        "adapter": checkpoint.is_adapter,
        "trained_here": False,
    }
    own = {
        "key": key,
        "command": shlex.join(command),
        "student_sha256": checkpoint.sha256,
        "student_revision": checkpoint.revision,
        "train_key": None,
        **precision.told(cell.track, trains=False),
    }
    return replace(
        record,
        label=label,
        training=NO_TRAINING,
        snapshot={**record.snapshot, "checkpoint": about},
        provenance={**record.provenance, **own},
    )
