"""From records to rows: one row per label, its seeds brought together."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from statistics import fmean, median
from typing import Any, cast

from leaderboard.rows.audit import audit
from leaderboard.rows.loglikelihood import LogLikelihood, loglikelihoods
from leaderboard.rows.overlap import Overlap, overlaps
from leaderboard.rows.rank_intervals import ranks
from leaderboard.stats.averages import (
    Seeds,
    estimate,
    group_micro,
    means,
    seeds,
    task_macro,
    task_micro,
)
from leaderboard.stats.intervals import Estimate
from leaderboard.stats.rank_intervals import Rank
from leaderboard.store.board import by_label
from leaderboard.store.comparable import check_seeds, check_table, run_name
from leaderboard.store.reading import RecordError
from leaderboard.store.record import DataSet, Record


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the board.

    Accuracies are fractions: headline = unweighted mean over data sets, strict extractor
    unless named otherwise. `tasks` holds the micro average of each data set, the mean over its
    items; `tasks_macro` the unweighted mean over its sub-tasks, where that is another number.
    `id_micro` and `ood_micro` are means over all items of a group. Tokens, calls and FLOPs are
    means per question, over all questions of all data sets alike; FLOPs are rounded to integers.
    `failed` is a share of those questions, `overflow` a count over all seeds. Latencies are
    medians over seeds, training costs means over seeds, peak memory the largest. `relative_`
    FLOPs are to the track's reference label, None where it has no row, or where a prompt of either
    row did not fit: their means are then over different questions. Times to the first token
    include the time to retrieve. `train_flops` are those of full fine-tuning, 3 x forward; LoRA
    spends up to a third less. `teacher_tokens` are what the method was given of the teacher's
    writing: rationales, and knowledge where it needs it.
    """

    method: str
    reference: str
    n_seeds: int
    id: Estimate
    ood: Estimate | None
    tasks: dict[str, float]
    tasks_macro: dict[str, float]
    id_micro: float
    ood_micro: float | None
    id_author: float
    ood_author: float | None
    id_flexible: float
    ood_flexible: float | None
    failed: float
    overflow: int
    prompt_tokens: float
    generated_tokens: float
    n_calls: float
    prefill_flops: int
    decode_flops: int
    helper_flops: int
    """Of a reranker, or of a critic of drafts."""
    total_flops: int
    prompt_only_flops: int
    relative_flops: float | None
    relative_prompt_only_flops: float | None
    ttft_s: float | None
    """None, as all that is measured of a student, where none ran."""
    ttft_s_p95: float | None
    tpot_s: float | None
    tpot_s_p95: float | None
    questions_per_s: float | None
    peak_memory_bytes: int | None
    train_tokens: int
    train_s: float
    train_flops: int
    teacher_tokens: int
    teacher_flops: int
    train_helper_flops: int
    train_written_tokens: int
    """That the student itself wrote to learn on; `train_flops` hold the writing."""
    tuning_trials: int
    kept_ratio: list[float]
    """Share of the knowledge's words that prompts showed, in each run between restarts."""
    retrieval_recall: float | None
    dirty: bool
    """Whether any of its runs came from an uncommitted working tree."""
    skewed: bool
    """Whether the test prompt differs on purpose from the one that was trained."""
    unequal: list[str] = field(default_factory=list[str])
    """What training and decoding had that the reference's had not, in words."""
    outside: list[str] = field(default_factory=list[str])
    """Where a training loss leaves the band of the published runs, in words."""
    upper_bound: bool = False
    """Whether its prompts show at test time what only the suite knows of a question."""
    knowledge: str | None = None
    """"per task" or "per question": how what its prompts show was written; None if not known."""
    suite: str = "v1"
    """Version of the track."""
    superseded_by: str | None = None
    """The newest suite of the track, where that is another."""
    contamination: dict[str, Overlap] = field(default_factory=dict[str, Overlap])
    """What a data set shares with the corpus; of the data sets that were searched."""
    loglikelihood: dict[str, LogLikelihood] = field(default_factory=dict[str, LogLikelihood])
    """What lm-eval scores on a data set by log-likelihood; of rows that do not train."""
    id_rank: Rank | None = None
    """Places among the rows of the table that its pairs leave open; None of an upper bound, and
    where most of the others answered other questions."""
    ood_rank: Rank | None = None
    n_texts: int | None = None
    """Of its runs, those whose texts are kept, so that anyone can score them again; None where
    nobody looked."""
    signatures: dict[str, str] = field(default_factory=dict[str, str])
    """Headline -> the line that names what is behind it, where it is asked for."""

    @property
    def is_unkept(self) -> bool:
        """Whether what a run of it answered is lost, and its outcomes are to be believed."""
        return self.n_texts is not None and self.n_texts < self.n_seeds

    @property
    def is_comparable(self) -> bool:
        """Whether what a question costs it is that of all questions: a student ran on each."""
        return not self.overflow and self.ttft_s is not None

    @property
    def overall(self) -> float:
        """Mean of ID and OOD; what rows are sorted by."""
        return self.id.value if self.ood is None else (self.id.value + self.ood.value) / 2


