"""Schedules, compression and draws against closed forms."""

from dataclasses import replace
from fractions import Fraction
from itertools import pairwise
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.curriculum import (
    Schedule,
    believed,
    boundaries,
    compress,
    draw,
    keep_ratio,
    n_kept,
    part,
    stage,
)
from bench.training.schedule import segments
from bench.types import Knowledge

STEPS = range(2, 51)


@pytest.mark.parametrize("steps", STEPS)
def test_a_stage_begins_exactly_at_its_boundary_and_not_an_optimizer_step_earlier(
    steps: int,
) -> None:
    for length in (1, 2, 3, 7, 10, 49, 1000):
        total = steps * length
        for k in range(steps):
            assert stage(k * length / total, steps) == k
            assert stage(((k + 1) * length - 1) / total, steps) == k


@pytest.mark.parametrize("steps", STEPS)
def test_boundaries_are_where_the_stage_changes(steps: int) -> None:
    assert [stage(point, steps) for point in boundaries(steps)] == list(range(1, steps))
    assert stage(0.0, steps) == 0


@given(steps=st.integers(2, 50), total=st.integers(50, 5000))
def test_every_restart_is_the_first_optimizer_step_of_a_stage(steps: int, total: int) -> None:
    stages = [stage(step / total, steps) for step in range(total)]
    changes = [s for s in range(1, total) if stages[s] != stages[s - 1]]
    assert segments(boundaries(steps), total) == [0, *changes, total]
    assert set(stages) == set(range(steps))


@given(steps=st.integers(2, 50), progress=st.floats(0, 1, exclude_max=True))
def test_the_stage_is_never_beyond_the_last(steps: int, progress: float) -> None:
    assert 0 <= stage(progress, steps) <= steps - 1


def test_six_examples_over_four_steps_fall_to_four_two_and_none() -> None:
    assert [n_kept(6, "linear", step, 4) for step in range(4)] == [6, 4, 2, 0]


@given(n=st.integers(0, 40), steps=st.integers(2, 50))
def test_examples_kept_are_the_floor_of_the_exact_share(n: int, steps: int) -> None:
    for step in range(steps):
        exact = n * (1 - Fraction(step, steps - 1))
        assert n_kept(n, "linear", step, steps) == exact.numerator // exact.denominator


def test_linear_decay_over_four_steps_is_one_two_thirds_one_third_zero() -> None:
    shares = [keep_ratio("linear", step, 4) for step in range(4)]
    assert shares == pytest.approx([1, 2 / 3, 1 / 3, 0], abs=1e-15)


@pytest.mark.parametrize("steps", STEPS)
def test_linear_decay_begins_at_exactly_one_and_ends_at_exactly_zero(steps: int) -> None:
    assert (keep_ratio("linear", 0, steps), keep_ratio("linear", steps - 1, steps)) == (1.0, 0.0)


def known(summary: str, supplementary: str, importance: tuple[float, ...]) -> Knowledge:
    return Knowledge(summary, supplementary, importance, (1,) * len(importance))


def most(knowledge: Knowledge, ratio: float) -> str:
    return compress(knowledge, ratio, "importance", seed=0)


@pytest.mark.parametrize("schedule", get_args(Schedule))
@pytest.mark.parametrize("steps", STEPS)
def test_every_schedule_falls_from_one_to_zero_without_rising(
    schedule: Schedule, steps: int
) -> None:
    shares = [keep_ratio(schedule, step, steps) for step in range(steps)]
    assert shares[0] == 1.0 and shares[-1] == pytest.approx(0.0, abs=1e-12)
    assert all(a > b for a, b in pairwise(shares))


@pytest.mark.parametrize("steps", range(3, 20))
def test_exp_falls_below_the_line_and_inverse_exp_stays_above_it(steps: int) -> None:
    for step in range(1, steps - 1):
        exp, line, inverse = (keep_ratio(s, step, steps) for s in ("exp", "linear", "inverse_exp"))
        assert exp < line < inverse
        assert exp == pytest.approx(1 - keep_ratio("inverse_exp", steps - 1 - step, steps))


def test_exp_over_four_steps_is_as_its_formula_says() -> None:
    shares = [keep_ratio("exp", step, 4) for step in range(4)]
    assert shares == pytest.approx([1, 0.33475, 0.09003, 0], abs=1e-4)


def test_truncation_keeps_the_beginning_and_random_dropping_some_words_in_order() -> None:
    knowledge = known("a b c", "d e f", (1.0, 5.0, 2.0, 4.0, 3.0, 0.0))
    assert compress(knowledge, 0.5, "truncate", seed=0) == "a b c"
    drawn = {compress(knowledge, 0.5, "random", seed=seed) for seed in range(20)}
    assert len(drawn) > 5 and all(text.split() == sorted(text.split()) for text in drawn)
    assert all(len(text.split()) == 3 for text in drawn)


