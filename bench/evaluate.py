"""lm-eval on the track's tasks -> per-question outcomes."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import tasks
from bench import attach
from bench.corpus import Corpus
from bench.files import write_atomically
from bench.generate import Generator
from bench.latency import clock
from bench.method import Method
from bench.solve import Solved
from bench.student import Student
from bench.student_lm import StudentLM
from bench.track import ConfigError, Track, nearest
from bench.types import Question

TASKS = Path(tasks.__file__).parent


@dataclass(frozen=True, slots=True)
class Sample:
    """One test question: what the method answered and what the task makes of it."""

    data_set: str
    doc: Mapping[str, Any]
    solved: Solved
    scores: Mapping[str, float]
    """strict, author, flexible, failed: 0 or 1."""


@dataclass(frozen=True, slots=True)
class Evaluation:
    """All samples of a cell, the seconds that they took together, and the retriever's recall."""

    samples: Sequence[Sample]
    seconds: float
    recall: float | None


def task_manager(metadata: Mapping[str, Any]) -> Any:
    """lm-eval's index of our tasks, each loaded with `metadata`."""
    from lm_eval.tasks import TaskManager

    return TaskManager(include_path=str(TASKS), include_defaults=False, metadata=dict(metadata))


def check_tasks(names: Sequence[str]) -> None:
    """Raise ConfigError, with the nearest valid name, for a task that does not exist."""
    known = sorted(task_manager({}).all_tasks)
    for name in names:
        if name not in known:
            raise ConfigError(f"unknown task '{name}': {nearest(name, known)}")


def evaluate(
    method: Method,
    student: Student,
    track: Track,
    corpus: Corpus,
    *,
    seed: int,
    metadata: Mapping[str, Any],
    limit: int | None,
) -> Evaluation:
    """Run the method on every data set of the track; each outcome comes from one generation."""
    import lm_eval

    def ask(docs: Sequence[Mapping[str, Any]]) -> list[Question]:
        return attach.questions(docs, corpus, method.needs, seed)

    lm = StudentLM(
        method, Generator(student, track.decoding), ask, overflow=track.decoding.overflow
    )
    names = [*track.tasks.id, *track.tasks.ood]
    began = clock()
    results = lm_eval.evaluate(
        lm, task_manager(metadata).load(names), limit=limit, bootstrap_iters=0, log_samples=True
    )
    seconds = clock() - began
    assert results is not None and "samples" in results
    samples = [
        Sample(name, row["doc"], lm.solved[row["doc"]["id"]], _scores(row))
        for name in names
        for row in results["samples"][name]
    ]
    docs = [sample.doc for sample in samples]
    recall = None
    if method.needs.passages:
        recall = attach.recall(docs, ask(docs), corpus)
    return Evaluation(samples, seconds, recall)


def _scores(row: Mapping[str, Any]) -> dict[str, float]:
    return {name: float(row[name]) for name in ("strict", "author", "flexible", "failed")}


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
            }
        )
        for sample in samples
    ]
    write_atomically(path, "".join(line + "\n" for line in lines).encode())
