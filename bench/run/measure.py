"""What a cell's run comes to: outcomes, FLOPs and latency in one record."""

import math
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, replace
from itertools import pairwise
from statistics import fmean
from typing import Any

from bench.batch import encode
from bench.corpora import attach
from bench.corpora.kept import written
from bench.costs import latency
from bench.costs.flops import FlopModel
from bench.ground import provenance
from bench.ground.clock import clock
from bench.run import critic, reranker
from bench.run.cell import Cell
from bench.run.evaluate import Evaluation, Sample
from bench.run.origin import provenance_of
from bench.students.lm import Ask
from bench.students.student import Student
from bench.track import ConfigError, told
from bench.training.progress import Spent
from bench.types import Question
from leaderboard.store.record import N_POINTS, SCHEMA, DataSet, Group, Latency, Record
from leaderboard.store.record import Training as TrainingCost
from tasks.corpora import n_tokens

LATENCY_TOKENS = 32
"""Enough for a stable time per token, whatever the length of a method's solutions."""


def record(
    cell: Cell,
    student: Student,
    done: Evaluation,
    ask: Ask,
    flops: FlopModel,
    spent: Spent,
    helper_flops: Callable[[Question], int],
) -> Record:
    """The cell's record: outcomes, costs and provenance; `spent` is what training reported.

    `helper_flops` are those of other models that were asked for a question.
    """
    groups: dict[str, Group] = {name: "id" for name in cell.track.tasks.id}
    groups |= {name: "ood" for name in cell.track.tasks.ood}
    return Record(
        schema=SCHEMA,
        kind="student" if cell.method.runs_student else "corpus",
        track=cell.track.name,
        method=cell.method.name(),
        label=cell.label,
        seed=cell.seed,
        scope=cell.scope,
        reference=cell.track.reference,
        data_sets={
            name: _data_set(
                group, [s for s in done.samples if s.data_set == name], flops, helper_flops
            )
            for name, group in groups.items()
        },
        latency=_latency(cell, student, done, ask, spent.peak_memory_bytes),
        training=_training_cost(cell, spent, flops),
        retrieval_recall=_recall(cell, done),
        snapshot=_snapshot(cell) | _of_triples(cell, spent, done.samples),
        provenance=provenance_of(cell, student, "run")
        | ({"processes": spent.n_processes} if cell.method.trains else {})
        | _contamination(cell, groups),
        skewed=cell.method.skewed,
    )


def _data_set(
    group: Group,
    samples: Sequence[Sample],
    flops: FlopModel,
    helper_flops: Callable[[Question], int],
) -> DataSet:
    # A question whose prompt did not fit cost nothing.
    helped = [0 if s.solved.overflow else helper_flops(s.question) for s in samples]

    def total(count: Callable[[int, int], int]) -> list[int]:
        return [sum(count(p, n) for p, n in sample.solved.calls) for sample in samples]

    def scores(name: str) -> list[int]:
        return [int(sample.scores[name]) for sample in samples]

    return DataSet(
        group=group,
        items_sha256=provenance.digest([dict(sample.doc) for sample in samples]),
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
        helper_flops=helped if any(helped) else [],
        graded={
            name: [sample.graded[name] for sample in samples]
            for name in (samples[0].graded if samples else ())
        },
        tasks=_tasks([sample.doc for sample in samples]),
        clusters=_clusters([sample.doc for sample in samples]),
    )


def _tasks(docs: Sequence[Mapping[str, Any]]) -> list[str]:
    """Sub-task of each item; [] where all have as many items: then micro and macro are one.

    Relations of triples are always told, as they have tables of their own.
    """
    found = [doc["task"] for doc in docs]
    of_triples = any(doc.get("phrase") for doc in docs)
    return found if of_triples or len(set(Counter(found).values())) > 1 else []


def _clusters(docs: Sequence[Mapping[str, Any]]) -> list[str]:
    """What each item shares with others, its id if nothing; [] where no item shares anything."""
    named = any(doc.get("cluster") for doc in docs)
    return [doc.get("cluster") or doc["id"] for doc in docs] if named else []


