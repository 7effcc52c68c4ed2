"""LaTeX: the tables for \\input into a paper that loads booktabs, and graphicx to fit the page."""

from leaderboard.show.exporting import Shown
from leaderboard.show.render import detail, legend, table
from leaderboard.show.signature import signature_lines
from leaderboard.stats.formats import escaped

_UNSCALED = r"\providecommand{\resizebox}[3]{#3}"
"""Where graphicx is not loaded a table has the width that it has."""


def export(shown: Shown) -> str:
    """Rounded numbers, accuracies in percent; what they mean stands in a comment."""
    rows = shown.rows
    note = f"{legend(rows)} {shown.resolution}".strip()
    note = escaped(note, "latex").replace("%", "percent")
    signed = "".join(f"% {line}\n" for line in signature_lines(rows))
    below = "\n\n".join(map(_fitted, detail(rows, "latex").split("\n\n")))
    tables = f"{_UNSCALED}\n{_fitted(table(rows, 'latex'))}\n\n% {note}\n\n{below}\n"
    return f"{tables}\n{signed}" if signed else tables


def _fitted(tabular: str) -> str:
    """At its own size, or as wide as the line where it is wider, as with all its columns it is."""
    scaled = r"\ifdim\wd0>\linewidth\resizebox{\linewidth}{!}{\usebox0}\else\usebox0\fi"
    return rf"\noindent\sbox0{{{tabular}}}{scaled}\par\bigskip"
