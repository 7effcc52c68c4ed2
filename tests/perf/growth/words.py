"""Tables and numbers of the page."""

from collections.abc import Sequence

from tabulate import tabulate


def table(head: Sequence[str], body: Sequence[Sequence[str]], left: int = 1) -> str:
    """In Markdown; all but the first `left` columns stand on the right."""
    align = ["left"] * left + ["right"] * (len(head) - left)
    return tabulate(body, head, tablefmt="pipe", disable_numparse=True, colalign=align)


def digits(value: float) -> str:
    """Three of them, without an exponent."""
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"
