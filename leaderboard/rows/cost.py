"""What a solved question costs a row, in one number."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias

from leaderboard.rows.row import Row

CostName: TypeAlias = Literal["flops", "latency"]


@dataclass(frozen=True, slots=True)
class Cost:
    """A cost per question: `of` is None where a row's is not that of the same questions."""

    title: str
    unit: str
    of: Callable[[Row], float | None]
    about: str
    """What it is and how far it can be trusted, in a sentence."""


def _flops(row: Row) -> float | None:
    return row.total_flops if row.is_comparable else None


def _latency(row: Row) -> float | None:
    """Seconds: the first token of each call, and then each further one. None without a time for
    these where there are some."""
    n_further = row.generated_tokens - row.n_calls
    if row.overflow or row.ttft_s is None or (row.tpot_s is None and n_further > 0):
        return None
    return row.n_calls * row.ttft_s + max(0.0, n_further) * (row.tpot_s or 0.0)


COSTS: Mapping[CostName, Cost] = {
    "flops": Cost(
        "FLOPs",
        "FLOP",
        _flops,
        "Cost: FLOPs per solved question, an exact count of every call's prompt and completion,"
        " helpers included.",
    ),
    "latency": Cost(
        "seconds",
        "s",
        _latency,
        "Cost: seconds per solved question, ttft of every call + tpot x further tokens, from"
        " medians at batch 1, without an interval, and each on the machine of its own runs: between"
        " machines, or beside other work, they tell nothing.",
    ),
}
