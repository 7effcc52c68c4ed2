"""Extraction and comparison: one definition for all tasks."""

import re

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from tasks.docs import Item
from tasks.scoring import (
    CONCLUSION,
    _trimmed,
    author,
    author_matches,
    flexible,
    matches,
    process_results,
    strict,
)

SHAPES = ["(A) circle", "(B) square", "(C) dark red", "(D) red"]
NUMBERS = st.from_regex(r"-?[0-9]{1,3}(,[0-9]{3}){0,2}(\.[0-9]{1,4})?", fullmatch=True)
BRACKETS = st.lists(st.sampled_from("()[]{}<>"), min_size=1).map(" ".join)
WORDS = st.lists(st.sampled_from(["valid", "No", "it&t", "Monsters, Inc", "e.g. x"]), min_size=1)
TEXTS = st.text().filter(lambda t: "\n" not in t and re.search(r"[^\s.]", t))
GOLDS = st.one_of(NUMBERS, BRACKETS, WORDS.map(" ".join), TEXTS)


@given(st.text(alphabet="a. \t\n\u00a0\u2028(", max_size=30))
def test_what_stands_around_an_answer_is_left_out(text: str) -> None:
    assert _trimmed(text) == re.sub(r"[\s.]+$", "", text.strip())


def test_a_text_of_blanks_costs_no_more_than_another() -> None:
    """A pattern that looks for an end from each blank would take a minute."""
    assert _trimmed(f"a{' ' * 10**6}x ") == f"a{' ' * 10**6}x"


def item(target: str, options: list[str] | None = None, task: str = "t") -> Item:
    return {"id": "t/0", "task": task, "question": "q?", "options": options or [], "target": target}


@pytest.mark.parametrize(
    ("solution", "answer"),
    [
        ("So. Therefore, the answer is 3.5.", "3.5"),
        ("Therefore, the answer is (B).", "(B)"),
        ("Therefore, the answer is ) ] }.", ") ] }"),
        ("Therefore, the answer is 1,000. ", "1,000"),
        ("Therefore, the answer is Monsters, Inc.\nQuestion: next", "Monsters, Inc"),
        ("Therefore, the answer is 1. No. Therefore, the answer is 2.", "2"),
        ("nothing here", None),
        ("", None),
        ("therefore, the answer is 3.", None),
        ("Therefore, the answer is", None),
        ("Therefore, the answer is .\n5", None),
        ("Therefore, the answer is 3. Therefore, the answer is", None),
    ],
)
def test_strict_takes_the_line_after_the_last_conclusion(solution: str, answer: str | None) -> None:
    assert strict(solution) == answer


@given(gold=GOLDS, before=st.text())
@example(gold="3.5", before="")
@example(gold=") ] }", before="The stack. ")
def test_a_wrapped_gold_answer_scores_one_and_an_empty_one_zero(gold: str, before: str) -> None:
    assume(CONCLUSION not in gold)
    right = process_results(item(gold), [f"{before} Therefore, the answer is {gold}."])
    assert right["strict"] == right["flexible"] == 1.0
    assert right["failed"] == 0.0
    empty = process_results(item(gold), [""])
    assert empty["strict"] == empty["flexible"] == 0.0
    assert empty["failed"] == 1.0


@given(answer=st.sampled_from(["B", "(b)", "(B) square", "square", "red", "(D", "7", "it is (B)"]))
def test_flexible_loses_nothing_that_strict_finds(answer: str) -> None:
    for gold in ("(B)", "(D)"):
        scores = process_results(item(gold, SHAPES), [f"x. Therefore, the answer is {answer}."])
        assert scores["flexible"] >= scores["strict"]


@pytest.mark.parametrize(
    ("answer", "gold", "options"),
    [
        ("b", "(B)", []),
        ("(b)", "B", []),
        ("YES", "yes", []),
        ("  a   b ", "a b", []),
        ("1,000", "1000", []),
        ("3.0", "3", []),
        ("-0.50", "-.5", []),
        ("+7", "7", []),
        ("$1,250.00", "1250", []),
        ("0.50", "1/2", []),
        ("2/4", "1/2", []),
        ("-6/3", "-2", []),
        ("2/6", "1/3", []),
        ("B", "(B)", SHAPES),
        ("(B) square", "(B)", SHAPES),
        ("Square", "(B)", SHAPES),
        ("3", "(3)", ["(1) x", "(3) y"]),
        ("valid", "valid", ["valid", "invalid"]),
    ],
)
def test_answers_that_differ_in_form_alone_match(
    answer: str, gold: str, options: list[str]
) -> None:
    assert matches(answer, gold, options)
    assert matches(gold, answer, options)


@pytest.mark.parametrize(
    ("answer", "gold", "options"),
    [
        ("", "0", []),
        ("10", "1", []),
        ("100", "1,000", []),
        ("1,00", "100", []),
        ("-3", "3", []),
        ("0.33", "1/3", []),
        ("1/0", "0", []),
        ("1/2/2020", "1/4", []),
        ("$", "0", []),
        ("5 $", "5", []),
        ("3", "(3)", []),
        (") ]", "] )", []),
        ("(A)", "(B)", SHAPES),
        ("(A) square", "(B)", SHAPES),
        ("red", "(C)", SHAPES),
        ("", "(B)", ["(A) x", "(B) "]),
        ("same", "(A)", ["(A) same", "(B) same"]),
        ("invalid", "valid", ["valid", "invalid"]),
    ],
)
def test_answers_that_mean_something_else_do_not_match(
    answer: str, gold: str, options: list[str]
) -> None:
    assert not matches(answer, gold, options)


