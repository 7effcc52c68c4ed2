"""Closed forms, properties and coverage of the board's statistics."""

from itertools import product
from math import comb, sqrt

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import ndtr
from scipy.stats import binomtest, t, ttest_rel

from leaderboard.stats.holm import holm
from leaderboard.stats.intervals import (
    Component,
    by_cluster,
    detectable,
    difference,
    headline,
    mcnemar,
    seed_component,
    seed_variance,
    single,
    unseen,
)

outcomes = st.lists(st.integers(0, 1), min_size=2, max_size=12)
SIZES = np.tile([2, 8, 5, 9], 10)
CLUSTERS = [str(cluster) for cluster in np.repeat(np.arange(40), SIZES)]
p_lists = st.lists(st.floats(0, 1), min_size=1, max_size=8)


def matrix(*rows):
    return np.array(rows, dtype=float)


def simulate(rng, n_seeds, items, seed_sd, c=0.3):
    """Outcomes of one method on data sets whose latent item effects are given, (n,) each.

    Latent variance is 1 in all, so the probability of a right answer is the normal cdf of c.
    """
    seeds = rng.normal(size=(n_seeds, 1)) * seed_sd
    rest = sqrt(1 - 0.36 - seed_sd**2)
    draw = [seeds + 0.6 * each + rest * rng.normal(size=(n_seeds, len(each))) for each in items]
    return [(each < c).astype(float) for each in draw]


def clustered_effects(rng):
    """Latent item effects of one data set, variance 1, seven tenths of it shared in a cluster."""
    shared = np.repeat(rng.normal(size=(1, len(SIZES))), SIZES, axis=1)
    return sqrt(0.7) * shared + sqrt(0.3) * rng.normal(size=(1, len(CLUSTERS)))


def test_the_headline_weighs_data_sets_alike_whatever_their_size():
    small, large = matrix([1, 0]), matrix([1] * 9 + [0])
    assert headline([small, large]).value == pytest.approx((0.5 + 0.9) / 2)


def test_one_seed_on_one_data_set_gives_the_t_interval_of_a_mean():
    outcome = np.array([1, 1, 0, 1, 0, 1, 1, 1, 0, 1], dtype=float)
    estimate = headline([outcome[None]])
    stderr = outcome.std(ddof=1) / sqrt(10)
    assert estimate.stderr == pytest.approx(stderr)
    assert estimate.high == pytest.approx(min(1, 0.7 + 2.262157 * stderr))
    assert estimate.low == pytest.approx(0.7 - 2.262157 * stderr)


def test_the_two_components_add_up_as_in_the_closed_form():
    x = matrix([1, 1, 1, 1, 1, 0], [1, 0, 0, 0, 0, 0], [1, 1, 1, 0, 0, 0])
    items = x.mean(axis=0).var(ddof=1) / 6
    rest = x - x.mean(axis=0) - x.mean(axis=1, keepdims=True) + x.mean()
    seeds = x.mean(axis=1).var(ddof=1) / 3 - (rest**2).sum() / (2 * 5) / (3 * 6)
    assert seeds > 0
    estimate = headline([x])
    assert estimate.stderr == pytest.approx(sqrt(items + seeds))
    whole = sqrt(2.570582**2 * items + 4.302653**2 * seeds)
    assert (estimate.low, estimate.high) == (max(0, 0.5556 - whole), min(1, 0.5556 + whole))


def test_seeds_that_differ_less_than_their_noise_add_no_variance():
    x = matrix([1, 0, 1, 0], [0, 1, 0, 1])  # every item and every seed has mean one half
    assert seed_component([x]).variance == 0.0


@pytest.mark.parametrize("n", [2, 20, 400])
@pytest.mark.parametrize("k", [0, 1])
def test_items_that_are_all_alike_have_the_interval_of_a_proportion(n, k):
    told = binomtest(k * n, n).proportion_ci(method="wilson")
    width = told.high - told.low
    assert 1.959964 * unseen(n) == pytest.approx(width)
    for seeds in (1, 3):
        found = headline([np.full((seeds, n), float(k))])
        by_t = width * t.ppf(0.975, n - 1) / 1.959964
        assert (found.low, found.high) == pytest.approx((max(0, k - by_t), min(1, k + by_t)))


