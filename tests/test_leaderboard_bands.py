"""Training losses against the band of a label's published runs.

The curves are those of real runs of the pocket track, one healthy and one broken by hand.
"""

import json
from dataclasses import replace
from math import inf, nan
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leaderboard.rows.bands import band, flagged, judge, outside
from leaderboard.rows.rank import rows
from leaderboard.show.render import legend, table
from leaderboard.store import board
from leaderboard.store.record import Scope
from tests.board_verb import run
from tests.leaderboard_records import record, save, trained

STD_COT = [
    [0.835, 0.304, 0.184, 0.102, 0.070, 0.055, 0.052, 0.051, 0.050, 0.050],
    [0.847, 0.309, 0.189, 0.109, 0.068, 0.055, 0.052, 0.051, 0.050, 0.050],
    [0.834, 0.316, 0.181, 0.101, 0.070, 0.060, 0.053, 0.051, 0.051, 0.050],
    [0.819, 0.312, 0.173, 0.104, 0.069, 0.055, 0.053, 0.052, 0.050, 0.050],
]
SKINTERN = [
    [0.346, 0.096, 0.096, 0.084, 0.061, 0.088, 0.065, 0.141, 0.160, 0.118],
    [0.346, 0.090, 0.096, 0.086, 0.062, 0.084, 0.067, 0.136, 0.155, 0.109],
    [0.346, 0.091, 0.102, 0.075, 0.060, 0.090, 0.063, 0.136, 0.152, 0.103],
    [0.338, 0.094, 0.102, 0.076, 0.062, 0.086, 0.065, 0.141, 0.151, 0.113],
]
SAME_TOKEN = [13.874, 1.706, 0.222, 0.087, 0.057, 0.052, 0.050, 0.050, 0.050, 0.049]
"""Labels not shifted: each position is asked for the token it reads."""
NEXT_BUT_ONE = [13.923, 3.863, 1.502, 0.837, 0.573, 0.451, 0.389, 0.351, 0.305, 0.302]
"""Labels shifted twice."""
NO_MASK = [2.911, 1.145, 0.705, 0.555, 0.488, 0.431, 0.406, 0.391, 0.377, 0.376]
"""The prompt counts as well."""


@pytest.mark.parametrize("curves", [STD_COT, SKINTERN])
@pytest.mark.parametrize("n_reference", [1, 2, 3])
def test_a_fresh_seed_of_a_healthy_run_stays_inside(curves, n_reference):
    for seed, curve in enumerate(curves):
        others = [other for i, other in enumerate(curves) if i != seed]
        assert outside(curve, others[:n_reference]) == []


@pytest.mark.parametrize("broken", [SAME_TOKEN, NEXT_BUT_ONE, NO_MASK])
@pytest.mark.parametrize("n_reference", [1, 3])
def test_a_loss_mask_that_is_shifted_or_lost_is_caught_in_the_first_tenth(broken, n_reference):
    assert 0 in outside(broken, STD_COT[:n_reference])
    assert outside(broken[:1], STD_COT[:n_reference]) == [0]


def test_a_run_that_stops_learning_is_caught_from_there_on():
    stuck = [*STD_COT[0][:3], *[STD_COT[0][2]] * 7]
    assert outside(stuck, STD_COT[1:]) == [3, 4, 5, 6, 7, 8, 9]


def test_a_partial_run_is_judged_as_far_as_it_goes():
    assert outside(STD_COT[3][:4], STD_COT[:3]) == []
    assert outside([0.83, 0.31, 0.9], STD_COT[:3]) == [2]
    assert outside([], STD_COT) == []


def test_a_loss_that_is_far_too_low_is_outside_too():
    assert outside([0.1], STD_COT) == [0]


@pytest.mark.parametrize("loss", [nan, inf, -inf])
def test_a_loss_that_is_no_finite_number_is_outside(loss):
    assert outside([0.83, loss], STD_COT) == [1]


def test_without_reference_curves_nothing_is_outside():
    assert outside(SAME_TOKEN, []) == []
    assert outside([0.8, 99.0], [[0.8], [0.8]]) == []


def test_near_zero_only_the_absolute_difference_counts():
    assert outside([0.004], [[0.001], [0.001]]) == []
    assert outside([0.5], [[0.001], [0.001]]) == [0]


@given(st.lists(st.floats(0, 20), min_size=1, max_size=5))
def test_a_band_holds_the_losses_that_made_it(losses):
    low, high = band(losses)
    assert 0 <= low <= min(losses) <= max(losses) <= high


def test_seeds_that_scatter_widen_the_band():
    assert band([0.5, 1.0, 2.0])[1] > 4 * band([1.0, 1.0, 1.0])[1]