@pytest.mark.parametrize(
    ("solution", "options", "answer"),
    [
        ("Therefore, the answer is 3.5.", [], "3.5"),
        ("Therefore, the answer is clearly (B), I think.", SHAPES, "(B)"),
        ("So the ANSWER is 12.", [], "12"),
        ("Answer: 7\nmore 8", [], "7"),
        ("First 3, then 1,204 apples", [], "1,204"),
        ("so it must be yes.", [], "yes"),
        ("It is a circle, no, a Square!", SHAPES, "(B) square"),
        ("It looks dark red", SHAPES, "(C) dark red"),
        ("the answer is (A)? No: (D)", SHAPES, "(D) red"),
        (" b.", SHAPES, "b"),
        ("this is invalid", ["valid", "invalid"], "invalid"),
        ("this is invalid", ["valid", "unsound"], None),
        ("no idea, 7", SHAPES, None),
        ("  ", [], None),
    ],
)
def test_flexible_forgives_the_form(solution: str, options: list[str], answer: str | None) -> None:
    assert flexible(solution, options) == answer


@pytest.mark.parametrize(
    ("solution", "task", "answer"),
    [
        ("Therefore, the answer is (B). Question: next? Therefore, the answer is (C).", "t", "(B)"),
        ("Therefore, the answer is 1. No. Therefore, the answer is 2.", "t", "1"),
        ("Therefore, the answer is yes\n\nor no", "t", "yes"),
        ("Therefore, the answer is 3.5.", "t", "3"),
        ("Therefore, the answer is 3.5.", "gsm8k", "3.5"),
        ("It costs 1,200 and then 30", "gsm8k", "30"),
        ("no digits", "gsm8k", None),
        ("so the correct answer is option B. ok", "t", "B"),
        ("Answer: (A) Explanation: since Answer: (B)", "t", "(A)"),
        ("[Answer Prediction]: (D)", "t", "(D)"),
        ("(C) it is. Or not.", "t", "(C) it is"),
        ("", "t", None),
    ],
)
def test_the_author_extractor_keeps_its_faults(
    solution: str, task: str, answer: str | None
) -> None:
    assert author(solution, task) == answer


@pytest.mark.parametrize(
    ("answer", "gold", "task", "right"),
    [
        ("b", "(B)", "t", True),
        ("it is (b) or (c)", "(B)", "t", True),
        ("option b", "(B)", "t", False),
        ("square (d", "(S)", "t", True),
        ("3", "(3)", "t", True),
        ("None", "none", "t", False),
        ("] )", "] )", "t", True),
        ("quite valid", "valid", "formal_fallacies", True),
        (None, "valid", "formal_fallacies", True),
        (None, "invalid", "formal_fallacies", False),
        ("12 or 1,000", "1000", "GSM-plus", True),
        (None, "None", "GSM-plus", False),
    ],
)
def test_the_author_comparison_keeps_its_faults(
    answer: str | None, gold: str, task: str, right: bool
) -> None:
    assert author_matches(answer, gold, task) is right


def test_one_generation_gives_all_scores() -> None:
    doc = item("3.5", task="multistep_arithmetic_two")
    scores = process_results(doc, [" 7 / 2. Therefore, the answer is 3.50."])
    assert scores == {"strict": 1.0, "author": 0.0, "flexible": 1.0, "failed": 0.0}
    scores = process_results(doc, [" 7 / 2. So the answer is 3.5"])
    assert scores == {"strict": 0.0, "author": 0.0, "flexible": 1.0, "failed": 1.0}


@pytest.mark.parametrize(
    ("answer", "gold", "right"),
    [
        ("18 dollars", "18", 1.0),
        ("18 of 20", "18", 0.0),
        ("18 dollars", "1", 0.0),
        ("1/2 hours", "1/2", 0.0),
        ("7 x", "seven", 0.0),
        ("no", "0", 0.0),
    ],
)
def test_flexible_unwraps_a_free_answer_with_one_number(
    answer: str, gold: str, right: float
) -> None:
    scores = process_results(item(gold), [f"So. Therefore, the answer is {answer}."])
    assert (scores["strict"], scores["flexible"]) == (0.0, right)


def test_flexible_unwraps_no_number_where_there_are_options() -> None:
    doc = item("18", ["18", "20"])
    scores = process_results(doc, ["Therefore, the answer is 18 dollars."])
    assert scores["flexible"] == 0.0


@pytest.mark.parametrize("digits", ["1" * 5000, f"{'1' * 5000}/3", f"1/{'3' * 5000}"])
def test_an_answer_of_endless_digits_is_wrong_and_no_error(digits: str) -> None:
    scores = process_results(item("3"), [f"Therefore, the answer is {digits}."])
    assert scores["strict"] == scores["flexible"] == 0.0