def test_of_data_sets_that_are_all_alike_the_smallest_bounds_a_rare_other_item():
    small, large = np.zeros((1, 20)), np.ones((1, 300))
    found = headline([small, large])
    assert found.value == 0.5
    assert found.stderr == pytest.approx(unseen(20) / 2)


def test_seeds_vary_as_the_pool_has_it_also_where_a_row_is_always_wrong():
    pool = Component(0.03**2, 10)
    none, one = np.zeros((3, 300)), np.zeros((3, 300))
    one[0, 0] = 1
    assert headline([none], pool).high > 0.03
    assert headline([none], pool).high == pytest.approx(headline([one], pool).high, abs=0.01)


@pytest.mark.parametrize("n", [20, 50, 200])
def test_what_no_item_showed_is_covered_as_often_as_is_claimed(n):
    rng = np.random.default_rng(n)
    for rate in (0.3 / n, 1 / n, 3 / n):
        hits = 0
        for _ in range(1000):
            a, b = rng.random((4, 1, n)) < rate, np.zeros((4, 1, n))
            gap = difference(list(a.astype(float)), list(b))
            hits += gap.low <= rate <= gap.high
        assert hits >= 930, rate


def test_two_items_do_not_tell_two_methods_apart_for_certain():
    gap = difference([np.ones((1, 2))], [np.zeros((1, 2))])
    assert gap.value == 1.0 and gap.p > 0.05 and gap.low < 0


def test_a_single_item_counts_with_the_largest_variance_it_can_have():
    assert headline([matrix([1])]).stderr == pytest.approx(0.5)


@given(st.lists(outcomes, min_size=1, max_size=3))
def test_an_interval_holds_its_value_and_stays_in_the_unit_range(sets):
    estimate = headline([matrix(each, each[::-1]) for each in sets])
    assert 0 <= estimate.low <= estimate.value + 1e-12
    assert estimate.value - 1e-12 <= estimate.high <= 1


@given(outcomes, st.randoms())
def test_a_headline_does_not_depend_on_the_order_of_items_or_seeds(row, random):
    x = matrix(row, row[::-1], [1] * len(row))
    columns = list(range(len(row)))
    random.shuffle(columns)
    one, other = headline([x]), headline([x[::-1][:, columns]])
    assert (one.low, one.high) == pytest.approx((other.low, other.high))


def test_one_seed_each_on_one_data_set_gives_the_paired_t_test():
    rng = np.random.default_rng(0)
    a, b = (rng.random(40) < 0.7).astype(float), (rng.random(40) < 0.5).astype(float)
    gap = difference([a[None]], [b[None]])
    expected = ttest_rel(a, b)
    assert gap.p == pytest.approx(expected.pvalue, rel=1e-6)
    interval = expected.confidence_interval()
    assert (gap.low, gap.high) == pytest.approx((interval.low, interval.high))


@given(outcomes, st.data())
def test_a_difference_turns_its_sign_with_its_sides(row, data):
    other = data.draw(st.lists(st.integers(0, 1), min_size=len(row), max_size=len(row)))
    a, b = matrix(row, other, row[::-1]), matrix(other)
    one, two = difference([a], [b]), difference([b], [a])
    assert (one.value, one.low) == pytest.approx((-two.value, -two.high))
    assert one.p == pytest.approx(two.p)
    if one.value:
        assert one.p_drop + two.p_drop == pytest.approx(1)


@given(outcomes, st.data())
def test_p_is_under_five_percent_exactly_where_the_interval_leaves_out_zero(row, data):
    other = data.draw(st.lists(st.integers(0, 1), min_size=len(row), max_size=len(row)))
    gap = difference([matrix(row, row, other)], [matrix(other, row, row[::-1])])
    if abs(gap.p - 0.05) > 1e-6:
        assert (gap.p < 0.05) == (not gap.low <= 0 <= gap.high)


