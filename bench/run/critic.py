"""The critic of a cell: taught once for a corpus and a seed, and kept in the home."""

import json
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from random import Random
from typing import Any

import numpy as np

from bench.corpora import attach
from bench.critics.classifier import Classifier, Triple, teach
from bench.critics.quality import quality, recalls_of
from bench.ground import bars, provenance, sources
from bench.ground.files import locked, write_atomically
from bench.ground.places import home
from bench.run.cell import Cell
from bench.track import ConfigError, Critic


def of(cell: Cell) -> attach.Recalls | None:
    """What judges triples for the cell's method; None where it needs nobody."""
    if cell.method.needs.critic == "none":
        return None
    classifier, report = _obtained(cell)
    true = np.array(report["true_scores"])

    def recalls(triples: Sequence[Triple]) -> list[float]:
        return recalls_of(classifier.scores(triples), true)

    return recalls


def report(cell: Cell) -> dict[str, Any] | None:
    """How good the cell's critic is on triples that it was neither taught nor cut with."""
    if cell.method.needs.critic == "none":
        return None
    return {"judge": cell.method.needs.critic, **_obtained(cell)[1]["quality"]}


def _obtained(cell: Cell) -> tuple[Classifier, dict[str, Any]]:
    if cell.track.critic is None:
        raise ConfigError(
            f"{cell.method.label} needs a critic, and track '{cell.track.name}' has no [critic]"
        )
    key = provenance.digest(
        [
            *(asdict(cell.track.critic), cell.method.needs.critic, cell.seed, cell.corpus.sha256),
            [list(row.items()) for row in cell.corpus.labels],
            *(sources.sha256("bench.run.critic"), provenance.versions()),
        ]
    )
    return _kept(cell, cell.track.critic, key)


_CRITICS = dict[Path, tuple[Classifier, dict[str, Any]]]()
"""What this process has read, by folder."""


def _kept(cell: Cell, spec: Critic, key: str) -> tuple[Classifier, dict[str, Any]]:
    folder = home() / "critics" / key[:16]
    if folder in _CRITICS:
        return _CRITICS[folder]
    with locked(folder), bars.about("the critic"):
        if not (folder / "report.json").is_file():
            shutil.rmtree(folder, ignore_errors=True)
            labels = _shown(cell)
            work = folder.with_name(f"{folder.name}.part")
            taught = teach(
                spec, labels, cell.corpus.texts, seed=cell.seed, home=home(), folder=work
            )
            taught.save(folder)
            shutil.rmtree(work)
            found = json.dumps(_report(taught, labels, cell.corpus.labels))
            write_atomically(folder / "report.json", found.encode())
        loaded = Classifier.load(folder, spec.max_tokens)
        _CRITICS[folder] = loaded, json.loads((folder / "report.json").read_bytes())
    return _CRITICS[folder]


def _shown(cell: Cell) -> list[Mapping[str, Any]]:
    """The labels as the critic is taught them; of the control's, each belongs to another triple."""
    labels = list(cell.corpus.labels)
    if cell.method.needs.critic != "shuffled":
        return labels
    marks = [row["label"] for row in labels]
    Random(f"{cell.seed}/labels").shuffle(marks)
    return [{**row, "label": mark} for row, mark in zip(labels, marks, strict=True)]


def _report(
    classifier: Classifier, shown: Sequence[Mapping[str, Any]], labels: Sequence[Mapping[str, Any]]
) -> dict[str, Any]:
    """Scores of what passed for true on dev, which cuts are made by; quality by the real labels."""

    def scored(rows: Sequence[Mapping[str, Any]]) -> Any:
        return classifier.scores([(row["head"], row["phrase"], row["tail"]) for row in rows])

    true = [row for row in shown if row["split"] == "dev" and row["label"]]
    test = [row for row in labels if row["split"] == "test"]
    marks = [row["label"] for row in test]
    return {"true_scores": scored(true).tolist(), "quality": quality(marks, scored(test))}
