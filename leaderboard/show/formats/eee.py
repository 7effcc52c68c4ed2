"""Every Eval Ever 0.3.0: a JSON of scores per row, and a JSONL of its outcomes item by item.

The paths are those of the format's own repository, data/COLLECTION/DEVELOPER/MODEL/UUID. A model is
a student after one method, so its name holds the track and the label. The same records give the
same files: an id is a hash of what was run, and a time the day of the newest run.

`output` has what was answered, of the runs whose texts are kept. Questions and their answers belong
to their data sets and are in no record, so `input` and `answer_attribution` are empty.
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any
from uuid import UUID

from leaderboard.rows.row import Row
from leaderboard.show.exporting import Shown
from leaderboard.stats.averages import estimates
from leaderboard.stats.intervals import ALPHA, Estimate
from leaderboard.store.comparable import track_settings
from leaderboard.store.generations import Generations
from leaderboard.store.record import Record

VERSION = "0.3.0"
NAME = "skintern-bench"
_UNSAFE = re.compile(r'[<>:"\\|?*/\s]')
"""What the format does not take in a part of a path."""
_INTERVAL = "t interval over items crossed with seeds, each source with its own degrees of freedom"


def export(shown: Shown) -> Iterator[tuple[str, str]]:
    """Two files for each row, the outcomes first: UUID_samples.jsonl and UUID.json."""
    for row in shown.rows:
        records = shown.of(row)
        model = f"{NAME}/{_UNSAFE.sub('-', f'{shown.track}--{row.method}')}"
        place = f"data/{_UNSAFE.sub('-', f'{NAME}-{shown.track}')}/{model}/{_uuid(records)}"
        time = _epoch(shown.date(row))
        evaluation = f"{NAME}-{shown.track}/{model}/{time}"
        texts = [shown.texts(record) for record in records]
        lines = [
            json.dumps({**_sample_head(evaluation, model, name), **sample})
            for record, answers in zip(records, texts, strict=True)
            for name in record.data_sets
            for sample in _samples(record, name, answers)
        ]
        samples = "\n".join(lines) + "\n"
        yield f"{place}_samples.jsonl", samples
        body = {
            "schema_version": VERSION,
            "evaluation_id": evaluation,
            "evaluation_timestamp": time,
            "retrieved_timestamp": time,
            "source_metadata": _source(records[0]),
            "eval_library": _library(records[0]),
            "model_info": _model(model, row, records[0]),
            "evaluation_results": _results(shown, row, records),
            "detailed_evaluation_results": {
                "format": "jsonl",
                "file_path": f"{place}_samples.jsonl",
                "hash_algorithm": "sha256",
                "checksum": sha256(samples.encode()).hexdigest(),
                "total_rows": len(lines),
                "additional_details": {"texts": _which_texts(texts)},
            },
        }
        yield f"{place}.json", json.dumps(body, indent=1) + "\n"


def _which_texts(texts: Sequence[Generations | None]) -> str:
    n_kept = sum(each is not None for each in texts)
    return f"answers of {n_kept} of {len(texts)} runs, in output.raw; no questions"


def _uuid(records: Sequence[Record]) -> UUID:
    """The same for the same runs; in form one of version 4, as the format wants."""
    told = json.dumps([asdict(record) for record in records], sort_keys=True, default=str)
    return UUID(bytes=sha256(told.encode()).digest()[:16], version=4)


def _epoch(day: str) -> str:
    """Seconds to the beginning of the day; of the epoch where no record tells its own."""
    date = datetime.fromisoformat(day or "1970-01-01")
    return str(int(date.replace(tzinfo=date.tzinfo or UTC).timestamp()))


def _source(record: Record) -> dict[str, Any]:
    """Who ran it: the student as it came is others', a trained one is ours."""
    return {
        "source_name": NAME,
        "source_type": "evaluation_run",
        "source_organization_name": NAME,
        "evaluator_relationship": "first_party" if record.training.n_steps else "third_party",
    }


def _library(record: Record) -> dict[str, Any]:
    versions = record.provenance.get("versions", {})
    commit = str(record.provenance.get("commit", "unknown"))
    return {
        "name": "lm_eval",
        "version": str(versions.get("lm-eval", "unknown")),
        "additional_details": {"harness": NAME, "commit": commit},
    }


