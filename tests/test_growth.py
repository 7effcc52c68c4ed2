"""The page of growing costs: its fit, its estimate, its program. No time is judged."""

import json
from dataclasses import asdict, replace
from typing import Any

import numpy as np
import pytest
from scipy.stats import linregress

from bench import track
from tests.perf.growth import child, estimate, matrix, records
from tests.perf.growth.estimate import H100, QUICK, SLOW, Assumed, Card
from tests.perf.growth.matrix import Row
from tests.perf.growth.page import page
from tests.perf.growth.power import fit
from tests.perf.growth.sizes import TINY, Section

SIZES = (1, 10, 100, 1000)
ROW = Row(
    track="made",
    student="a/student",
    n_parameters=10**9,
    n_layers=10,
    cache_bytes=1000,
    batch_size=8,
    max_new_tokens=100,
    method="std_cot",
    n_seeds=3,
    n_steps=1,
    training_flops=3600 * 10**15,
    prefill_flops=36 * 10**15,
    n_calls=10,
    n_prompt=1000,
    n_decoded=80,
    n_cached=10**6,
)
CARD = Card("made", flop_per_s=1e15, bytes_per_s=1e12)


# ------------------------------------------------------------ the fit


@pytest.mark.parametrize("exponent", [-0.5, 0, 1, 2])
def test_a_power_law_is_found_exactly(exponent):
    found = fit([(n, 7 * n**exponent) for n in SIZES])
    assert found.exponent == pytest.approx(exponent, abs=1e-9)
    assert found.last == pytest.approx(exponent, abs=1e-9)
    assert found.error == pytest.approx(0, abs=1e-9)
    assert (found.low, found.high, found.n) == (1, 1000, 4)


def test_its_error_is_that_of_a_regression():
    costs = [3.0, 11.0, 170.0, 900.0]
    found = fit([*zip(SIZES, costs, strict=True)])
    known: Any = linregress(np.log(SIZES), np.log(costs))
    assert (found.exponent, found.error) == pytest.approx((known.slope, known.stderr))


def test_a_constant_weighs_least_between_the_two_largest():
    found = fit([(n, 50 + n) for n in reversed(SIZES)])
    assert found.exponent < found.last < 1


@pytest.mark.parametrize("points", [[(1, 1), (2, 2)], [(1, 1), (2, 0), (3, 1)]])
def test_what_is_no_power_law_is_refused(points):
    with pytest.raises(ValueError, match="three points above 0"):
        fit(points)


# ------------------------------------------------------------ the estimate


def test_hours_follow_from_counts_and_assumptions():
    quick = estimate.hours(ROW, CARD, Assumed("", utilisation=0.5, launch_s=0))
    assert (quick.training, quick.prefill) == pytest.approx((2, 0.02))
    # 80 tokens in batches of 8, 2 bytes a weight; the cache once for each token.
    assert quick.decoding * 3600 == pytest.approx((10 * 2e9 + 1000 * 10**6) / 1e12)
    slow = estimate.hours(ROW, CARD, Assumed("", utilisation=0.5, launch_s=0.1))
    assert slow.decoding * 3600 == pytest.approx(10 * 10 * 0.1)
    assert slow.total == pytest.approx(2.02 + 10 / 3600)


def test_a_batch_holds_no_more_tokens_than_the_generator_takes():
    assert estimate.batch(ROW) == 8
    assert estimate.batch(replace(ROW, batch_size=10**6)) == estimate.BATCH_TOKENS // 200
    assert estimate.batch(replace(ROW, max_new_tokens=10**6)) == 1


def test_cards_divide_cells_until_the_longest_bounds_them():
    cells = [5.0, 3.0, 2.0, 2.0]
    assert [estimate.makespan(cells, n) for n in (1, 2, 3, 4)] == [12, 7, 5, 5]
    assert estimate.most_useful(cells) == 3


def test_the_kept_matrix_is_that_of_the_tracks():
    rows = matrix.read()
    for name in matrix.TRACKS:
        chosen = track.load(name)
        own = [row for row in rows if row.track == name]
        assert [row.method for row in own] == chosen.methods
        assert {row.n_seeds for row in own} == {1, len(chosen.seeds)}
        assert {row.student for row in own} == {chosen.student.path}
        for row in own:
            quick, slow = (estimate.hours(row, H100, end).total for end in (QUICK, SLOW))
            assert 0 < quick < slow


# ------------------------------------------------------------ the program and its page


def test_a_child_tells_what_its_training_took():
    case = child.Case(n_steps=2, micro_batch_tokens=64, shape=TINY.base, batch_size=4, n_tokens=16)
    spent = child.main(child.Case(**json.loads(json.dumps(asdict(case)))))
    assert (spent.n_tokens, spent.longest) == (2 * 4 * 16, 16)
    assert spent.seconds > 0 and spent.peak_bytes >= spent.loaded_bytes > 0


def test_the_page_tells_each_section_and_the_estimate():
    section = Section("Some", "All else.", "things", [(n, {"seconds": 2.0 * n}) for n in SIZES])
    spent = child.Spent(10**6, 1.0, 100, 10, 10**6, 3 * 10**6)
    rows = [
        (child.Case(8, n, row=row), spent) for n in (512, 1024) for row in ("std_cot", "skintern")
    ]
    shown = page([section], rows, records.steps(), records.devices(), [ROW])
    assert "**seconds** ~ things^(1.00 ± 0.00): twice the things, 2.00 times" in shown
    assert "`std_cot`: a micro-batch 2 times as large adds 1.00 times the memory" in shown
    assert "1 methods x 1 students x 3 seeds are 3\ncells" in shown
    hours = [estimate.hours(ROW, H100, end).total for end in (QUICK, SLOW)]
    assert f"takes {hours[0]:.3g} hours" in shown and f"takes {hours[1]:.3g} hours" in shown