def test_sentences_are_kept_or_gone_as_a_whole() -> None:
    knowledge = known("read it.", "a takes 1. b takes 9.", (0, 0, 1, 0, 2, 3, 0, 4))
    shown = [compress(knowledge, share, "sentences", seed=0) for share in (1, 2 / 3, 1 / 3, 0)]
    assert shown == ["read it. a takes 1. b takes 9.", "a takes 1. b takes 9.", "b takes 9.", ""]
    alike = known("x y.", "z z. w", (1, 1, 1, 1, 1))
    assert compress(alike, 1 / 3, "sentences", seed=0) == "x y.", "of equals the first"
    assert compress(alike, 1, "sentences", seed=0) == "x y. z z. w", "the last may have no end"


def test_a_percentile_keeps_what_stands_above_it_and_so_not_exactly_what_was_asked() -> None:
    knowledge = known("a b c", "d e f", (1.0, 5.0, 2.0, 4.0, 3.0, 0.0))
    assert compress(knowledge, 1.0, "percentile", seed=0) == "a b c d e f"
    assert compress(knowledge, 0.5, "percentile", seed=0) == "b d e"
    assert compress(knowledge, 0.0, "percentile", seed=0) == ""
    alike = known("a b", "c d", (0.5, 0.5, 0.5, 0.5))
    assert compress(alike, 0.5, "percentile", seed=0) == ""


def test_a_part_of_knowledge_keeps_the_scores_of_its_own_words() -> None:
    knowledge = known("a b", "c d e", (1.0, 2.0, 3.0, 4.0, 5.0))
    assert part(knowledge, True, False) == known("a b", "", (1.0, 2.0))
    assert part(knowledge, False, True) == known("", "c d e", (3.0, 4.0, 5.0))
    assert part(knowledge, True, True) == knowledge


def test_a_cut_keeps_the_sentences_that_are_believed_and_the_whole_summary() -> None:
    known = Knowledge("read it.", "a is 1. b is 2.", tuple(range(8)), (1,) * 8)
    assert believed(known, 0.1) is known, "nobody judged"
    judged = replace(known, critic_recall=(0.0, 0.0, 0.4, 0.4, 0.4, 0.9, 0.9, 0.9))
    cut = believed(judged, 0.5)
    assert (cut.summary, cut.supplementary) == ("read it.", "a is 1.")
    assert cut.importance == (0, 1, 2, 3, 4) and len(cut.n_tokens) == 5
    assert believed(judged, 0.9) == judged
    assert believed(judged, 0.1).text == "read it."


def test_compression_keeps_the_most_important_words_in_their_order() -> None:
    knowledge = known("a b c", "d e f", (1.0, 5.0, 2.0, 4.0, 3.0, 0.0))
    assert most(knowledge, 1.0) == "a b c d e f"
    assert most(knowledge, 2 / 3) == "b c d e"
    assert most(knowledge, 1 / 3) == "b d"
    assert most(knowledge, 0.0) == ""


def test_of_two_words_as_important_the_earlier_stays() -> None:
    knowledge = known("a b", "c d", (1.0, 1.0, 1.0, 1.0))
    assert most(knowledge, 0.5) == "a b"
    assert most(known("a b", "c d", (0.0, 1.0, 0.0, 1.0)), 0.75) == "a b d"


@given(
    importance=st.lists(st.sampled_from([0.0, 0.5, 1.0, 2.0]), min_size=1, max_size=40),
    share=st.sampled_from([Fraction(k, t) for t in range(1, 8) for k in range(t + 1)]),
)
def test_compression_is_an_ordered_subset_of_exact_size_with_no_better_word_left_out(
    importance: list[float], share: Fraction
) -> None:
    words = [f"w{i}" for i in range(len(importance))]
    knowledge = known(words[0], " ".join(words[1:]), tuple(importance))
    kept = [words.index(word) for word in most(knowledge, float(share)).split()]
    assert kept == sorted(set(kept))
    assert abs(len(kept) - share * len(words)) <= Fraction(1, 2)
    left = set(range(len(words))) - set(kept)
    assert all((importance[k], -k) > (importance[i], -i) for k in kept for i in left)


def test_scores_that_do_not_match_the_words_are_refused() -> None:
    with pytest.raises(ValueError, match="2 importance scores for 3 words"):
        most(known("a b", "c", (1.0, 2.0)), 1.0)


@given(seed=st.integers(0, 2**64), step=st.integers(0, 20), n=st.integers(0, 12))
def test_a_draw_is_a_pure_function_of_seed_and_step_in_the_order_of_the_pool(
    seed: int, step: int, n: int
) -> None:
    pool = tuple("abcdefgh")
    drawn = draw(pool, n, seed, step, of=8)
    assert drawn == draw(list(pool), n, seed, step, of=8)
    shorter = draw(pool[:5], n, seed, step, of=8)
    assert shorter == tuple(item for item in drawn if item in pool[:5])
    assert len(drawn) == min(n, len(pool)) and list(drawn) == sorted(set(drawn))


def test_another_seed_or_another_step_draws_other_items() -> None:
    pool = range(30)
    assert draw(pool, 6, 1, 0, of=30) != draw(pool, 6, 2, 0, of=30)
    assert draw(pool, 6, 1, 0, of=30) != draw(pool, 6, 1, 1, of=30)
    everything = {item for seed in range(50) for item in draw(pool, 6, seed, 0, of=30)}
    assert everything == set(pool)
