"""Least squares of log cost on log size."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, slots=True)
class Power:
    """cost ~ size^exponent, from sizes `low` to `high`."""

    exponent: float
    error: float
    """Standard error of the exponent: how far the points lie from a line, not how a day differs."""
    last: float
    """The exponent between the two largest sizes alone: what is constant weighs least there."""
    low: float
    high: float
    n: int

    def told(self, cost: str, size: str) -> str:
        """In words."""
        return (
            f"**{cost}** ~ {size}^({self.exponent:.2f} ± {self.error:.2f}): twice the {size},"
            f" {2**self.exponent:.2f} times the {cost}; {self.last:.2f} between the two largest"
        )


def fit(points: Sequence[tuple[float, float]]) -> Power:
    """The power law through (size, cost); ValueError for fewer than three, or one not above 0."""
    sizes, costs = (np.array(column, dtype=float) for column in zip(*points, strict=True))
    if len(sizes) < 3 or min(*sizes, *costs) <= 0:
        raise ValueError(f"a power law needs three points above 0, not {[*points]}")
    x, y = np.log(sizes), np.log(costs)
    exponent, constant = np.polyfit(x, y, 1)
    rest = y - exponent * x - constant
    error = np.sqrt(rest @ rest / (len(x) - 2) / np.sum((x - x.mean()) ** 2))
    a, b = np.argsort(x)[-2:]
    last = (y[b] - y[a]) / (x[b] - x[a])
    return Power(float(exponent), float(error), float(last), min(sizes), max(sizes), len(x))
