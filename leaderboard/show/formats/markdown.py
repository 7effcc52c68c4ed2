"""Markdown: the tables that LEADERBOARD.md has."""

from leaderboard.show.exporting import Shown
from leaderboard.show.render import detail, legend, table


def export(shown: Shown) -> str:
    """Rounded numbers, accuracies in percent, and what they mean."""
    rows = shown.rows
    return f"{table(rows, 'markdown')}\n\n{legend(rows)}\n\n{detail(rows, 'markdown')}\n"
