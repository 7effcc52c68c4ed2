"""lm-eval on the track's tasks -> per-question outcomes."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import tasks
from bench.ground.files import write_atomically
from bench.method import Method
from bench.questions.obtain import SCORES, brought
from bench.solve import Solved
from bench.students.generate import Generator
from bench.students.lm import Ask, StudentLM
from bench.students.student import Student
from bench.track import Track
from bench.types import Question

TASKS = Path(tasks.__file__).parent


@dataclass(frozen=True, slots=True)
class Sample:
    """One test question: what the method answered and what the task makes of it."""

    data_set: str
    doc: Mapping[str, Any]
    question: Question
    """As the method was given it."""
    solved: Solved
    scores: Mapping[str, float]
    """strict, author, flexible, failed: 0 or 1."""
    graded: Mapping[str, float | None] = field(default_factory=dict[str, float | None])
    """What else the task, or the harness, says of it."""


@dataclass(frozen=True, slots=True)
class Evaluation:
    """All samples of a cell, and the seconds that solving them took together."""

    samples: Sequence[Sample]
    seconds: float


def task_manager(metadata: Mapping[str, Any]) -> Any:
    """lm-eval's index of our tasks, each loaded with `metadata`."""
    from lm_eval.tasks import TaskManager

    return TaskManager(include_path=str(TASKS), include_defaults=False, metadata=dict(metadata))


def load_tasks(track: Track, metadata: Mapping[str, Any], *, trusted: bool | None = None) -> Any:
    """The track's data sets with their items, as lm-eval evaluates them; `trusted` as `brought`
    has it."""
    own = brought(track, trusted=trusted)
    loaded = task_manager(metadata).load(
        [name for name in (*track.tasks.id, *track.tasks.ood) if name not in own]
    )
    for name, each in own.items():
        loaded["tasks"][name] = each.served(metadata["split"])
    return loaded


def evaluate(
    method: Method,
    student: Student,
    track: Track,
    loaded: Any,
    ask: Ask,
    *,
    limit: int | None,
) -> Evaluation:
    """Run the method on every loaded task; each outcome comes from one generation."""
    import lm_eval

    generator = Generator(student, track.decoding)
    lm = StudentLM(method, generator, ask, overflow=track.decoding.overflow)
    results = lm_eval.evaluate(lm, loaded, limit=limit, bootstrap_iters=0, log_samples=True)
    assert results is not None and "samples" in results
    samples = [
        Sample(name, row["doc"], *lm.answered[row["doc"]["id"]], _scores(row), _graded(row))
        for name in [*track.tasks.id, *track.tasks.ood]
        for row in results["samples"][name]
    ]
    return Evaluation(samples, lm.seconds)


def _scores(row: Mapping[str, Any]) -> dict[str, float]:
    return {name: float(row[name]) for name in SCORES}


def _graded(row: Mapping[str, Any]) -> dict[str, float | None]:
    return {name: float(row[name]) for name in row["metrics"] if name not in SCORES}


def save_samples(samples: Sequence[Sample], path: Path) -> None:
    """What was asked and answered, one JSON line a question, for reading and rescoring."""
    lines = [
        json.dumps(
            {
                "data_set": sample.data_set,
                "id": sample.doc["id"],
                "question": sample.doc["question"],
                "target": sample.doc["target"],
                "solution": sample.solved.solution,
                "calls": sample.solved.calls,
                "overflow": sample.solved.overflow,
                **sample.scores,
                **sample.graded,
            }
        )
        for sample in samples
    ]
    write_atomically(path, "".join(line + "\n" for line in lines).encode())