def test_the_same_outcomes_differ_by_nothing():
    x = matrix([1, 0, 1, 1], [0, 0, 1, 1])
    gap = difference([x], [x])
    assert (gap.value, gap.p) == (0.0, 1.0)


def test_a_drop_of_every_answer_is_beyond_doubt_and_a_gain_is_no_drop():
    ones, zeros = np.ones((1, 30)), np.zeros((1, 30))
    assert difference([zeros], [ones]).p_drop < 1e-9
    assert difference([ones], [zeros]).p_drop > 1 - 1e-9


@pytest.mark.parametrize("n_seeds", [3, 5])
@pytest.mark.parametrize("seed_sd", [0.02, 0.1, 0.3])
def test_intervals_cover_the_truth_as_often_as_they_claim(n_seeds, seed_sd):
    rng = np.random.default_rng(11)
    hits, repeats = 0, 3000
    for _ in range(repeats):
        items = rng.normal(size=(3, 80))
        estimate = headline(simulate(rng, n_seeds, items, seed_sd))
        hits += estimate.low <= ndtr(0.3) <= estimate.high
    assert 0.93 <= hits / repeats <= 0.97


@pytest.mark.parametrize("share", [0.2, 0.5, 0.7, 0.9, 0.99])
@pytest.mark.parametrize("n_seeds", [3, 5])
def test_one_number_of_degrees_of_freedom_for_both_sources_covers_less(n_seeds, share):
    """In the normal model, with many items; `share` is that of the seeds in the variance."""
    rng, n = np.random.default_rng(5), 50_000
    error = rng.normal(size=n)
    items, found = 1 - share, share * rng.chisquare(n_seeds - 1, n) / (n_seeds - 1)
    apart = t.ppf(0.975, np.inf) ** 2 * items + t.ppf(0.975, n_seeds - 1) ** 2 * found
    df = (items + found) ** 2 / (found**2 / (n_seeds - 1))
    pooled = t.ppf(0.975, df) ** 2 * (items + found)
    covered, of_pooled = (np.mean(error**2 <= width) for width in (apart, pooled))
    assert 0.945 <= covered <= 0.98 and of_pooled < covered
    if (n_seeds, share) == (3, 0.9):
        assert (round(100 * covered), round(100 * of_pooled)) == (96, 92)


@pytest.mark.parametrize("n_seeds", [(1, 1), (3, 3), (5, 3)])
def test_differences_of_equal_methods_are_called_significant_one_time_in_twenty(n_seeds):
    rng = np.random.default_rng(4)
    called, repeats = 0, 2000
    for _ in range(repeats):
        items = rng.normal(size=(3, 80))
        a, b = (simulate(rng, n, items, 0.0 if n == 1 else 0.15) for n in n_seeds)
        called += difference(a, b).p < 0.05
    assert 0.03 <= called / repeats <= 0.07


def untold(x):
    """Whether the seeds of a row differ less than their items make them."""
    return seed_variance([x]).variance == 0


def test_the_seeds_of_all_rows_are_brought_together_before_anything_is_cut_at_zero():
    apart = [matrix([1, 1, 1, 1, 1, 0], [1, 0, 0, 0, 0, 0], [1, 1, 1, 0, 0, 0])]
    level = [matrix([1, 0, 1, 0], [0, 1, 0, 1])]
    alone = seed_variance([apart])
    whole = headline(apart)
    assert alone.df == 2 and whole == headline(apart, alone)
    # Residual of `level`: all of 4 x 2 cells are off by one half, of 3 degrees of freedom.
    expected = (2 * alone.variance + 1 * (0 - 2 * (8 / 4) / 3 / 8)) / 3
    pool = seed_variance([apart, level, [matrix([1, 1])]])
    assert (pool.variance, pool.df) == (pytest.approx(expected), 3)
    assert seed_variance([[matrix([1, 0])]]) is None


