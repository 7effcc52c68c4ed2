"""What a row spent: per question, and once."""

from collections.abc import Iterable, Sequence
from statistics import fmean, median
from typing import Any

from leaderboard.store.record import DataSet, Record


def question_costs(sets: Sequence[DataSet]) -> dict[str, Any]:
    """Fields of a row that are means per question."""
    prefill, decode, helper = (
        _flops(sets, f"{part}_flops") for part in ("prefill", "decode", "helper")
    )
    return {
        "prompt_tokens": _mean(sets, "prompt_tokens"),
        "generated_tokens": _mean(sets, "generated_tokens"),
        "n_calls": _mean(sets, "n_calls"),
        "prefill_flops": prefill,
        "decode_flops": decode,
        "helper_flops": helper,
        "total_flops": prefill + decode + helper,
        "prompt_only_flops": _flops(sets, "prompt_only_flops"),
    }


def run_costs(records: Sequence[Record]) -> dict[str, Any]:
    """Fields of a row that are latencies, costs of training or what training showed."""
    timed = [record for record in records if record.latency is not None]
    latencies = [record.latency for record in timed if record.latency is not None]
    trainings = [record.training for record in records]
    return {
        "ttft_s": _median(latency.ttft_s_p50 for latency in latencies),
        "ttft_s_p95": _median(latency.ttft_s_p95 for latency in latencies),
        "tpot_s": _median(latency.tpot_s_p50 for latency in latencies),
        "tpot_s_p95": _median(latency.tpot_s_p95 for latency in latencies),
        "questions_per_s": _median(latency.questions_per_s for latency in latencies),
        "timed_on": sorted({str(record.provenance.get("device")) for record in timed}),
        "peak_memory_bytes": max((each.peak_memory_bytes for each in latencies), default=None),
        "train_tokens": round(fmean(training.tokens for training in trainings)),
        "train_s": fmean(training.seconds for training in trainings),
        "train_flops": round(fmean(training.flops for training in trainings)),
        "teacher_tokens": round(fmean(training.teacher_tokens for training in trainings)),
        "teacher_flops": round(fmean(training.teacher_flops for training in trainings)),
        "train_helper_flops": round(fmean(training.helper_flops for training in trainings)),
        "train_written_tokens": round(fmean(training.written_tokens for training in trainings)),
        "tuning_trials": max(training.tuning_trials for training in trainings),
        "kept_ratio": _kept([training.kept_ratio for training in trainings]),
    }


def spent(sets: Sequence[DataSet], field: str) -> tuple[int, int]:
    """Sum over the questions that the student solved to the end, and their number, at least 1: one
    whose prompt did not fit may have cost something before."""
    costs = [
        cost
        for each in sets
        for cost, cut in zip(getattr(each, field), each.overflow, strict=False)  # [] if optional
        if not cut
    ]
    return sum(costs), max(1, sum(each.overflow.count(0) for each in sets))


def _kept(ratios: Sequence[Sequence[float]]) -> list[float]:
    """Mean over seeds of each run between restarts; records from before it was kept have none."""
    length = max(map(len, ratios), default=0)
    return [fmean(each[i] for each in ratios if i < len(each)) for i in range(length)]


def _median(values: Iterable[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return median(known) if known else None


def _mean(sets: Sequence[DataSet], field: str) -> float:
    total, n = spent(sets, field)
    return total / n


def _flops(sets: Sequence[DataSet], field: str) -> int:
    """Mean per question to the nearest integer, in integers throughout: floats lose digits."""
    total, n = spent(sets, field)
    return (2 * total + n) // (2 * n)
