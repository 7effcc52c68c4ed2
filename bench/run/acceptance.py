"""Acceptance, estimated: which of the tails that a row writes a judge takes for true.

No people judge here. The judge should be of another family than the critic that filtered the
corpus, or the filter would judge itself; it stands between what it makes of tails that people
wrote, and of those tails after they were swapped within their relation.
"""

import json
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import replace
from random import Random
from statistics import fmean
from typing import Any

from bench.ground import sources
from bench.ground.files import write_atomically
from bench.ground.provenance import digest
from bench.run import critic, fit
from bench.run.cell import Cell
from bench.run.evaluate import Sample
from tasks.tails import tail

RECALL = 0.8
"""Of the cut that a tail has to pass, on the judge's dev labels."""


def accepted(cell: Cell, samples: Sequence[Sample]) -> tuple[list[Sample], dict[str, Any] | None]:
    """The samples of triples, each with `accepted`, 0 or 1, and what the judge is worth.

    As they are, and None, where the track names no judge.
    """
    asks = cell.acceptor
    judge = asks and fit.judge_of(asks)
    if asks is None or judge is None:
        return list(samples), None
    asked = [sample for sample in samples if sample.doc.get("phrase")]

    def passes(tails: Sequence[str]) -> list[float]:
        """Of each question's tail; one that is empty never does."""
        triples = [
            (s.doc["question"], s.doc["phrase"], t) for s, t in zip(asked, tails, strict=True)
        ]
        recalls = judge.recalls(triples)
        return [float(r <= RECALL and bool(t)) for r, t in zip(recalls, tails, strict=True)]

    marks = dict(
        zip(
            (sample.doc["id"] for sample in asked),
            passes([tail(sample.solved.solution) for sample in asked]),
            strict=True,
        )
    )
    told = {**(critic.report(asks) or {}), "recall": RECALL, **_bounds(asks, asked, passes)}
    made = [
        replace(s, graded={**s.graded, "accepted": marks[s.doc["id"]]})
        if s.doc["id"] in marks
        else s
        for s in samples
    ]
    return made, told


def _bounds(
    asks: Cell, asked: Sequence[Sample], passes: Callable[[Sequence[str]], list[float]]
) -> dict[str, float]:
    """What passes of people's tails, and of swapped ones; the same for all rows, so kept."""
    told = ("id", "task", "question", "phrase", "target", "tails")
    key = digest([sources.sha256(__name__), [[s.doc[name] for name in told] for s in asked]])
    folder = critic.kept_in(asks)
    path = folder.with_name(f"{folder.name}-bounds-{key[:16]}.json")
    if not path.is_file():
        found = {
            "ceiling": fmean(passes([tail(sample.doc["target"]) for sample in asked])),
            "floor": fmean(passes(_swapped(asked))),
        }
        write_atomically(path, json.dumps(found).encode())
    return json.loads(path.read_bytes())


def _swapped(asked: Sequence[Sample]) -> list[str]:
    """For each question a tail of another one of its relation that is none of its own."""
    pool, found = defaultdict[str, list[str]](list), list[str]()
    for sample in asked:
        pool[sample.doc["task"]].append(tail(sample.doc["target"]))
    for sample in asked:
        own = {tail(each) for each in sample.doc["tails"]}
        others = sorted(set(pool[sample.doc["task"]]) - own)
        found.append(Random(sample.doc["id"]).choice(others) if others else "")
    return found