def _latency(
    cell: Cell, student: Student, done: Evaluation, ask: Ask, trained_in_bytes: int
) -> Latency | None:
    """Batch-1 latency of first calls, on questions spread evenly over all data sets.

    What it takes to attach passages or shots to a question belongs to its time to first token.
    """
    if not cell.method.runs_student:
        return None
    docs = [s.doc for s in done.samples if not s.solved.overflow]
    if not docs:
        raise ConfigError(
            f"{cell.method.label} on {cell.track.name}: no prompt fits the student's context"
        )
    n = min(cell.track.decoding.latency_questions, len(docs))
    chosen = [docs[i * len(docs) // n] for i in range(n)]
    prompts, attaching_s = list[list[int]](), list[float]()
    for doc in chosen:
        began = clock()
        question = ask(doc)
        attaching_s.append(clock() - began)
        prompts.append(encode(student.tokenizer, next(cell.method.solve(question))))
    loops = list[float]()
    latency.reference_s(student.device)  # the first of a process loads what it runs on
    times = latency.time_prompts(
        student.model,
        prompts,
        min(LATENCY_TOKENS, cell.track.decoding.max_new_tokens),
        student.tokenizer.eos_token_id,
        before=lambda: loops.append(latency.reference_s(student.device)),
    )
    found = latency.summarise(
        [(t.ttft_s + s, t.tpot_s, t.n_generated) for t, s in zip(times, attaching_s, strict=True)]
    )
    tpot = [found[f"tpot_s_{q}"] for q in ("p50", "p95")]
    return Latency(
        n=n,
        ttft_s_p50=found["ttft_s_p50"],
        ttft_s_p95=found["ttft_s_p95"],
        tpot_s_p50=None if math.isnan(tpot[0]) else tpot[0],
        tpot_s_p95=None if math.isnan(tpot[1]) else tpot[1],
        questions_per_s=len(done.samples) / done.seconds,
        peak_memory_bytes=max(trained_in_bytes, latency.peak_memory_bytes(student.device)),
        calibration_s=fmean(loops),
    )


def _training_cost(cell: Cell, spent: Spent, flops: FlopModel) -> TrainingCost:
    return TrainingCost(
        n_examples=spent.n_examples,
        n_steps=spent.step,
        tokens=spent.tokens,
        seconds=spent.seconds,
        flops=flops.training_flops(list(spent.lengths.elements())) + _writing_flops(spent, flops),
        written_tokens=sum(n_text * n for _, n_text, n in spent.writing),
        dropped_demos=spent.dropped_demos,
        skipped_examples=spent.skipped_examples,
        teacher_tokens=_teacher_tokens(cell),
        final_loss=spent.final_loss,
        teacher_flops=spent.teacher_flops,
        helper_flops=critic.flops(cell) + spent.judging_flops + reranker.flops(cell),
        kept_ratio=[
            round(shown / known, 4)
            for shown, known in zip(spent.n_shown, spent.n_known, strict=True)
            if known
        ],
        loss_curve=[round(loss, 6) for loss in curve(spent.losses)],
        peak_memory_bytes=spent.peak_memory_bytes or None,
    )


def curve(losses: Sequence[float]) -> list[float]:
    """Mean loss of each tenth of the steps; fewer points where there are fewer steps."""
    n = min(N_POINTS, len(losses))
    bounds = [i * len(losses) // n for i in range(n + 1)] if n else []
    return [sum(losses[a:b]) / (b - a) for a, b in pairwise(bounds)]


def _writing_flops(spent: Spent, flops: FlopModel) -> int:
    """Of what the student itself wrote to learn on."""
    return sum(
        n * (flops.prefill_flops(n_prompt) + flops.decode_flops(n_prompt, n_text))
        for n_prompt, n_text, n in spent.writing
    )


def _teacher_tokens(cell: Cell) -> int:
    """What the teacher had to write for this method: rationales, and knowledge if it needs it; or
    the triples that it learns from, and those that its critic turned down."""
    written, needs = cell.corpus.manifest["teacher_tokens"], cell.method.needs
    if needs.phrase:
        offered = attach.examples(cell.corpus, replace(needs, critic="none"), cell.seed)
        taken = filter(cell.method.accepts, offered if cell.method.trains else ())
        return n_tokens(*(each.answer for each in taken if each.source == "machine"))
    n_rationales = needs.rationales if cell.method.trains else min(1, needs.test_demos)
    first = written["rationale"] if n_rationales else 0
    further = written.get("further", 0) if n_rationales > 1 else 0
    knows = needs.train_knowledge or needs.test_knowledge != "none"
    return first + further + (written["knowledge"] if knows else 0)


def _recall(cell: Cell, done: Evaluation) -> float | None:
    if not cell.method.needs.passages:
        return None
    docs = [sample.doc for sample in done.samples]
    return attach.recall(docs, [sample.question for sample in done.samples], cell.corpus)


def _snapshot(cell: Cell) -> dict[str, Any]:
    """Track, fields and point of a sweep, as they were.

    A reranker is that of rows that ask for it. Settings of the cell's own stand beside the track.
    Restarts of the optimizer are said outright, and so is whether the knowledge or the passages
    that the method sees were written per task or per question, where the corpus says it.
    """
    track = cell.track if cell.method.needs.rerank else replace(cell.track, reranker=None)
    found: dict[str, Any] = {"track": told(track), "method": asdict(cell.method)}
    found["restarts"] = 0 if cell.method.keeps_moments else len(cell.method.restart_points)
    whose, needs = cell.corpus.manifest.get("knowledge"), cell.method.needs
    if whose and (needs.train_knowledge or needs.passages or needs.test_knowledge != "none"):
        found["knowledge"] = whose
    found |= {"upper_bound": True} if cell.method.upper_bound else {}
    found |= {"point": dict(cell.point)} if cell.point else {}
    return found | ({"own": asdict(cell.own)} if cell.own else {})


def _of_triples(cell: Cell, spent: Spent, samples: Sequence[Sample]) -> dict[str, Any]:
    """How good its critic is, what it was trained on, and the tails that it wrote, by data set."""
    texts = dict[str, list[str]]()
    for sample in samples if cell.method.needs.phrase else ():
        texts.setdefault(sample.data_set, []).append(sample.solved.solution)
    found = {
        "critic": critic.report(cell),
        "triples": spent.triples,
        "written": {name: written(each, cell.corpus.rows) for name, each in texts.items()},
    }
    return {key: value for key, value in found.items() if value}


def _contamination(cell: Cell, data_sets: Iterable[str]) -> dict[str, Any]:
    """What the corpus shares with each data set, of those that were searched."""
    known = provenance.contamination(cell.track.corpus)
    found = {name: known[name] for name in data_sets if name in known}
    return {"contamination": found} if found else {}
