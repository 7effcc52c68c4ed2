"""The critic of a cell: made once for a corpus and a seed, and kept in the home."""

import json
import shutil
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from functools import cache, lru_cache
from pathlib import Path
from random import Random
from typing import Any, TypeAlias

import numpy as np
import torch

from bench.critics.classifier import Classifier, teach
from bench.critics.pmi import Pmi, weighted
from bench.critics.quality import Scores, quality, recalls_of
from bench.critics.wording import Triple, triples
from bench.ground import bars
from bench.ground.files import locked, write_atomically
from bench.ground.places import home
from bench.ground.sums import intact, seal
from bench.run.cell import Cell
from bench.students.student import Student, checkpoint_path
from bench.track import Critic
from bench.track import Student as Encoder
from bench.types import Question

Reader: TypeAlias = Callable[[], tuple[Student, int]]
"""The language model that a critic begins with, and the FLOPs of its training."""


class Referee:
    """Says the recall of a cut at each triple, and keeps count of what a method asked."""

    def __init__(self, judge: Callable[[], Classifier | Pmi], true_scores: Scores) -> None:
        self._judge, self._true_scores = judge, true_scores
        self.spent = Counter[tuple[str, str]]()
        """FLOPs, by head and phrase."""

    def __call__(self, asked: Sequence[Triple]) -> list[float]:
        if not asked:  # no reason to have it read
            return []
        for (head, phrase, _), flops in zip(asked, self._judge().flops(asked), strict=True):
            self.spent[head, phrase] += flops
        return self.recalls(asked)

    def recalls(self, asked: Sequence[Triple]) -> list[float]:
        """Without count: what nobody's row pays for."""
        return recalls_of(self._judge().scores(asked), self._true_scores)


def of(cell: Cell, reader: Reader, *, wait: bool = True) -> Referee | None:
    """What judges triples for the cell's method, made first; None where it needs nobody.

    BusyError if another process makes it, unless to `wait`.
    """
    needed = cell.method.needs.critic
    if needed == "none":
        return None
    spec, folder = cell.track.critic, kept_in(cell)
    assert spec is not None, "the plan refuses a method whose critic the track does not have"
    with locked(folder, wait=wait), bars.about("the critic"):
        if not intact(folder):
            shutil.rmtree(folder, ignore_errors=True)
            _make(cell, spec, folder, reader)
    found = _report(folder)

    @cache
    def judge() -> Classifier | Pmi:  # read when it is asked: many rows ask in training alone
        if needed in ("trained", "shuffled"):
            return _read(folder, spec)
        return Pmi(reader()[0], found["weight"], _opening(cell))

    return Referee(judge, np.array(found["true_scores"]))


def flops(cell: Cell) -> int:
    """That making the critic of `of` took, its language model too; 0 where nobody is needed."""
    if cell.method.needs.critic == "none":
        return 0
    return _report(kept_in(cell))["flops"]


def kept_in(cell: Cell) -> Path:
    """The folder of the critic that the cell's method needs."""
    return home() / "critics" / cell.critic_key[:16]


def report(cell: Cell) -> dict[str, Any] | None:
    """How good the critic that `of` made is on labels that it was neither taught nor cut with."""
    if cell.method.needs.critic == "none":
        return None
    found = _report(kept_in(cell))
    weight = {} if found["weight"] is None else {"weight": found["weight"]}
    return {"judge": cell.method.needs.critic, **weight, **found["quality"]}


@lru_cache(maxsize=1)  # an earlier one would stay on the device beside other rows
def _read(folder: Path, spec: Critic) -> Classifier:
    return Classifier.load(folder, spec)


def _report(folder: Path) -> dict[str, Any]:
    return json.loads((folder / "report.json").read_bytes())


def _make(cell: Cell, spec: Critic, folder: Path, reader: Reader) -> None:
    labels, needed = cell.corpus.labels, cell.method.needs.critic
    shown = _shuffled(labels, cell.seed) if needed == "shuffled" else labels
    dev = [row for row in shown if row["split"] == "dev"]
    if needed in ("trained", "shuffled"):
        judge, spent = _classifier(spec, reader, cell.seed)
        work = folder.with_name(f"{folder.name}.part")
        spent += teach(judge, spec, shown, seed=cell.seed, folder=work)
        judge.save(folder)
        shutil.rmtree(work, ignore_errors=True)
    else:
        student, spent = reader()
        judge = Pmi(student, opening=_opening(cell))
        if needed == "weighted_pmi":
            judge = weighted(student, dev, _opening(cell))
            spent += sum(judge.flops(triples(dev)))
    true = triples([row for row in dev if row["label"]])
    test = [row for row in labels if row["split"] == "test"]
    found = {
        "weight": judge.weight if isinstance(judge, Pmi) else None,
        "flops": spent + sum(judge.flops(true)),
        "true_scores": judge.scores(true).tolist(),
        "quality": quality(
            [row["label"] for row in test],
            judge.scores(triples(test)),
            probabilities=isinstance(judge, Classifier),
        ),
    }
    write_atomically(folder / "report.json", json.dumps(found).encode())
    seal(folder)


def _classifier(spec: Critic, reader: Reader, seed: int) -> tuple[Classifier, int]:
    """What a classifier begins with, and the FLOPs of its training, of an encoder not counted."""
    student, spent = (None, 0) if spec.path is not None else reader()
    torch.manual_seed(seed)  # its output begins with random weights, whatever was drawn before
    if student is not None:
        return Classifier.on(student, spec), spent
    return Classifier.load(checkpoint_path(Encoder(path=spec.path)), spec), spent


def _opening(cell: Cell) -> str:
    """The prompt of a student that learned to reason, without a question; "" where triples are its
    trade, or none was taught."""
    if cell.reader is None or cell.reader.method.needs.phrase:
        return ""
    return cell.reader.method.prompt(Question(id="", task="", text=""))


def _shuffled(labels: Sequence[Mapping[str, Any]], seed: int) -> list[Mapping[str, Any]]:
    """The labels that people gave, each to another triple of its split; corrupted ones stay."""
    found = list[Mapping[str, Any]]()
    for split in dict.fromkeys(row["split"] for row in labels):
        rows = [row for row in labels if row["split"] == split]
        marks = [row["label"] for row in rows]
        if split != "corrupted":
            Random(f"{seed}/labels/{split}").shuffle(marks)
        found += [{**row, "label": mark} for row, mark in zip(rows, marks, strict=True)]
    return found
