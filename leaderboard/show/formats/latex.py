"""LaTeX: the tables for \\input into a paper that loads booktabs."""

from leaderboard.show.exporting import Shown
from leaderboard.show.render import detail, legend, table
from leaderboard.show.signature import signature_lines
from leaderboard.stats.formats import escaped


def export(shown: Shown) -> str:
    """Rounded numbers, accuracies in percent; what they mean stands in a comment."""
    rows = shown.rows
    note = f"{legend(rows)} {shown.resolution}".strip()
    note = escaped(note, "latex").replace("%", "percent")
    signed = "".join(f"% {line}\n" for line in signature_lines(rows))
    tables = f"{table(rows, 'latex')}\n\n% {note}\n\n{detail(rows, 'latex')}\n"
    return f"{tables}\n{signed}" if signed else tables