def _model(model: str, row: Row, record: Record) -> dict[str, Any]:
    """The student; the weights that training made are in no record."""
    student = (track_settings(record) or {}).get("student")
    return {
        "name": row.method,
        "id": model,
        "developer": NAME,
        "additional_details": {
            "deployment_type": "self_deployed",
            "model_availability": "unknown",
            "track": record.track,
            "suite": row.suite,
            "label": row.method,
            "student": json.dumps(student, sort_keys=True),
            "device": str(record.provenance.get("device", "unknown")),
            "flops_per_question": str(row.total_flops),
            "train_flops": str(row.train_flops),
        },
    }


def _results(shown: Shown, row: Row, records: Sequence[Record]) -> list[dict[str, Any]]:
    """A score per data set, which samples refer to, and the averages of ID and OOD."""
    found: list[dict[str, Any]] = []
    for name, known in estimates(records, shown.seeds).items():
        data_set = records[0].data_sets[name]
        details = {"group": data_set.group, "items_sha256": data_set.items_sha256}
        signature = row.signatures.get(name)
        found.append(_result(name, known, len(data_set.items), details, records, signature))
    for group, average in (("id", row.id), ("ood", row.ood)):
        if average is not None:
            sets = [each for each in records[0].data_sets.values() if each.group == group]
            n_items = sum(len(each.items) for each in sets)
            details = {"average": "unweighted mean over the data sets of the group"}
            name, signature = f"{group} average", row.signatures.get(group)
            found.append(_result(name, average, n_items, details, records, signature))
    return found


def _result(
    name: str,
    found: Estimate,
    n_items: int,
    details: Mapping[str, str],
    records: Sequence[Record],
    signature: str | None,
) -> dict[str, Any]:
    metric = next(iter(records[0].data_sets.values())).metric or "accuracy"
    return {
        "evaluation_result_id": name,
        "evaluation_name": name,
        "source_data": {
            "dataset_name": name,
            "source_type": "other",
            "additional_details": dict(details),
        },
        "metric_config": {
            "metric_id": metric,
            "metric_name": metric,
            "metric_kind": metric,
            "metric_unit": "proportion",
            "lower_is_better": False,
            "score_type": "continuous",
            "min_score": 0,
            "max_score": 1,
            "additional_details": {"extractor": "strict", "n_seeds": str(len(records))},
        },
        "score_details": {
            "score": found.value,
            "details": {} if signature is None else {"signature": signature},
            "uncertainty": {
                "standard_error": {"value": found.stderr, "method": "analytic"},
                "confidence_interval": {
                    "lower": found.low,
                    "upper": found.high,
                    "confidence_level": 1 - ALPHA,
                    "method": _INTERVAL,
                },
                "num_samples": n_items,
            },
        },
        "generation_config": _generation(records[0]),
    }


def _generation(record: Record) -> dict[str, Any]:
    decoding = (track_settings(record) or {}).get("decoding")
    arguments: dict[str, Any] = {"temperature": 0.0}
    if isinstance(decoding, Mapping) and "max_new_tokens" in decoding:
        arguments["max_tokens"] = decoding["max_new_tokens"]
    command = record.provenance.get("command")
    if isinstance(command, str):
        arguments["execution_command"] = command
    return {"generation_args": arguments}


def _sample_head(evaluation: str, model: str, name: str) -> dict[str, Any]:
    return {
        "schema_version": VERSION,
        "evaluation_id": evaluation,
        "model_id": model,
        "evaluation_name": name,
        "evaluation_result_id": name,
    }


def _samples(record: Record, name: str, answers: Generations | None) -> Iterator[dict[str, Any]]:
    data_set = record.data_sets[name]
    for i, item in enumerate(data_set.items):
        read, written = data_set.prompt_tokens[i], data_set.generated_tokens[i]
        yield {
            "sample_id": item,
            "interaction_type": "single_turn",
            "input": {"raw": "", "reference": []},
            "output": {"raw": [answers.data_sets[name][i]] if answers else []},
            "answer_attribution": [],
            "evaluation": {
                "score": data_set.outcomes[i],
                "is_correct": bool(data_set.strict[i]),
            },
            "token_usage": {
                "input_tokens": read,
                "output_tokens": written,
                "total_tokens": read + written,
            },
            "error": "the prompt did not fit" if data_set.overflow[i] else None,
            "metadata": {
                "seed": str(record.seed),
                "n_calls": str(data_set.n_calls[i]),
                "no_answer_found": str(bool(data_set.failed[i])).lower(),
            },
        }
