"""Parquet: the columns of CSV with their types, and what they mean in the file's metadata."""

# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false
# pyright: reportUnknownArgumentType=false, reportUnknownVariableType=false

import io
from collections.abc import Sequence

import pyarrow as pa
import pyarrow.parquet as parquet

from leaderboard.show.exporting import Shown, columns, flat
from leaderboard.show.render import legend

_TOO_LARGE = 2**63
"""Parquet's integers end below it."""


def export(shown: Shown) -> bytes:
    """Exact numbers, accuracies as fractions; null where a row does not have a column."""
    lines = [flat(row) for row in shown.rows]
    names = columns(lines)
    table = pa.table(
        {name: pa.array(_fitting([line.get(name) for line in lines])) for name in names},
        metadata={"legend": legend(shown.rows)},
    )
    file = io.BytesIO()
    parquet.write_table(table, file)
    return file.getvalue()


def _fitting(values: Sequence[object]) -> Sequence[object]:
    """A column with a count that no integer of Parquet holds as floats, sixteen digits of it."""
    if any(isinstance(value, int) and value >= _TOO_LARGE for value in values):
        return [float(value) if isinstance(value, int) else value for value in values]
    return values
