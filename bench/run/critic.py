"""The critic of a cell: made once for a corpus and a seed, and kept in the home."""

import json
import shutil
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from pathlib import Path
from random import Random
from typing import Any

import numpy as np

from bench.corpora import attach
from bench.critics.classifier import Classifier, teach
from bench.critics.pmi import Pmi, weighted
from bench.critics.quality import quality, recalls_of
from bench.critics.wording import Triple, triples
from bench.ground import bars
from bench.ground.files import locked, write_atomically
from bench.ground.places import home
from bench.run.cell import Cell
from bench.students.student import Student, checkpoint_path
from bench.track import Critic
from bench.track import Student as Encoder
from bench.types import Question


def of(cell: Cell, reader: Callable[[], Student]) -> attach.Recalls | None:
    """What judges triples for the cell's method; None where it needs nobody.

    `reader` gives the language model that the track's critic begins with.
    """
    needed = cell.method.needs.critic
    if needed == "none":
        return None
    spec, folder = cell.track.critic, home() / "critics" / cell.critic_key[:16]
    assert spec is not None, "the plan refuses a method whose critic the track does not have"
    with locked(folder), bars.about("the critic"):
        if not (folder / "report.json").is_file():
            shutil.rmtree(folder, ignore_errors=True)
            _make(cell, spec, folder, reader)
    found = _report(folder)
    true = np.array(found["true_scores"])

    @cache
    def judge() -> Classifier | Pmi:  # read when it is asked: many rows ask in training alone
        if needed in ("trained", "shuffled"):
            return _read(folder, spec)
        return Pmi(reader(), found["weight"], _opening(cell))

    def recalls(asked: Sequence[Triple]) -> list[float]:
        return recalls_of(judge().scores(asked), true)

    return recalls


def report(cell: Cell) -> dict[str, Any] | None:
    """How good the critic that `of` made is on triples that it was neither taught nor cut with."""
    if cell.method.needs.critic == "none":
        return None
    found = _report(home() / "critics" / cell.critic_key[:16])
    weight = {} if found["weight"] is None else {"weight": found["weight"]}
    return {"judge": cell.method.needs.critic, **weight, **found["quality"]}


@cache
def _read(folder: Path, spec: Critic) -> Classifier:
    return Classifier.load(folder, spec)


def _report(folder: Path) -> dict[str, Any]:
    return json.loads((folder / "report.json").read_bytes())


def _make(cell: Cell, spec: Critic, folder: Path, reader: Callable[[], Student]) -> None:
    labels, needed = cell.corpus.labels, cell.method.needs.critic
    shown = _shuffled(labels, cell.seed) if needed == "shuffled" else labels
    dev = [row for row in shown if row["split"] == "dev"]
    if needed == "pmi":
        judge = Pmi(reader(), opening=_opening(cell))
    elif needed == "weighted_pmi":
        judge = weighted(reader(), dev, _opening(cell))
    else:
        judge = (
            Classifier.load(checkpoint_path(Encoder(path=spec.path)), spec)
            if spec.path
            else Classifier.on(reader(), spec)
        )
        work = folder.with_name(f"{folder.name}.part")
        teach(judge, spec, shown, seed=cell.seed, folder=work)
        judge.save(folder)
        shutil.rmtree(work, ignore_errors=True)
    test = [row for row in labels if row["split"] == "test"]
    found = {
        "weight": judge.weight if isinstance(judge, Pmi) else None,
        "true_scores": judge.scores(triples([row for row in dev if row["label"]])).tolist(),
        "quality": quality(
            [row["label"] for row in test],
            judge.scores(triples(test)),
            probabilities=isinstance(judge, Classifier),
        ),
    }
    write_atomically(folder / "report.json", json.dumps(found).encode())


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
