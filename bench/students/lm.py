"""A method with its student behind lm-eval's LM: tasks ask, methods word, the student writes."""

from collections.abc import Callable, Mapping
from typing import Any

from lm_eval.api.instance import Instance
from lm_eval.api.model import LM

from bench.ground.bars import Bar
from bench.ground.clock import clock
from bench.method import Method
from bench.solve import Solved, solve_all
from bench.students.generate import Generator
from bench.track import ConfigError
from bench.types import Question

Ask = Callable[[Mapping[str, Any]], Question]
"""A test document -> its question with what the method's needs declare."""


class StudentLM(LM):
    """Answers lm-eval's generation requests by running the method's inference programs."""

    def __init__(self, method: Method, generator: Generator, ask: Ask, *, overflow: str) -> None:
        super().__init__()
        self._method, self._generator, self._ask = method, generator, ask
        self._overflow = overflow
        self.answered: dict[str, tuple[Question, Solved]] = {}
        """By document id, for every request answered so far."""
        self.seconds = 0.0
        """Spent on solving, without the building of tasks and prompts."""

    def generate_until(self, requests: list[Instance], disable_tqdm: bool = False) -> list[str]:
        """Solutions in order; ConfigError names a question whose prompt does not fit."""
        asked = Bar(requests, what="preparing the questions", unit="question")
        questions = [self._ask(request.doc) for request in asked]
        programs = [self._method.solve(question) for question in questions]
        began = clock()
        solved = solve_all(programs, self._generator.complete)
        self.seconds += clock() - began
        for question, outcome in zip(questions, solved, strict=True):
            if outcome.overflow and self._overflow == "error":
                raise ConfigError(
                    f"the prompt of question {question.id} does not fit the student's context:"
                    " shorten it, or set decoding.overflow = 'wrong' in the track"
                )
            if question.id in self.answered:
                raise ConfigError(f"two questions have the id {question.id}: ids must be unique")
            self.answered[question.id] = question, outcome
        return [outcome.solution for outcome in solved]

    def loglikelihood(self, requests: Any, disable_tqdm: bool = False) -> Any:
        raise NotImplementedError("methods generate; a task that ranks options cannot judge them")

    def loglikelihood_rolling(self, requests: Any, disable_tqdm: bool = False) -> Any:
        raise NotImplementedError("methods generate; a task that ranks options cannot judge them")
