"""Intervals and tests over outcomes in which training seeds are crossed with test items.

A *matrix* holds the 0/1 outcomes of one method on one data set, (S seeds, n items). The
headline of D data sets is the unweighted mean of their means. Its variance has two sources:

    items   sum_d var_i(mean over seeds) / n_d / D^2
    seeds   max(0, var_s(headline of one seed) / S - residual)

where `residual` is the part of the seeds' variance that the item component already holds. The
three seeds of one method tell little of it, and nothing where the difference falls below zero:
`seed_variance` brings the rows of a track together, before anything is cut at zero.

Within a source, variances add up by Welch and Satterthwaite; across the two, each keeps the
t quantile of its own degrees of freedom (modified large-sample limits, Burdick and Graybill
1992): half width^2 = t_items^2 V_items + t_seeds^2 V_seeds. One pooled number of degrees of
freedom is simpler and covers less: 92 to 93 % at 3 seeds where the seeds vary most.

Items that share a source are no independent draws: `by_cluster` brings them together first, and
n is then the number of clusters.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import exp, inf, sqrt
from statistics import NormalDist, fmean, stdev
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy.special import bdtr, stdtrit  # pyright: ignore[reportMissingTypeStubs]

Matrix: TypeAlias = NDArray[np.float64]
ALPHA = 0.05
POWER = 0.8
NO_SPREAD = 1e-12
"""A variance below it is none, but for how floats are rounded."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """A headline as a fraction, with its 95 % interval."""

    value: float
    low: float
    high: float
    stderr: float


@dataclass(frozen=True, slots=True)
class Difference:
    """A - B as a fraction, with its 95 % interval and two-sided p value."""

    value: float
    low: float
    high: float
    stderr: float
    p: float

    @property
    def p_drop(self) -> float:
        """One-sided p value of the claim that A is lower than B."""
        return self.p / 2 if self.value < 0 else 1 - self.p / 2


@dataclass(frozen=True, slots=True)
class Component:
    """One source of variance of a mean."""

    variance: float
    df: float


def by_cluster(matrix: Matrix, clusters: Sequence[str]) -> Matrix:
    """Outcomes (S, n) -> (S, G), one column per cluster and with the same means over columns.

    `clusters` names the cluster of each item; [] leaves the items as they are. With T the sum of
    a cluster's outcomes and m the number of its items a column is mean + G / n * (T - m * mean),
    for clusters of one size their mean. The variance of the mean of such columns is the
    cluster-robust one of a ratio: G / (G - 1) * sum of (T - m * mean)^2 / n^2. The columns are
    linear in the outcomes, so differences and residuals of them are those of the items.
    """
    if not clusters:
        return matrix
    _, member = np.unique(np.array(clusters), return_inverse=True)
    sizes = np.bincount(member)
    sums = np.stack([np.bincount(member, weights=row) for row in matrix])
    mean = matrix.mean(axis=1, keepdims=True)
    return mean + len(sizes) / len(clusters) * (sums - sizes * mean)


def seed_variance(rows: Iterable[Sequence[Matrix]]) -> Component | None:
    """Variance between seeds of one run's headline, pooled over rows, with all their degrees of
    freedom; None where no row has two seeds. `rows` holds the matrices of each."""
    parts = [_between(matrices) for matrices in rows if len(matrices[0]) > 1]
    if not parts:
        return None
    df = sum(part.df for part in parts)
    return Component(max(0.0, sum(part.df * part.variance for part in parts) / df), df)


def headline(matrices: Sequence[Matrix], pool: Component | None = None) -> Estimate:
    """Unweighted mean over data sets. Seeds vary as `pool` has it, else as the row's own do; with
    one seed and no pool the interval speaks of items alone."""
    value = float(np.mean([matrix.mean() for matrix in matrices]))
    means = [matrix.mean(axis=0) for matrix in matrices]
    components = [_items(means, most=0.25), _runs([(matrices, pool)])]
    half = _half_width(components, ALPHA)
    return Estimate(value, max(0.0, value - half), min(1.0, value + half), _stderr(components))


def single(outcomes: Sequence[int], clusters: Sequence[str]) -> Estimate:
    """One run on one data set, its items in their clusters where it names them."""
    return headline([by_cluster(np.array([outcomes], dtype=np.float64), clusters)])


def difference(
    a: Sequence[Matrix],
    b: Sequence[Matrix],
    pools: tuple[Component | None, Component | None] = (None, None),
    scales: Sequence[float] = (),
) -> Difference:
    """Headline of A - headline of B: items paired column by column, seeds independent.

    `pools` are those of A and of B; None where a side's own seeds speak for it. `scales` are those
    by which each data set's outcomes, 0 or 1, were multiplied, if they were.
    """
    gaps = [x.mean(axis=0) - y.mean(axis=0) for x, y in zip(a, b, strict=True)]
    value = float(np.mean([gap.mean() for gap in gaps]))
    components = [_items(gaps, 1.0, scales), _runs([(a, pools[0]), (b, pools[1])])]
    half = _half_width(components, ALPHA)
    return Difference(
        value,
        max(-1.0, value - half),
        min(1.0, value + half),
        _stderr(components),
        _p_value(value, components),
    )


def detectable(a: Sequence[Matrix], b: Sequence[Matrix], pool: Component, n_seeds: int) -> float:
    """The true difference, as a fraction, that `n_seeds` runs of each side call significant with
    POWER, where items vary as these do and seeds as `pool` has it.

    What is chance in the spread over items shrinks with seeds; a single seed does not tell it.
    """
    items = _items([x.mean(axis=0) - y.mean(axis=0) for x, y in zip(a, b, strict=True)], most=1.0)
    chance = sum(
        (len(side[0]) / n_seeds - 1) * sum(map(_residual, side)) / len(side) ** 2 for side in (a, b)
    )
    variance = max(0.0, items.variance + chance)
    components = [Component(variance, items.df), Component(2 * pool.variance / n_seeds, pool.df)]
    return _half_width(components, ALPHA) + _half_width(components, 2 * (1 - POWER))


def detectable_drop(
    matrices: Sequence[Matrix], pool: Component, sides: tuple[int, int], alpha: float
) -> float:
    """The true drop, as a fraction and the same on all items, that so many runs of either side call
    one with POWER at that one-sided level. `matrices` are of two seeds or more: runs of one row
    differ on items as these do, and by seed as `pool` has it."""
    share = sum(1 / n for n in sides)
    of_items = [len(m) * _residual(m) / len(matrices) ** 2 for m in matrices]
    parts = [
        Component(share * variance, max(m.shape[1] - 1, 1))
        for variance, m in zip(of_items, matrices, strict=True)
    ]
    components = [_pooled(parts), Component(share * pool.variance, pool.df)]
    return _half_width(components, 2 * alpha) + _half_width(components, 2 * (1 - POWER))


def mean_interval(values: Sequence[float]) -> tuple[float, float] | None:
    """95 % limits of the mean of independent differences in [-1, 1]; None for a single one."""
    n = len(values)
    if n < 2:
        return None
    half = _quantile(n - 1, 1 - ALPHA / 2) * stdev(values) / sqrt(n)
    return max(-1.0, fmean(values) - half), min(1.0, fmean(values) + half)


def mcnemar(a: Sequence[int], b: Sequence[int]) -> float:
    """Exact two-sided p value for two runs (0/1 each) on the same items."""
    only_a = sum(x > y for x, y in zip(a, b, strict=True))
    only_b = sum(x < y for x, y in zip(a, b, strict=True))
    return min(1.0, 2 * float(bdtr(min(only_a, only_b), only_a + only_b, 0.5)))


def _items(means: Sequence[Matrix], most: float, scales: Sequence[float] = ()) -> Component:
    """Item component from each data set's per-item means (n_d,).

    A single item tells nothing of the spread: it counts with the most it can be. Nor do items that
    are all alike, but `unseen` does.
    """
    parts, alike = list[Component](), Component(0.0, inf)
    for mean, scale in zip(means, scales or [1.0] * len(means), strict=True):
        n = len(mean)
        variance = float(mean.var(ddof=1)) if n > 1 else most * scale**2
        is_alike = variance < NO_SPREAD
        of_mean = (scale * unseen(n)) ** 2 if is_alike else variance / n
        part = Component(of_mean / len(means) ** 2, max(n - 1, 1))
        if not is_alike:
            parts.append(part)
        elif part.variance > alike.variance:
            alike = part
    return _pooled([*parts, alike])


def unseen(n: int) -> float:
    """Standard error of a mean over n items that are all alike: normal limits with it are those of
    a proportion of none (Wilson 1927). Of several such data sets the one counts that tells the
    least: a rare other item need not be in all of them."""
    z = NormalDist().inv_cdf(1 - ALPHA / 2)
    return z / (n + z**2)


def _runs(sides: Sequence[tuple[Sequence[Matrix], Component | None]]) -> Component:
    """Seed component of the sides together. A pool is one estimate, so its degrees of freedom
    count once however many sides it serves."""
    own = [seed_component(matrices) for matrices, pool in sides if pool is None]
    shares: dict[Component, float] = {}
    for matrices, pool in sides:
        if pool is not None:
            shares[pool] = shares.get(pool, 0.0) + 1 / len(matrices[0])
    shared = [Component(share * pool.variance, pool.df) for pool, share in shares.items()]
    return _pooled([*own, *shared])


def seed_component(matrices: Sequence[Matrix]) -> Component:
    """Seed component of a headline, beyond what the item component already holds."""
    n_seeds = len(matrices[0])
    if n_seeds == 1:
        return Component(0.0, inf)
    between = _between(matrices)
    return Component(max(0.0, between.variance) / n_seeds, between.df)


def _between(matrices: Sequence[Matrix]) -> Component:
    """Variance between seeds of one run's headline, which may come out below zero."""
    n_seeds = len(matrices[0])
    headlines = np.mean([matrix.mean(axis=1) for matrix in matrices], axis=0)
    residual = sum(_residual(matrix) for matrix in matrices) / len(matrices) ** 2
    return Component(float(headlines.var(ddof=1)) - n_seeds * residual, n_seeds - 1)


