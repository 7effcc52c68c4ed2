"""The wording shared by all methods, so that they differ in supervision alone.

Prompts end without a blank and targets begin with one: tokenized apart, they join cleanly.
"""

from collections.abc import Iterable

from bench.types import Demo

FORMAT = 'Your response should conclude with the format "Therefore, the answer is".'
REASON = "\nAnswer: Let's think step by step."
DIRECT = "\nAnswer:"
CONCLUSION = " Therefore, the answer is"


def ask(question: str) -> str:
    return f"\n\nQuestion: {question}"


def solution(rationale: str, answer: str) -> str:
    return f" {rationale}{CONCLUSION} {answer}."


def shots(demos: Iterable[Demo]) -> str:
    return "".join(
        f"{ask(demo.question)}{REASON}{solution(demo.rationale, demo.answer)}" for demo in demos
    )


def reason(question: str, context: str = "") -> str:
    """The prompt of every method that reasons before it answers."""
    return f"{FORMAT}{context}{ask(question)}{REASON}"


def numbered(passages: Iterable[str]) -> str:
    return "".join(f"\n[{i}] {passage}" for i, passage in enumerate(passages, 1))
