"""CSV: one line per row."""

import csv
import io

from leaderboard.show.exporting import Shown, columns, flat


def export(shown: Shown) -> str:
    """Exact numbers, accuracies as fractions; nested values as columns `id.low`, `tasks.NAME`."""
    lines = [flat(row) for row in shown.rows]
    text = io.StringIO()
    writer = csv.DictWriter(text, columns(lines), lineterminator="\n")
    writer.writeheader()
    writer.writerows(lines)
    return text.getvalue()
