"""What a cell's run comes to: outcomes, FLOPs, latency and provenance in one record."""

import math
import shlex
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from typing import Any

from bench import attach, latency, provenance
from bench.batch import encode
from bench.cell import Cell
from bench.evaluate import Evaluation, Sample
from bench.flops import FlopModel, fit_flops
from bench.student import Student
from leaderboard.record import SCHEMA, DataSet, Group, Latency, Record
from leaderboard.record import Training as TrainingCost

LATENCY_TOKENS = 32
"""Enough for a stable time per token, whatever the length of a method's solutions."""


def record(cell: Cell, student: Student, done: Evaluation, spent: Mapping[str, Any]) -> Record:
    """The cell's record: outcomes, costs and provenance; `spent` is what training reported."""
    flops = fit_flops(student.model)
    groups: dict[str, Group] = {name: "id" for name in cell.track.tasks.id}
    groups |= {name: "ood" for name in cell.track.tasks.ood}
    return Record(
        schema=SCHEMA,
        kind="student",
        track=cell.track.name,
        method=cell.method.name(),
        label=cell.method.label,
        seed=cell.seed,
        scope=cell.scope,
        reference=cell.track.reference,
        data_sets={
            name: _data_set(group, [s for s in done.samples if s.data_set == name], flops)
            for name, group in groups.items()
        },
        latency=_latency(cell, student, done),
        training=_training_cost(cell, spent, flops),
        retrieval_recall=done.recall,
        snapshot={"track": asdict(cell.track), "method": asdict(cell.method)},
        provenance=_provenance(cell),
    )


def _data_set(group: Group, samples: Sequence[Sample], flops: FlopModel) -> DataSet:
    def total(count: Callable[[int, int], int]) -> list[int]:
        return [sum(count(p, n) for p, n in sample.solved.calls) for sample in samples]

    def scores(name: str) -> list[int]:
        return [int(sample.scores[name]) for sample in samples]

    return DataSet(
        group=group,
        items=[sample.doc["id"] for sample in samples],
        strict=scores("strict"),
        author=scores("author"),
        flexible=scores("flexible"),
        failed=scores("failed"),
        overflow=[int(sample.solved.overflow) for sample in samples],
        prompt_tokens=total(lambda p, n: p),
        generated_tokens=total(lambda p, n: n),
        n_calls=[len(sample.solved.calls) for sample in samples],
        prefill_flops=total(lambda p, n: flops.prefill_flops(p)),
        decode_flops=total(flops.decode_flops),
        prompt_only_flops=total(lambda p, n: flops.prompt_only_flops(p)),
    )


def _latency(cell: Cell, student: Student, done: Evaluation) -> Latency:
    """Batch-1 latency of first calls, on questions spread evenly over all data sets."""
    docs = [s.doc for s in done.samples if not s.solved.overflow]
    n = min(cell.track.decoding.latency_questions, len(docs))
    chosen = [docs[i * len(docs) // n] for i in range(n)]
    questions = attach.questions(chosen, cell.corpus, cell.method.needs, cell.seed)
    prompts = [encode(student.tokenizer, next(cell.method.solve(q))) for q in questions]
    times = latency.time_prompts(
        student.model,
        prompts,
        min(LATENCY_TOKENS, cell.track.decoding.max_new_tokens),
        student.tokenizer.eos_token_id,
    )
    found = latency.summarise(times)
    tpot = [found[f"tpot_s_{q}"] for q in ("p50", "p95")]
    return Latency(
        n=n,
        ttft_s_p50=found["ttft_s_p50"],
        ttft_s_p95=found["ttft_s_p95"],
        tpot_s_p50=None if math.isnan(tpot[0]) else tpot[0],
        tpot_s_p95=None if math.isnan(tpot[1]) else tpot[1],
        questions_per_s=len(done.samples) / done.seconds,
        peak_memory_bytes=latency.peak_memory_bytes(student.device),
    )


def _training_cost(cell: Cell, spent: Mapping[str, Any], flops: FlopModel) -> TrainingCost:
    lengths = [length for length, n in spent.get("lengths", []) for _ in range(n)]
    used = cell.method.trains or bool(cell.method.needs.test_demos)
    return TrainingCost(
        n_examples=spent.get("n_examples", 0),
        n_steps=spent.get("step", 0),
        tokens=spent.get("tokens", 0),
        seconds=spent.get("seconds", 0.0),
        flops=flops.training_flops(lengths),
        dropped_demos=spent.get("dropped_demos", 0),
        skipped_examples=spent.get("skipped_examples", 0),
        teacher_tokens=(cell.corpus.manifest.get("teacher_tokens") or 0) if used else 0,
        final_loss=spent.get("final_loss"),
    )


def _provenance(cell: Cell) -> dict[str, Any]:
    commit, dirty = provenance.git_state()
    lock = provenance.ROOT / "requirements.lock"
    command = ["skbench", "run", cell.track.name, "--methods", cell.method.label]
    command += ["--seeds", str(cell.seed)]
    scope = cell.scope
    command += ["--world", str(scope.world)] if scope.world else []
    command += ["--sealed", str(scope.sealed)] if scope.sealed is not None else []
    command += ["--split", scope.split] if scope.split == "dev" else []
    command += ["--limit", str(scope.limit)] if scope.limit is not None else []
    return {
        "key": cell.key,
        "commit": commit,
        "dirty": dirty,
        "date": provenance.today(),
        "command": shlex.join(command),
        "device": provenance.device_name(),
        "versions": provenance.versions(),
        "lock_sha256": provenance.file_sha256(lock) if lock.is_file() else None,
        "corpus_sha256": cell.corpus.sha256,
        "train_key": cell.train_key,
    }
