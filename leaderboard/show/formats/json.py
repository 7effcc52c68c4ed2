"""JSON: a list of rows with all their fields."""

import json

from leaderboard.rows.row import row_json
from leaderboard.show.exporting import Shown


def export(shown: Shown) -> str:
    """Exact numbers, accuracies as fractions."""
    return json.dumps([row_json(row) for row in shown.rows], indent=1) + "\n"
