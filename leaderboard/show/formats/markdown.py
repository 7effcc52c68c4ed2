"""Markdown: the tables that LEADERBOARD.md has."""

from leaderboard.show.exporting import Shown
from leaderboard.show.render import detail, legend, table
from leaderboard.show.signature import signature_lines


def export(shown: Shown) -> str:
    """Rounded numbers, accuracies in percent, and what they mean."""
    rows = shown.rows
    signed = "".join(f"<!-- {line} -->\n" for line in signature_lines(rows))
    note = f"{legend(rows)} {shown.resolution}".strip()
    tables = f"{table(rows, 'markdown')}\n\n{note}\n\n{detail(rows, 'markdown')}\n"
    return f"{tables}\n{signed}" if signed else tables
