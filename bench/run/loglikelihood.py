"""What lm-eval scores where a student need not write: which option it finds likeliest.

It stands beside rows that do not train: a student that was never taught our closing sentence may
know an answer that no extractor finds. The question is worded as lm-eval words ARC, whatever the
method's prompt, so all such rows of one student have the same scores.
"""

import json
import sys
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from hashlib import sha256
from pathlib import Path
from typing import Any, cast

import lm_eval
import torch
from datasets import Dataset
from lm_eval.api.task import ConfigurableTask
from lm_eval.models.huggingface import HFLM

from bench.ground import bars, provenance, sources
from bench.ground.files import locked, write_atomically
from bench.run.evaluate import Sample
from bench.students.student import Student
from tasks.docs import Item
from tasks.raw import Ranking, ranking

Columns = dict[str, list[int | None]]
"""Columns of a record's data set."""

METRICS = ("acc", "acc_norm")
WORDING = {
    "output_type": "multiple_choice",
    "test_split": "test",
    "doc_to_text": "Question: {{stem}}\nAnswer:",
    "doc_to_choice": "choices",
    "doc_to_target": "gold",
    "metric_list": [
        {"metric": name, "aggregation": "mean", "higher_is_better": True} for name in METRICS
    ],
}
"""As in lm-eval's arc_easy.yaml."""
BATCH_SIZE = 4
"""Small: lm-eval holds the logits of a whole batch, all its tokens by the whole vocabulary."""
COUNTED = 64
"""Options between two counts of the bar; lm-eval sorts them by length among themselves."""


def columns(student: Student, samples: Sequence[Sample], home: Path) -> dict[str, Columns]:
    """Data set -> its columns, of those that have options; kept in `home` for the next row."""
    asked: dict[str, list[Ranking | None]] = {}
    for sample in samples:
        asked.setdefault(sample.data_set, []).append(ranking(cast(Item, sample.doc)))
    asked = {name: each for name, each in asked.items() if any(each)}
    if not asked:
        return {}
    path = home / "loglikelihood" / f"{_key(student, asked)}.json"
    with locked(path):
        found = _kept(path)
        if found is None:
            found = _scored(student, asked)
            write_atomically(path, json.dumps(found).encode())
        return found


def _kept(path: Path) -> dict[str, Columns] | None:
    """What was scored before; None where nothing was, or the file is damaged, which is told."""
    try:
        return json.loads(path.read_bytes())
    except FileNotFoundError:
        return None
    except (OSError, ValueError):
        print(f"{path}: damaged: made again", file=sys.stderr, flush=True)
        return None


def _scored(student: Student, asked: Mapping[str, Sequence[Ranking | None]]) -> dict[str, Columns]:
    lm = cast(Any, HFLM)(
        pretrained=student.model,
        tokenizer=student.tokenizer,
        backend="causal",
        batch_size=BATCH_SIZE,
    )
    # Its own bar is for a terminal alone, and tells nothing of the row.
    lm.loglikelihood = partial(_counted, lm.loglikelihood)
    served: Any = {name: _task(name, [r for r in each if r]) for name, each in asked.items()}
    results = lm_eval.evaluate(lm, {"tasks": served}, bootstrap_iters=0, log_samples=True)
    assert results is not None and "samples" in results
    return {name: _columns(each, results["samples"][name]) for name, each in asked.items()}


def _counted(score: Callable[..., list[Any]], requests: Sequence[Any]) -> list[Any]:
    """What lm-eval's `score` says of all requests, under a bar of ours."""
    found = list[Any]()
    with bars.Bar(total=len(requests), what="ranking options", unit="option") as bar:
        for start in range(0, len(requests), COUNTED):
            part = requests[start : start + COUNTED]
            found += score(part, disable_tqdm=True)
            bar.update(len(part))
    return found


def _columns(asked: Sequence[Ranking | None], rows: Sequence[Mapping[str, Any]]) -> Columns:
    """`rows` are lm-eval's, in the order of what was asked."""
    found: Columns = {"n_options": [len(each.choices) if each else 0 for each in asked]}
    for name in METRICS:
        scores = iter(int(row[name]) for row in rows)
        found[f"loglikelihood_{name}"] = [next(scores) if each else None for each in asked]
    return found


def _task(name: str, asked: Sequence[Ranking]) -> ConfigurableTask:
    served = {"test": Dataset.from_list([each._asdict() for each in asked])}
    return ConfigurableTask(config={"task": name, "custom_dataset": lambda: served, **WORDING})


def _key(student: Student, asked: Mapping[str, Sequence[Ranking | None]]) -> str:
    """Changes with everything that may change a score; the weights tell students apart."""
    weights = sha256()
    for name, tensor in sorted(student.model.state_dict().items()):
        weights.update(name.encode())
        weights.update(tensor.detach().cpu().contiguous().flatten().view(torch.uint8).numpy())
    texts = [text for each in asked.values() for r in each if r for text in (r.stem, *r.choices)]
    return provenance.digest(
        [
            *(weights.hexdigest(), student.model.config.to_json_string(), asked),
            [student.tokenizer(text).input_ids for text in texts],
            sources.sha256("bench.run.loglikelihood"),
            *(provenance.versions(), provenance.device_name()),
        ]
    )
