"""The columns of the page's tables: texts as the board has them, and what they are sorted by."""

from collections.abc import Sequence
from dataclasses import dataclass

from leaderboard.rows.row import Row
from leaderboard.stats.formats import NONE, interval, place, ratio
from leaderboard.stats.intervals import Estimate
from leaderboard.stats.rank_intervals import Rank


@dataclass(frozen=True, slots=True)
class Cell:
    """What stands in a table, and by what its column is sorted; None comes last."""

    text: str
    value: float | None
    limits: tuple[float, float] | None = None
    """Of an interval, in percent, as `value` is."""


@dataclass(frozen=True, slots=True)
class Column:
    """A heading, its unit, and what it says in words."""

    title: str
    unit: str
    about: str
    cells: list[Cell]


def columns(ranked: Sequence[Row]) -> list[Column]:
    """All but the name of the row, as the board's table has them."""
    return [
        Column("seeds", "", "Training runs", [_number(row.n_seeds, "d") for row in ranked]),
        Column("ID", "%", "Accuracy in domain", [_interval(row.id) for row in ranked]),
        *rank_column([row.id_rank for row in ranked], "rank ID"),
        Column("OOD", "%", "Accuracy out of domain", [_interval(row.ood) for row in ranked]),
        *rank_column([row.ood_rank for row in ranked], "rank OOD"),
        Column(
            "FLOPs",
            "\N{MULTIPLICATION SIGN} reference",
            "FLOPs of a solved question, relative to the reference",
            [Cell(ratio(row.relative_flops), rounded(row.relative_flops)) for row in ranked],
        ),
        Column("ttft", "ms", "Time to first token", [_milliseconds(r.ttft_s) for r in ranked]),
        Column("tpot", "ms", "Time per output token", [_milliseconds(r.tpot_s) for r in ranked]),
        Column(
            "prompt",
            "tokens",
            "Prompt tokens of a question",
            [_number(row.prompt_tokens, ".1f") for row in ranked],
        ),
        Column(
            "generated",
            "tokens",
            "Generated tokens of a question",
            [_number(row.generated_tokens, ".1f") for row in ranked],
        ),
        Column(
            "training",
            "tokens",
            "Tokens that one run trained on",
            [_number(row.train_tokens, ",d") for row in ranked],
        ),
        Column(
            "training",
            "s",
            "Seconds that one run trained",
            [_number(row.train_s, ",.1f") for row in ranked],
        ),
    ]


def rank_column(ranks: Sequence[Rank | None], title: str) -> list[Column]:
    """A column of rank intervals; none where no row has one."""
    if not any(ranks):
        return []
    # Sorted by the best place, then by the worst.
    cells = [Cell(place(rank), rank and rank.low + rank.high / 1000) for rank in ranks]
    return [Column(title, "places", "Places that the tests of all pairs leave open", cells)]


def rounded(value: float | None) -> float | None:
    """To six digits: the last ones of a float differ from machine to machine."""
    return None if value is None else float(f"{value:.6g}")


def _interval(found: Estimate | None) -> Cell:
    if found is None:
        return Cell(NONE, None)
    # Drawn, not sorted by: a tenth is less than a pixel.
    low, high = (round(100 * each, 1) for each in (found.low, found.high))
    return Cell(interval(found), round(100 * found.value, 3), (low, high))


def _milliseconds(seconds: float | None) -> Cell:
    return Cell(NONE, None) if seconds is None else _number(1000 * seconds, ".2f")


def _number(value: float, form: str) -> Cell:
    return Cell(format(value, form), rounded(value))