def test_a_pool_speaks_for_rows_of_one_seed_and_counts_once_for_two_sides():
    x, y, pool = matrix([1, 0, 1, 0]), matrix([1, 1, 0, 0], [1, 1, 0, 1]), Component(0.01, 8)
    items = x[0].var(ddof=1) / 4
    assert headline([x], pool).stderr == pytest.approx(sqrt(items + 0.01))
    gaps = (x - y.mean(axis=0)).var(ddof=1) / 4
    both = difference([x], [y], (pool, pool))
    half = sqrt(3.182446**2 * gaps + 2.306004**2 * 0.01 * (1 + 1 / 2))
    assert both.high == pytest.approx(min(1, both.value + half))
    mixed = difference([x], [y], (pool, None))
    assert mixed.stderr == pytest.approx(sqrt(gaps + 0.01))  # y's own seeds differ by less than 0


@pytest.mark.parametrize("seed_sd", [0.06, 0.1])
def test_differences_of_rows_whose_own_seeds_tell_nothing_are_covered_by_the_pool(seed_sd):
    rng = np.random.default_rng(21)
    alone, pooled = list[bool](), list[bool]()
    while len(pooled) < 800:
        items = rng.normal(size=(3, 80))
        a, b = (simulate(rng, 3, items, seed_sd) for _ in range(2))
        if untold(a) and untold(b):
            pool = seed_variance([a, b, *(simulate(rng, 3, items, seed_sd) for _ in range(34))])
            alone.append(difference(a, b).p >= 0.05)
            pooled.append(difference(a, b, (pool, pool)).p >= 0.05)
    assert 0.93 <= np.mean(pooled) <= 0.97
    assert np.mean(alone) < 0.9


@pytest.mark.parametrize(("n_seeds", "lower"), [(3, 0.025), (6, 0.104)])
def test_the_detectable_difference_is_found_four_times_in_five(n_seeds, lower):
    rng = np.random.default_rng(8)
    pool = seed_variance([simulate(rng, 3, rng.normal(size=(3, 80)), 0.1) for _ in range(400)])
    found, told = list[bool](), list[float]()
    for _ in range(1500):
        items = rng.normal(size=(3, 80))
        a, b = (simulate(rng, n_seeds, items, 0.1, c) for c in (0.3, lower))
        found.append(difference(a, b, (pool, pool)).p < 0.05)
        told.append(detectable([x[:3] for x in a], [x[:3] for x in b], pool, n_seeds))
    assert np.mean(told) == pytest.approx(ndtr(0.3) - ndtr(lower), abs=0.003)
    assert 0.77 <= np.mean(found) <= 0.83


def test_clusters_of_one_size_count_as_their_means():
    x = matrix([1, 1, 0, 1, 0, 0], [1, 0, 0, 1, 1, 0])
    means = matrix([1, 1 / 2, 0], [1, 1 / 2, 0])
    assert by_cluster(x, ["a", "b", "c", "a", "b", "c"]) == pytest.approx(means)


def test_clusters_of_several_sizes_give_the_robust_variance_of_a_mean():
    y, clusters = np.array([1, 1, 1, 0, 1, 0, 0.0]), list("aaabbcd")
    gaps = [np.sum(y[[c == name for c in clusters]] - y.mean()) for name in "abcd"]
    expected = 4 / 3 * sum(gap**2 for gap in gaps) / 7**2
    estimate = headline([by_cluster(y[None], clusters)])
    assert estimate.value == pytest.approx(y.mean())
    assert estimate.stderr == pytest.approx(sqrt(expected))
    assert estimate.low == pytest.approx(max(0, y.mean() - 3.182446 * sqrt(expected)))  # df = 3


@given(outcomes, st.data())
def test_a_cluster_to_each_item_changes_nothing_and_no_clusters_nothing_at_all(row, data):
    x = matrix(row, row[::-1])
    names = data.draw(st.permutations([f"c{i}" for i in range(len(row))]))
    one, other = headline([x]), headline([by_cluster(x, names)])
    assert (one.low, one.high, one.stderr) == pytest.approx((other.low, other.high, other.stderr))
    assert by_cluster(x, []) is x