def test_healthy_seeds_with_a_tenth_of_scatter_are_hardly_ever_flagged():
    """Log-normal scatter of 10 % per tenth, more than any label of the pocket track has."""
    draw = Random(0)

    def fresh():
        return [loss * 2.718 ** draw.gauss(0, 0.1) for loss in STD_COT[0]]

    for n_reference, most in ((1, 20), (2, 12), (3, 8)):
        bad = sum(
            bool(outside(fresh(), [fresh() for _ in range(n_reference)])) for _ in range(1000)
        )
        assert bad <= most


def published(curves=STD_COT[:3], label="std_cot"):
    return [trained(record(label, seed), loss_curve=curve) for seed, curve in enumerate(curves)]


def test_a_published_run_is_judged_by_the_others_of_its_label():
    runs = published([*STD_COT[:2], NEXT_BUT_ONE])
    runs += published([SKINTERN[0]], "skintern")
    found = {(each.label, each.seed): each for each in judge(runs, runs)}
    assert found["std_cot", 2].outside != []
    assert found["std_cot", 2].n_reference == 2
    assert found["skintern", 0].verdict == "no reference"


def test_a_run_without_a_curve_is_said_to_have_none_and_one_without_training_is_not_listed():
    old, idle = record("std_cot", 7), trained(record("zero_shot"), tokens=0)
    (found,) = judge([old, idle], published())
    assert (found.seed, found.verdict) == (7, "no loss curve")


def test_a_row_outside_the_band_is_marked_and_explained():
    bad = trained(record("std_cot", 5), loss_curve=SAME_TOKEN)
    (row,) = flagged(rows([bad]), judge([bad], published()))
    assert row.outside == ["seed 5: OUTSIDE at 0-10 %, 10-20 % of the steps"]
    assert "std_cot ?" in table([row], "text")
    assert "? training loss outside the band" in legend([row])
    good = trained(bad, loss_curve=STD_COT[3])
    (row,) = flagged(rows([good]), judge([good], published()))
    assert "?" not in table([row], "text") + legend([row])


@pytest.fixture
def home(tmp_path, monkeypatch):
    root = tmp_path / "repository" / "leaderboard" / "records" / "v1"
    monkeypatch.setattr(board, "PUBLISHED", root.parent)
    monkeypatch.setenv("SKBENCH_HOME", str(tmp_path / "home"))
    return tmp_path


def test_the_verb_exits_with_1_and_names_label_seed_and_tenths(home, capsys):
    save(board.PUBLISHED / "v1", published())
    local = home / "home" / "records" / "v1"
    save(local, [trained(record(seed=8), loss_curve=STD_COT[3]), record("mine")])
    assert run("bands", "toy", "--local") == 0
    assert "0 of 1 judged runs outside" in capsys.readouterr().out
    save(local, [trained(record(seed=9), loss_curve=SAME_TOKEN)])
    assert run("bands", "toy", "--local") == 1
    line = next(x for x in capsys.readouterr().out.splitlines() if "OUTSIDE" in x)
    assert line.split()[:3] == ["std_cot", "9", "3"]
    assert "0-10 %, 10-20 % of the steps" in line
    assert run("bands", "toy", "--local", "--json") == 1
    body = {each["seed"]: each for each in json.loads(capsys.readouterr().out)}
    assert (body[8]["outside"], body[9]["outside"]) == ([], [0, 1])


def test_the_verb_judges_published_runs_by_each_other(home, capsys):
    assert run("bands", "toy") == 3
    save(board.PUBLISHED / "v1", published())
    assert run("bands", "toy") == 0
    save(board.PUBLISHED / "v1", [trained(record(seed=9), loss_curve=SAME_TOKEN)])
    assert run("bands", "toy") == 1


def test_where_nothing_could_be_judged_the_check_does_not_pass(home, capsys):
    save(home / "home" / "records" / "v1", [trained(record(), loss_curve=STD_COT[0])])
    assert run("bands", "toy", "--local") == 3
    assert "no reference" in capsys.readouterr().out


def test_the_board_flags_a_local_row_outside_the_published_band(home, capsys):
    save(board.PUBLISHED / "v1", published())
    local = home / "home" / "records" / "v1"
    bad = trained(record(seed=9), loss_curve=SAME_TOKEN)
    save(local, [bad, replace(bad, scope=Scope(world=2)), replace(bad, scope=Scope(limit=5))])
    for words, mark in (((), True), (("--world", "2"), False)):
        assert run("show", "toy", "--local", *words) == 0
        assert ("std_cot ?" in capsys.readouterr().out) is mark
    assert run("show", "toy", "--local", "--json") == 0
    assert json.loads(capsys.readouterr().out)[0]["outside"] != []
    assert run("export", "toy", "--local", "--format", "markdown") == 0
    assert "std_cot ?" in capsys.readouterr().out
