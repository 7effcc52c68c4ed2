"""Which rows anyone can score again: those of whose every run the answers are kept."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from leaderboard.rows.row import Row
from leaderboard.store.generations import place
from leaderboard.store.record import Record


def with_texts(table: Sequence[Row], files: Mapping[Path, Record]) -> list[Row]:
    """The rows with how many of their runs have kept texts; `files` are at least their records."""
    kept = Counter(record.label for path, record in files.items() if place(path).is_file())
    return [replace(row, n_texts=kept[row.method]) for row in table]