@given(outcomes, st.data())
def test_clusters_keep_the_mean_of_every_seed_and_add_up_to_differences(row, data):
    a, b = matrix(row, row[::-1]), matrix(row[::-1], [0] * len(row))
    names = data.draw(st.lists(st.sampled_from("xyz"), min_size=len(row), max_size=len(row)))
    assert by_cluster(a, names).mean(axis=1) == pytest.approx(a.mean(axis=1))
    gap = by_cluster(a, names) - by_cluster(b, names)
    assert by_cluster(a - b, names) == pytest.approx(gap)


def test_equal_outcomes_in_clusters_have_the_interval_of_as_many_items_as_there_are_clusters():
    estimate = headline([by_cluster(np.ones((1, 60)), ["a", "b", "c"] * 20)])
    assert estimate.stderr == pytest.approx(unseen(3))


@pytest.mark.parametrize("n_seeds", [1, 3])
def test_intervals_cover_the_truth_with_clusters_and_too_seldom_without(n_seeds):
    rng = np.random.default_rng(5)
    hits, repeats = np.zeros(2), 2000
    for _ in range(repeats):
        (x,) = simulate(rng, n_seeds, clustered_effects(rng), 0.1 if n_seeds > 1 else 0.0)
        for i, each in enumerate((by_cluster(x, CLUSTERS), x)):
            estimate = headline([each])
            hits[i] += estimate.low <= ndtr(0.3) <= estimate.high
    with_clusters, without = hits / repeats
    assert 0.93 <= with_clusters <= 0.97
    assert without < 0.9


def test_one_run_has_a_wider_interval_where_its_items_share_a_source():
    outcomes, clusters = [1] * 12 + [0] * 12, [str(i // 6) for i in range(24)]
    alone, shared = single(outcomes, []), single(outcomes, clusters)
    assert alone.value == shared.value == 0.5
    assert shared.high - shared.low > 2 * (alone.high - alone.low)


def test_methods_that_differ_by_cluster_alone_are_called_different_too_often_without_clusters():
    rng = np.random.default_rng(6)
    called, repeats = np.zeros(2), 1000
    for _ in range(repeats):
        a, b = (simulate(rng, 1, clustered_effects(rng), 0.0)[0] for _ in range(2))
        pairs = [(by_cluster(a, CLUSTERS), by_cluster(b, CLUSTERS)), (a, b)]
        called += [difference([x], [y]).p < 0.05 for x, y in pairs]
    with_clusters, without = called / repeats
    assert 0.03 <= with_clusters <= 0.07
    assert without > 0.1


@settings(max_examples=50)
@given(st.lists(st.tuples(st.integers(0, 1), st.integers(0, 1)), min_size=1, max_size=40))
def test_mcnemar_is_the_binomial_test_of_the_discordant_pairs(pairs):
    a, b = zip(*pairs, strict=True)
    wins, losses = pairs.count((1, 0)), pairs.count((0, 1))
    expected = binomtest(wins, wins + losses).pvalue if wins + losses else 1.0
    assert mcnemar(a, b) == pytest.approx(expected)


def test_mcnemar_of_six_to_none_is_one_in_thirty_two():
    assert mcnemar([1] * 6, [0] * 6) == 2 * comb(6, 0) / 2**6


def test_holm_steps_down_and_never_turns_back():
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])


@given(p_lists)
def test_holm_raises_p_no_more_than_bonferroni_and_keeps_their_order(p_values):
    adjusted = holm(p_values)
    for p, q in zip(p_values, adjusted, strict=True):
        assert p <= q <= min(1, len(p_values) * p) + 1e-12
    for (p, q), (r, s) in product(zip(p_values, adjusted, strict=True), repeat=2):
        assert p >= r or q <= s
