"""The reranker of a cell: taught once for a corpus and a seed, and kept in the home."""

import json
import shutil
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path

import numpy as np

from bench.corpora import attach
from bench.corpora.corpus import Corpus
from bench.corpora.retrieve import Retriever
from bench.critics.reranker import Lesson, Reranker
from bench.ground import bars
from bench.ground.files import locked, write_atomically
from bench.ground.places import home
from bench.ground.sums import intact, seal
from bench.run.cell import Cell
from bench.students.student import Student, checkpoint_path
from bench.track import Reranker as Spec
from bench.track import Student as Encoder

REPORT = "report.json"


def of(cell: Cell, student: Callable[[], Student]) -> Reranker | None:
    """What orders passages for the cell's method; None where it asks for no such order.

    `student` gives the language model that one without an encoder begins with.
    """
    if not cell.method.needs.rerank:
        return None
    spec, folder = cell.track.reranker, _folder(cell)
    assert spec is not None, "the plan refuses a method whose reranker the track does not have"
    passages = tuple(map(attach.shown, cell.corpus.passages))
    with locked(folder), bars.about("the reranker"):
        if not intact(folder):
            shutil.rmtree(folder, ignore_errors=True)
            _make(cell, spec, folder, student, passages)
    return _read(folder, spec, passages)


def flops(cell: Cell) -> int:
    """That making the reranker of `of` took, and reading every passage once; 0 without one."""
    if not cell.method.needs.rerank:
        return 0
    return json.loads((_folder(cell) / REPORT).read_bytes())["flops"]


def _folder(cell: Cell) -> Path:
    return home() / "rerankers" / cell.reranker_key[:16]


@lru_cache(maxsize=1)  # an earlier one would stay on the device beside other rows
def _read(folder: Path, spec: Spec, passages: tuple[str, ...]) -> Reranker:
    return Reranker.load(folder, spec, passages)


def _make(
    cell: Cell, spec: Spec, folder: Path, student: Callable[[], Student], passages: tuple[str, ...]
) -> None:
    made = (
        Reranker.load(checkpoint_path(Encoder(path=spec.path)), spec, passages)
        if spec.path
        else Reranker.on(student(), spec, passages)
    )
    spent = made.teach(lessons(cell.corpus, spec), seed=cell.seed)
    made.save(folder)
    report = {"flops": spent + made.index_flops}
    write_atomically(folder / REPORT, json.dumps(report).encode())
    seal(folder)


def lessons(corpus: Corpus, spec: Spec) -> list[Lesson]:
    """For each row with a rationale the passages that either finds, weighed by the rationale."""
    retriever, found = Retriever(corpus.passages, corpus.indices), list[Lesson]()
    for row in bars.Bar(corpus.rows, what="looking for passages", unit="row"):
        if not row.get("rationale"):
            continue
        asked = retriever.nearest(row["question"], spec.n_taught)
        said = retriever.nearest(row["rationale"], spec.n_taught)
        chosen = tuple(dict.fromkeys([*asked, *said]))
        scores = retriever.scores(row["rationale"])[list(chosen)].astype(float)
        shares = np.exp(scores - scores.max())
        found.append(Lesson(row["question"], chosen, tuple(shares / shares.sum())))
    return found
