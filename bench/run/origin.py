"""Where a number of a cell comes from, and the command that makes it again."""

import shlex
from typing import Any

from bench.ground import provenance
from bench.run import precision
from bench.run.cell import Cell
from bench.students.student import Student
from leaderboard.store.files import today


def provenance_of(cell: Cell, student: Student, verb: str) -> dict[str, Any]:
    """Where a number of the cell comes from, with the command that makes it."""
    commit, dirty = cell.git_state
    lock = provenance.ROOT / "requirements.lock"
    return {
        "key": cell.key,
        "commit": commit,
        "dirty": dirty,
        "date": today(),
        "command": shlex.join(_command(cell, verb)),
        "device": provenance.device_name(),
        **precision.told(cell.track, trains=cell.method.trains),
        "versions": provenance.versions(),
        "lock_sha256": provenance.file_sha256(lock) if lock.is_file() else None,
        "corpus_sha256": cell.corpus.sha256,
        "student_sha256": cell.student_sha256,
        "student_revision": student.revision,
        "train_key": cell.train_key,
    }


def _command(cell: Cell, verb: str) -> list[str]:
    """What makes the cell again."""
    own = cell.own
    if own is not None and own.trials_sha256 is None:
        return ["skbench", "tune", *cell.origin, "--methods", own.of]
    command = ["skbench", verb, *cell.origin, "--methods", own.of if own else cell.label]
    command += ["--seeds", str(cell.seed)]
    command += ["--tuned"] if own else []
    return command + cell.scope.words()
