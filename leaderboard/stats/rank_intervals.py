"""Rank intervals: the places in a table that the tests of all its pairs leave open to each row.

Two rows are told apart where `intervals.difference` is significant after Holm over all pairs of
the table. A row's rank lies, with 95 % for all rows together, between 1 + the rows that are told to
be better and N - those that are told to be worse. Nothing is drawn: the same outcomes give the same
ranks.

All pairs are computed at once, and without p values: Holm's step-down asks only which differences
are significant at a level, and a difference is where its interval at that level leaves out zero.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri, stdtrit  # pyright: ignore[reportMissingTypeStubs]

from leaderboard.stats.intervals import ALPHA, NO_SPREAD, Component, Matrix, seed_component, unseen

Floats: TypeAlias = NDArray[np.float64]
Bools: TypeAlias = NDArray[np.bool_]
Index: TypeAlias = NDArray[np.intp]
NO_GAP = 1e-12
"""Headlines closer than this differ by how floats are rounded."""


@dataclass(frozen=True, slots=True)
class Rank:
    """The places from `low` to `high` among `of` rows; 1 is the best."""

    low: int
    high: int
    of: int


@dataclass(frozen=True, slots=True)
class _Source:
    """One source of variance of each pair's difference: (pairs,) each."""

    variance: Floats
    df: Floats


def rank_intervals(
    rows: Sequence[Sequence[Matrix]], pools: Sequence[Component | None]
) -> list[Rank]:
    """The rank interval of each row.

    A row is its matrices, a data set each, in which all rows have columns of the same items;
    `pools` are those of `intervals.difference`, one for each row.
    """
    n = len(rows)
    better = told_better(rows, pools)
    above, below = better.sum(axis=0).tolist(), better.sum(axis=1).tolist()
    return [Rank(1 + above[i], n - below[i], n) for i in range(n)]


def told_better(
    rows: Sequence[Sequence[Matrix]],
    pools: Sequence[Component | None],
    *,
    each_alone: bool = False,
) -> Bools:
    """(N, N): whether row i is told to be better than row j, after Holm over all pairs or, for who
    reads but one of them, `each_alone`."""
    n = len(rows)
    better = np.zeros((n, n), dtype=bool)
    if n < 2:
        return better
    one, other = np.triu_indices(n, 1)
    means = [np.stack([row[d].mean(axis=0) for row in rows]) for d in range(len(rows[0]))]
    headlines = np.mean([mean.mean(axis=1) for mean in means], axis=0)
    gaps = headlines[one] - headlines[other]
    gaps[np.abs(gaps) < NO_GAP] = 0.0
    sources = [_items(means, one, other), _seeds(rows, pools, one, other)]
    sizes = np.abs(gaps)
    told = sizes > _reach(sources, ALPHA) if each_alone else _stepped_down(sizes, sources)
    better[one, other] = told & (gaps > 0)
    better[other, one] = told & (gaps < 0)
    return better


def _items(means: Sequence[Matrix], one: Index, other: Index) -> _Source:
    """Item component of each pair from per-item means (N, n_d), as `intervals.difference` has it:
    the variance of a gap is var a + var b - 2 cov."""
    variance, spread, alike, alike_spread = (np.zeros(len(one)) for _ in range(4))
    for mean in means:
        n = mean.shape[1]
        part = np.ones(len(one))  # a single item counts with the most it can be
        if n > 1:
            cov = np.cov(mean)
            part = np.maximum(0.0, cov[one, one] + cov[other, other] - 2 * cov[one, other])
        is_alike = part < NO_SPREAD
        part = np.where(is_alike, unseen(n) ** 2, part / n) / len(means) ** 2
        of_part = part**2 / max(n - 1, 1)
        is_worst = is_alike & (part > alike)
        alike[is_worst], alike_spread[is_worst] = part[is_worst], of_part[is_worst]
        variance += np.where(is_alike, 0.0, part)
        spread += np.where(is_alike, 0.0, of_part)
    return _pooled(variance + alike, spread + alike_spread)


def _seeds(
    rows: Sequence[Sequence[Matrix]],
    pools: Sequence[Component | None],
    one: Index,
    other: Index,
) -> _Source:
    """Seed component of each pair: what the rows' own seeds tell, and their shares of pools."""
    own = [
        seed_component(row) if pool is None else Component(0.0, 1.0)
        for row, pool in zip(rows, pools, strict=True)
    ]
    of_own = np.array([each.variance for each in own])
    of_spread = np.array([each.variance**2 / each.df for each in own])
    variance, spread = of_own[one] + of_own[other], of_spread[one] + of_spread[other]
    for pool in dict.fromkeys(each for each in pools if each is not None):
        share = np.array(
            [1 / len(row[0]) if p == pool else 0.0 for row, p in zip(rows, pools, strict=True)]
        )
        pooled = (share[one] + share[other]) * pool.variance
        variance += pooled
        spread += pooled**2 / pool.df
    return _pooled(variance, spread)


def _pooled(variance: Floats, spread: Floats) -> _Source:
    """Degrees of freedom after Welch and Satterthwaite."""
    df = np.full_like(variance, np.inf)
    np.divide(variance**2, spread, out=df, where=spread > 0)
    return _Source(variance, df)


def _stepped_down(sizes: Floats, sources: Sequence[_Source]) -> Bools:
    """Which differences Holm's step-down calls significant.

    k of m rejected, the next are all whose p is at most ALPHA / (m - k), until there is none.
    """
    told = np.zeros(len(sizes), dtype=bool)
    while len(left := np.flatnonzero(~told)):
        of_left = [_Source(each.variance[left], each.df[left]) for each in sources]
        more = left[sizes[left] > _reach(of_left, ALPHA / len(left))]
        if not len(more):
            break
        told[more] = True
    return told


def _reach(sources: Sequence[_Source], alpha: float) -> Floats:
    """Half the width of each pair's 1 - alpha interval."""
    squares = [each.variance * _quantiles(each.df, alpha / 2) ** 2 for each in sources]
    return np.sqrt(np.sum(squares, axis=0))


def _quantiles(df: Floats, level: float) -> Floats:
    """Quantiles of Student's t; few values of df are shared by many pairs."""
    values, place = np.unique(df, return_inverse=True)
    finite = np.isfinite(values)
    found = np.full_like(values, float(ndtri(level)))
    found[finite] = stdtrit(values[finite], level)
    return found[place]
