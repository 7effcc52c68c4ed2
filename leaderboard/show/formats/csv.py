"""CSV: one line per row."""

import csv
import io

from leaderboard.show.exporting import Shown, columns, flat

_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")


def export(shown: Shown) -> str:
    """Exact numbers, accuracies as fractions; nested values as columns `id.low`, `tasks.NAME`."""
    lines = [flat(row) for row in shown.rows]
    text = io.StringIO()
    writer = csv.DictWriter(text, columns(lines), lineterminator="\n")
    writer.writeheader()
    writer.writerows({key: _inert(value) for key, value in line.items()} for line in lines)
    return text.getvalue()


def _inert(value: object) -> object:
    """A text that a spreadsheet would take for a formula, behind an apostrophe."""
    return f"'{value}" if isinstance(value, str) and value.startswith(_FORMULA) else value
