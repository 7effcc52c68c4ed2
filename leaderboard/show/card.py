"""What a model card says of accuracy: each record's headlines and data sets, with intervals."""

from collections.abc import Sequence
from dataclasses import asdict

from leaderboard.rows.rank import rows
from leaderboard.stats.formats import escaped, interval, tabulated
from leaderboard.stats.intervals import single
from leaderboard.store.record import Record, Scope


def results(records: Sequence[Record]) -> str:
    """One table per record, in markdown; says so where there is none."""
    if not records:
        return "Not evaluated: no record of this run was found, so nothing is claimed."
    return "\n\n".join(_result(record) for record in records)


def _result(record: Record) -> str:
    (row,) = rows([record])
    body = [["ID, mean over data sets", "", interval(row.id)]]
    if row.ood is not None:
        body.append(["OOD, mean over data sets", "", interval(row.ood)])
    for name, data_set in record.data_sets.items():
        found = single(data_set.strict, data_set.clusters)
        questions = str(len(data_set.items))
        body.append([f"{name} ({data_set.group})", questions, interval(found)])
    table = tabulated(("data set", "questions", "accuracy % [95 %]"), body, "markdown")
    told = record.provenance
    where = escaped(f"{told.get('device')}, {told.get('date')}", "markdown")
    return f"Questions: {_scope(record.scope)}. Measured on {where}.\n\n{table}"


def _scope(scope: Scope) -> str:
    if scope.is_public:
        return "all those of the track's test split"
    changed = {k: v for k, v in asdict(scope).items() if v != getattr(Scope(), k)}
    told = ", ".join(f"{name} {value}" for name, value in sorted(changed.items()))
    return f"not those of the public table ({told})"