def rows(records: Sequence[Record], track: Sequence[Record] = ()) -> list[Row]:
    """One row per label, best mean of ID and OOD first, ties by label.

    How far seeds differ is told by all records of the `track`, where more than these are given.
    Raises RecordError where records mix tracks, scopes or references, where two of a track ran
    under different settings or on different corpora, or where those of one label differ in their
    items. Records of kind `reported` have no row.
    """
    runs = list(by_label(r for r in records if r.kind != "reported").values())
    ranked = [record for each in runs for record in each]
    check_table(ranked)
    pool = seeds(track or ranked)
    table = _ranked([row(each, pool) for each in runs], runs, pool)
    if table:
        table = _relative(_audited(table, ranked), ranked[0].reference)
    return sorted(table, key=lambda row: (-row.overall, row.method))


def row(records: Sequence[Record], pool: Seeds) -> Row:
    """The row of one label, without its relative costs; raises RecordError."""
    check_seeds(records)
    sets = [data_set for record in records for data_set in record.data_sets.values()]
    recalls = [r.retrieval_recall for r in records if r.retrieval_recall is not None]
    author, flexible = means(records, "author"), means(records, "flexible")
    micro = group_micro(records)
    in_domain = estimate(records, "id", pool)
    if in_domain is None:
        raise RecordError(f"{run_name(records[0])}: no data set of group id")
    return Row(
        method=records[0].label,
        reference=records[0].reference,
        n_seeds=len(records),
        id=in_domain,
        ood=estimate(records, "ood", pool),
        tasks=task_micro(records),
        tasks_macro=task_macro(records),
        id_micro=micro["id"] or 0.0,
        ood_micro=micro["ood"],
        id_author=author["id"] or 0.0,
        ood_author=author["ood"],
        id_flexible=flexible["id"] or 0.0,
        ood_flexible=flexible["ood"],
        failed=fmean(bit for each in sets for bit in each.failed),
        overflow=sum(sum(data_set.overflow) for data_set in sets),
        relative_flops=None,
        relative_prompt_only_flops=None,
        retrieval_recall=fmean(recalls) if recalls else None,
        kept_ratio=_kept([record.training.kept_ratio for record in records]),
        dirty=any(record.provenance.get("dirty") is True for record in records),
        skewed=any(record.skewed for record in records),
        upper_bound=_is_upper_bound(records[0]),
        knowledge=_knowledge(records[0]),
        suite=f"v{records[0].version}",
        contamination=overlaps(records),
        loglikelihood=loglikelihoods(records),
        **_question_costs(sets),
        **_run_costs(records),
    )


def _is_upper_bound(record: Record) -> bool:
    """Records from before 2026-11-28 say it by the method's own field alone."""
    method = cast(Mapping[str, Any], record.snapshot.get("method") or {})
    return record.snapshot.get("upper_bound") is True or method.get("query") == "oracle"


def _knowledge(record: Record) -> str | None:
    found = record.snapshot.get("knowledge")
    return found if isinstance(found, str) else None