def _residual(matrix: Matrix) -> float:
    """Seed-by-item variance of one data set's mean."""
    n_seeds, n = matrix.shape
    if n == 1 or n_seeds == 1:
        return 0.0
    by_seed, by_item = matrix.mean(axis=1, keepdims=True), matrix.mean(axis=0, keepdims=True)
    rest = matrix - by_seed - by_item + matrix.mean()
    return float((rest**2).sum()) / ((n_seeds - 1) * (n - 1)) / (n_seeds * n)


def _pooled(parts: Sequence[Component]) -> Component:
    """Sum of independent components, degrees of freedom after Welch and Satterthwaite."""
    variance = sum(part.variance for part in parts)
    spread = sum(part.variance**2 / part.df for part in parts)
    return Component(variance, variance**2 / spread if spread > 0 else inf)


def _stderr(components: Sequence[Component]) -> float:
    return sqrt(sum(component.variance for component in components))


def _half_width(components: Sequence[Component], alpha: float) -> float:
    """Half width of the 1 - alpha interval."""
    return sqrt(sum(c.variance * _quantile(c.df, alpha / 2) ** 2 for c in components if c.variance))


def _quantile(df: float, level: float) -> float:
    """Quantile of Student's t."""
    return NormalDist().inv_cdf(level) if df == inf else float(stdtrit(df, level))


def _p_value(value: float, components: Sequence[Component]) -> float:
    """Two-sided p value: the alpha whose interval just touches zero; 1e-12 at the least."""
    if value == 0:
        return 1.0
    low, high = -27.6, 0.0  # of log(alpha)
    for _ in range(50):
        middle = (low + high) / 2
        if _half_width(components, exp(middle)) > abs(value):
            low = middle
        else:
            high = middle
    return exp(high)
