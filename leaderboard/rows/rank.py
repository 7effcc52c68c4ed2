"""From records to rows: one row per label, its seeds brought together."""

from collections.abc import Sequence
from dataclasses import replace
from statistics import fmean

from leaderboard.rows.audit import audit
from leaderboard.rows.loglikelihood import loglikelihoods
from leaderboard.rows.overlap import overlaps
from leaderboard.rows.rank_intervals import ranks
from leaderboard.rows.row import Row
from leaderboard.rows.spent import question_costs, run_costs
from leaderboard.stats.averages import (
    Seeds,
    estimate,
    group_micro,
    means,
    seeds,
    task_macro,
    task_micro,
)
from leaderboard.store.board import by_label
from leaderboard.store.comparable import check_seeds, check_table, run_name
from leaderboard.store.reading import RecordError
from leaderboard.store.record import Record


def rows(records: Sequence[Record], track: Sequence[Record] = ()) -> list[Row]:
    """One row per label, best mean of ID and OOD first, ties by label.

    How far seeds differ is told by all records of the `track`, where more than these are given.
    Raises RecordError where records mix tracks, scopes or references, where two of a track ran
    under different settings or on different corpora, or where those of one label differ in their
    items.
    """
    check_table(records)
    runs, pool = list(by_label(records).values()), seeds(track or records)
    table = _ranked([row(each, pool) for each in runs], runs, pool)
    if table:
        table = _relative(_audited(table, records), records[0].reference)
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
        dirty=any(record.provenance.get("dirty") is True for record in records),
        skewed=any(record.skewed for record in records),
        upper_bound=records[0].upper_bound,
        knowledge=_knowledge(records[0]),
        suite=f"v{records[0].version}",
        contamination=overlaps(records),
        loglikelihood=loglikelihoods(records),
        **question_costs(sets),
        **run_costs(records),
    )


def _knowledge(record: Record) -> str | None:
    found = record.snapshot.get("knowledge")
    return found if isinstance(found, str) else None


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
