"""Rows at the track's settings, and rows at settings of their own that trials on dev chose."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from leaderboard.store.record import Record
from leaderboard.store.trials import counted


def shown(records: Sequence[Record], roots: Sequence[Path], *, tuned: bool = True) -> list[Record]:
    """The records of a table, tuned ones with the trials counted that lie under `roots`.

    Of a row that was tuned, the tuned runs alone, and all are held against the tuned reference;
    with `tuned` false those at the track's settings.
    """
    names = {record.label: str(of["of"]) for record in records if (of := record.own)}
    hidden = set(names.values()) if tuned else set(names)
    reference = {of: label for label, of in names.items()} if tuned else {}
    return [
        replace(
            _counted(record, roots), reference=reference.get(record.reference, record.reference)
        )
        for record in records
        if record.label not in hidden
    ]


def _counted(record: Record, roots: Sequence[Path]) -> Record:
    if record.own is None:
        return record
    n = counted(record, roots)
    return replace(record, training=replace(record.training, tuning_trials=n))