def row_json(row: Row) -> dict[str, Any]:
    """A row as plain data, accuracies as fractions."""
    return asdict(row)


def _question_costs(sets: Sequence[DataSet]) -> dict[str, Any]:
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


def _run_costs(records: Sequence[Record]) -> dict[str, Any]:
    """Fields of a row that are latencies or costs of training."""
    latencies = [record.latency for record in records if record.latency is not None]
    trainings = [record.training for record in records]
    return {
        "ttft_s": _median(latency.ttft_s_p50 for latency in latencies),
        "ttft_s_p95": _median(latency.ttft_s_p95 for latency in latencies),
        "tpot_s": _median(latency.tpot_s_p50 for latency in latencies),
        "tpot_s_p95": _median(latency.tpot_s_p95 for latency in latencies),
        "questions_per_s": _median(latency.questions_per_s for latency in latencies),
        "peak_memory_bytes": max((each.peak_memory_bytes for each in latencies), default=None),
        "train_tokens": round(fmean(training.tokens for training in trainings)),
        "train_s": fmean(training.seconds for training in trainings),
        "train_flops": round(fmean(training.flops for training in trainings)),
        "teacher_tokens": round(fmean(training.teacher_tokens for training in trainings)),
        "teacher_flops": round(fmean(training.teacher_flops for training in trainings)),
        "train_helper_flops": round(fmean(training.helper_flops for training in trainings)),
        "train_written_tokens": round(fmean(training.written_tokens for training in trainings)),
        "tuning_trials": max(training.tuning_trials for training in trainings),
    }


def _kept(ratios: Sequence[Sequence[float]]) -> list[float]:
    """Mean over seeds of each run between restarts; records from before it was kept have none."""
    length = max(map(len, ratios), default=0)
    return [fmean(each[i] for each in ratios if i < len(each)) for i in range(length)]


def _median(values: Iterable[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return median(known) if known else None


def _mean(sets: Sequence[DataSet], field: str) -> float:
    total, n = _spent(sets, field)
    return total / n


def _flops(sets: Sequence[DataSet], field: str) -> int:
    """Mean per question to the nearest integer, in integers throughout: floats lose digits."""
    total, n = _spent(sets, field)
    return (2 * total + n) // (2 * n)


def _spent(sets: Sequence[DataSet], field: str) -> tuple[int, int]:
    """Sum over the questions that the student solved to the end, and their number, at least 1: one
    whose prompt did not fit may have cost something before."""
    costs = [
        cost
        for each in sets
        for cost, cut in zip(getattr(each, field), each.overflow, strict=False)  # [] if optional
        if not cut
    ]
    return sum(costs), max(1, sum(each.overflow.count(0) for each in sets))


def _ranked(table: Sequence[Row], runs: Sequence[Sequence[Record]], pool: Seeds) -> list[Row]:
    """The rows with the places that are open to them among all that compete: an upper bound, which
    sees at test time what no method can, takes no place from them."""
    above = {row.method for row in table if row.upper_bound}
    found = ranks([records for records in runs if records[0].label not in above], pool)
    return [
        replace(row, id_rank=found["id"].get(row.method), ood_rank=found["ood"].get(row.method))
        for row in table
    ]


def _audited(table: Sequence[Row], records: Sequence[Record]) -> list[Row]:
    """The rows with what sets their treatment apart from the reference's."""
    found = {treatment.label: treatment for treatment in audit(records)}
    return [replace(row, unequal=found[row.method].telling) for row in table]


def _relative(table: Sequence[Row], reference: str) -> list[Row]:
    """The rows with their relative costs, but where an overflow makes the questions differ, or no
    student ran: what a teacher spent on what it wrote is not known."""
    base = next((row for row in table if row.method == reference), None)
    if base is None or base.overflow or base.total_flops == 0 or base.prompt_only_flops == 0:
        return list(table)
    return [
        row
        if not row.is_comparable
        else replace(
            row,
            relative_flops=row.total_flops / base.total_flops,
            relative_prompt_only_flops=row.prompt_only_flops / base.prompt_only_flops,
        )
        for row in table
    ]
