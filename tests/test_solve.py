"""Programs advance in lockstep, and every call is counted."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pytest

from bench.method import Method
from bench.solve import Solved, solve_all
from bench.students.generate import Generator
from bench.students.student import Student
from bench.track import ConfigError, Decoding
from bench.types import Program, Question


@dataclass(frozen=True, slots=True)
class Written:
    text: str
    n_prompt: int
    n_generated: int
    overflow: bool = False


class Echo:
    """Answers `prompt` by `<prompt>`; keeps what it was asked, round by round."""

    def __init__(self, too_long: str = "-") -> None:
        self.rounds: list[list[str]] = []
        self._too_long = too_long

    def __call__(self, prompts: Sequence[str]) -> list[Written]:
        self.rounds.append(list(prompts))
        return [
            Written("", len(p), 0, overflow=True)
            if p == self._too_long
            else Written(f"<{p}>", len(p), len(p) + 2)
            for p in prompts
        ]


def steps(name: str, n: int) -> Program:
    """Asks `n` times, each time with what was answered before."""
    text = name
    for _ in range(n):
        text = yield text
    return f"{name}: {text}"


def test_each_round_is_one_batch_of_all_programs_that_still_ask() -> None:
    echo = Echo()
    solve_all([steps("a", 1), steps("b", 3), steps("c", 2)], echo)
    assert echo.rounds == [["a", "b", "c"], ["<b>", "<c>"], ["<<b>>"]]


def test_solutions_come_back_in_order_with_the_counts_of_every_call() -> None:
    solved = solve_all([steps("a", 1), steps("bb", 3), steps("c", 2)], Echo())
    assert solved == [
        Solved("a: <a>", ((1, 3),)),
        Solved("bb: <<<bb>>>", ((2, 4), (4, 6), (6, 8))),
        Solved("c: <<c>>", ((1, 3), (3, 5))),
    ]


def test_a_program_that_asks_nothing_is_solved_without_a_call() -> None:
    echo = Echo()
    assert solve_all([steps("a", 0), steps("b", 1)], echo)[0] == Solved("a: a", ())
    assert echo.rounds == [["b"]]
    assert solve_all([], echo) == [] and len(echo.rounds) == 1


def test_a_prompt_that_does_not_fit_ends_its_program_alone() -> None:
    echo = Echo(too_long="<b>")
    solved = solve_all([steps("a", 2), steps("b", 3), steps("c", 2)], echo)
    assert solved[1] == Solved("", ((1, 3),), overflow=True)
    assert [s.overflow for s in solved] == [False, True, False]
    assert echo.rounds == [["a", "b", "c"], ["<a>", "<b>", "<c>"]]


def test_a_failed_generation_stops_the_run_and_never_becomes_an_empty_answer() -> None:
    def broken(prompts: Sequence[str]) -> list[Written]:
        raise RuntimeError("out of memory")

    with pytest.raises(RuntimeError, match="out of memory"):
        solve_all([steps("a", 1)], broken)


def test_a_generator_that_loses_an_answer_is_noticed() -> None:
    with pytest.raises(ValueError, match="shorter"):
        solve_all([steps("a", 1), steps("b", 1)], lambda prompts: Echo()(prompts)[:1])


# ------------------------------------------------------------ behind lm-eval


@dataclass(frozen=True)
class TwoSteps(Method):
    """Thinks, then answers after what it thought."""

    source = "a test"

    def prompt(self, question: Question) -> str:
        return f"\n\nQuestion: {question.text}\nAnswer:"

    def solve(self, question: Question) -> Program:
        thought = yield self.prompt(question)
        answer = yield f"{self.prompt(question)}{thought}\nAnswer:"
        return f"{thought} Therefore, the answer is{answer}"


def ask(doc: Mapping[str, Any]) -> Question:
    return Question(doc["id"], "chain", doc["question"])


def requests(texts: Sequence[str]) -> list[Any]:
    from lm_eval.api.instance import Instance

    docs = [{"id": f"q{i}", "question": text} for i, text in enumerate(texts)]
    return [Instance("generate_until", doc, ("ignored", {}), 0) for doc in docs]


def test_a_program_of_two_steps_sees_its_own_first_completion(
    make_student: Callable[..., Student],
) -> None:
    from bench.students.lm import StudentLM

    generator = Generator(make_student(spread=1.0), Decoding(max_new_tokens=4))
    lm = StudentLM(TwoSteps(), generator, ask, overflow="error")
    texts = ["start 1, do seko?", "from givu follow likes fears?"]
    found = lm.generate_until(requests(texts))
    for question, solution in zip(map(ask, (r.doc for r in requests(texts))), found, strict=True):
        prompt = TwoSteps().prompt(question)
        (first,) = generator.complete([prompt])
        (second,) = generator.complete([f"{prompt}{first.text}\nAnswer:"])
        assert solution == f"{first.text} Therefore, the answer is{second.text}"
        assert lm.answered[question.id][1].calls == (
            (first.n_prompt, first.n_generated),
            (second.n_prompt, second.n_generated),
        )


def test_a_question_beyond_the_context_is_named_or_counted_as_wrong(
    make_student: Callable[..., Student],
) -> None:
    from bench.students.lm import StudentLM

    generator = Generator(make_student(), Decoding(max_new_tokens=4))
    asked = requests(["start 1, do seko?", "red " * 1100])
    strict = StudentLM(TwoSteps(), generator, ask, overflow="error")
    with pytest.raises(ConfigError, match="question q1 does not fit"):
        strict.generate_until(asked)
    lenient = StudentLM(TwoSteps(), generator, ask, overflow="wrong")
    solutions = lenient.generate_until(asked)
    assert solutions[0] != "" and solutions[1] == ""
    assert [lenient.answered[q][1].overflow for q in ("q0", "q1")] == [False, True]


def test_two_questions_with_one_id_are_refused(make_student: Callable[..., Student]) -> None:
    from bench.students.lm import StudentLM

    generator = Generator(make_student(), Decoding(max_new_tokens=4))
    lm = StudentLM(TwoSteps(), generator, ask, overflow="error")
    lm.generate_until(requests(["start 1, do seko?"]))
    with pytest.raises(ConfigError, match="two questions have the id q0"):
        lm.generate_until(requests(["start 2, do seko?"]))
