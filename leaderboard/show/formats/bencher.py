"""Bencher Metric Format: accuracy and cost over time on bencher.dev, adapter `json`.

A benchmark is TRACK/LABEL, a measure has a value and where it is known its limits: the 95 %
interval of an accuracy, the 95th percentile of a time. Accuracies are fractions, times seconds,
costs counts per question, training counts per run. See bencher.dev/docs/reference.
"""

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass

from leaderboard.rows.row import Row
from leaderboard.show.exporting import Shown
from leaderboard.stats.intervals import Estimate


@dataclass(frozen=True, slots=True)
class _Metric:
    value: float
    lower_value: float | None = None
    upper_value: float | None = None


def export(shown: Shown) -> str:
    """One object; a measure that a row does not have is left out."""
    body = {
        f"{shown.track}/{row.method}": {
            name: {key: value for key, value in asdict(metric).items() if value is not None}
            for name, metric in _measures(row)
        }
        for row in shown.rows
    }
    return json.dumps(body, indent=1) + "\n"


def _measures(row: Row) -> Iterator[tuple[str, _Metric]]:
    yield "id-accuracy", _accuracy(row.id)
    if row.ood is not None:
        yield "ood-accuracy", _accuracy(row.ood)
    for name, accuracy in sorted(row.tasks.items()):
        yield f"accuracy-{name}", _Metric(accuracy)
    if row.ttft_s is not None:
        yield "ttft-s", _Metric(row.ttft_s, upper_value=row.ttft_s_p95)
        yield "flops-per-question", _Metric(row.total_flops)
    if row.tpot_s is not None:
        yield "tpot-s", _Metric(row.tpot_s, upper_value=row.tpot_s_p95)
    yield "prompt-tokens", _Metric(row.prompt_tokens)
    yield "generated-tokens", _Metric(row.generated_tokens)
    yield "train-flops", _Metric(row.train_flops)
    yield "train-tokens", _Metric(row.train_tokens)
    yield "failed", _Metric(row.failed)


def _accuracy(found: Estimate) -> _Metric:
    return _Metric(found.value, found.low, found.high)
