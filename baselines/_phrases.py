"""The wording shared by all methods, so that they differ in supervision alone.

Prompts end without a blank and targets begin with one: tokenized apart, they join cleanly.
"""

from collections.abc import Iterable, Sequence

from bench.types import Demo

FORMAT = 'Your response should conclude with the format "Therefore, the answer is".'
REASON = "\nAnswer: Let's think step by step."
DIRECT = "\nAnswer:"
CONCLUSION = " Therefore, the answer is"
HELP = "\n\nHere is knowledge that may help:"
INVITATION = "\n\nAn expert teacher left this summary and knowledge to guide you:\n"


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


def triple(head: str, phrase: str) -> str:
    """The prompt of a tail: the relation is a phrase, where COMET has a token of its own."""
    return f"{head}. {phrase}"


def passages(texts: Sequence[str]) -> str:
    """Retrieved passages as a context."""
    return HELP + "".join(f"\n[{i}] {text}" for i, text in enumerate(texts, 1))


def guided(knowledge: str) -> str:
    """A teacher's knowledge as a context; none invites nothing."""
    return f"{INVITATION} {knowledge}" if knowledge else ""
