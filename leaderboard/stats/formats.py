"""Cells and tables: how a name, a fraction, an interval and a ratio look everywhere."""

import re
from collections.abc import Mapping, Sequence
from typing import Literal

from tabulate import tabulate

from leaderboard.stats.intervals import Difference, Estimate
from leaderboard.stats.rank_intervals import Rank

TableFormat = Literal["text", "markdown", "latex"]
STYLE: Mapping[TableFormat, str] = {
    "text": "simple",
    "markdown": "pipe",
    "latex": "latex_booktabs",
}
DIRTY, SKEWED, UNEQUAL, OUTSIDE, BOUND, UNKEPT = "†", "‡", "!", "?", "^", "°"
MARKS: Mapping[str, str] = {
    DIRTY: "run from an uncommitted working tree",
    SKEWED: "the test prompt differs on purpose from the one that was trained",
    UNEQUAL: "not matched with {reference} in training tokens, steps, tuning trials or decoding",
    OUTSIDE: "training loss outside the band of the label's published runs",
    BOUND: "an upper bound, which has no rank: shown, at test time, which facts a question needs",
    UNKEPT: "not verified: the answers of some of its runs are not kept, so its outcomes cannot be"
    " scored again",
}
"""What each says of a row; `reference` is to be filled in."""
NONE = "-"
LEAST_P = 1e-9
"""Above the least that is computed, 1e-12, times the number of tests of any table."""


def tabulated(headers: Sequence[str], body: Sequence[Sequence[str]], form: TableFormat) -> str:
    """A table of texts: the first column on the left, the others on the right.

    Texts may be a stranger's: none can leave its cell.
    """
    return tabulate(
        [[escaped(cell, form) for cell in line] for line in body],
        headers=[escaped(header, form) for header in headers],
        tablefmt=STYLE[form],
        disable_numparse=True,
        colalign=("left", *("right" for _ in headers[1:])) if body else None,
    )


def escaped(text: str, form: TableFormat) -> str:
    """A text as nothing but text: no markup, no link, no line break, nothing that moves a cursor.

    For LaTeX the tables' library escapes what is special there.
    """
    plain = "".join(each if each.isprintable() else " " for each in text)
    if form != "markdown":
        return plain
    # A ">" opens nothing inside a line.
    without_tags = plain.replace("&", "&amp;").replace("<", "&lt;")
    quoted = re.sub(r"([\\`*|$]|\](?=[(\[:])|(?<=!)\[)", r"\\\1", without_tags)
    # GitHub makes a link of a bare address.
    return re.sub(r"(?i)\b(https?|ftp)://|\b(www)\.|\b(mailto|xmpp):", _unlinked, quoted)


def _unlinked(address: re.Match[str]) -> str:
    return address[0].replace(":", "&#58;").replace(".", "&#46;")


def marked(name: str, marks: Mapping[str, bool]) -> str:
    """The name with those marks behind it that apply."""
    shown = "".join(mark for mark, applies in marks.items() if applies)
    return f"{name} {shown}" if shown else name


def percent(fraction: float | None) -> str:
    """A fraction in percent, to one decimal."""
    return NONE if fraction is None else f"{100 * fraction:.1f}"


def p_value(p: float) -> str:
    """A p value, or that it is below what is computed."""
    return f"{p:.3g}" if p >= LEAST_P else f"<{LEAST_P:g}"


def interval(estimate: Estimate | None) -> str:
    """A fraction in percent, with its limits."""
    if estimate is None:
        return NONE
    low, high = percent(estimate.low), percent(estimate.high)
    return f"{percent(estimate.value)} [{low}, {high}]"


def place(rank: Rank | None) -> str:
    """The places that are open to a row, such as 3-7."""
    if rank is None:
        return NONE
    return f"{rank.low}" if rank.low == rank.high else f"{rank.low}-{rank.high}"


def points(difference: float) -> str:
    """A difference of two fractions in points of a percentage, with its sign; no -0.0."""
    return f"{100 * difference:+z.1f}"


def gap(difference: Difference) -> str:
    """A difference in points, with its limits."""
    return f"{points(difference.value)} [{points(difference.low)}, {points(difference.high)}]"


def ratio(value: float | None) -> str:
    """A ratio to two decimals."""
    return NONE if value is None else f"{value:.2f}"


def significant(value: float) -> str:
    """A cost to four significant digits."""
    return f"{value:.4g}"
