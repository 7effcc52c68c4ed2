"""The probe: where a student ranks the right answer among candidates."""

from collections.abc import Callable
from typing import Any

import pytest
import torch

from bench import registry
from bench.run.evaluate import Sample
from bench.run.ranking import ranked
from bench.solve import Solved
from bench.students.student import Student
from bench.training.likelihood import log_likelihoods
from bench.types import Question

CANDIDATES = ["3", "green", "likes 4", "a cup", "7"]


@pytest.fixture
def student(make_student: Callable[..., Student]) -> Student:
    return make_student("llama", spread=0.5)


def one_by_one(student: Student, prompt: str, answer: str) -> float:
    """The same from a pass over one sequence, read position by position."""
    shown = student.tokenizer(prompt).input_ids
    written = student.tokenizer(f" {answer}", add_special_tokens=False).input_ids
    written.append(student.tokenizer.eos_token_id)
    with torch.no_grad():
        logits = student.model(torch.tensor([shown + written])).logits[0].log_softmax(-1)
    return sum(float(logits[len(shown) - 1 + i, token]) for i, token in enumerate(written))


def sample(i: int, target: str, candidates: list[str], data_set: str = "a") -> Sample:
    doc: dict[str, Any] = {"id": str(i), "target": target, "candidates": candidates}
    question = Question(str(i), "chain", "start 2, do mulu fada?")
    return Sample(data_set, doc, question, Solved("", ()), {"strict": 0.0}, {"bleu": 0.5})


@pytest.mark.parametrize("n", [1, 8], ids=["once each", "many alike"])
def test_a_batch_says_what_one_sequence_at_a_time_says(
    make_student: Callable[..., Student], family: str, n: int
) -> None:
    student = make_student(family, spread=0.5)
    asked = [(f"\n\nQuestion: start {i}?", each) for i in (2, 13) for each in CANDIDATES * n]
    for (prompt, answer), value in zip(asked, log_likelihoods(student, asked), strict=True):
        expected = one_by_one(student, prompt, answer)
        assert value == pytest.approx(expected, rel=1e-4)


def test_the_rank_is_the_place_by_likelihood_after_the_method_s_own_prompt(
    student: Student,
) -> None:
    method = registry.configure_named("answer_only")
    prompt = method.prompt(sample(0, "3", []).question)
    order = sorted(CANDIDATES, key=lambda c: -one_by_one(student, prompt, c))
    asked = [sample(i, target, CANDIDATES) for i, target in enumerate(order)]
    assert [s.graded["rank"] for s in ranked(method, student, asked)] == [1, 2, 3, 4, 5]


def test_questions_without_candidates_have_no_rank_and_other_grades_stay(student: Student) -> None:
    method = registry.configure_named("answer_only")
    some = [sample(0, "3", CANDIDATES), sample(1, "3", []), sample(2, "3", [], data_set="b")]
    first, second, third = ranked(method, student, some)
    assert first.graded["bleu"] == 0.5 and first.graded["rank"] is not None
    assert second.graded == {"bleu": 0.5, "rank": None} and third.graded == {"bleu": 0.5}
