"""Numbers as arguments; ArgumentTypeError says what is expected."""

from argparse import ArgumentTypeError
from collections.abc import Callable
from math import inf
from typing import TypeVar

T = TypeVar("T", int, float)


def counts(text: str, least: int = 1) -> list[int]:
    """Whole numbers from `least` on."""
    found = _numbers(int, text)
    if not found or min(found) < least:
        raise ArgumentTypeError(
            f"expected whole numbers from {least} on, separated by commas, got '{text}'"
        )
    return found


def amounts(text: str) -> list[int]:
    """Whole numbers from 0 on, such as 1e6."""
    found = _numbers(float, text)
    if not found or not all(amount >= 0 and amount.is_integer() for amount in found):
        raise ArgumentTypeError(
            f"expected whole numbers from 0 on, separated by commas, got '{text}'"
        )
    return [int(amount) for amount in found]


def count(text: str) -> int:
    """A whole number from 1 on."""
    found = _numbers(int, text)
    if len(found) != 1 or found[0] < 1:
        raise ArgumentTypeError(f"expected a whole number from 1 on, got '{text}'")
    return found[0]


def seeds(text: str) -> list[int]:
    """Whole numbers from 0 on."""
    return counts(text, least=0)


def ratio(text: str) -> float:
    """A number from 1 on."""
    found = _numbers(float, text)
    if len(found) != 1 or not 1 <= found[0] < inf:
        raise ArgumentTypeError(f"expected a number from 1 on, got '{text}'")
    return found[0]


def above_zero(text: str) -> float:
    """A number above 0."""
    found = _numbers(float, text)
    if len(found) != 1 or not 0 < found[0] < inf:
        raise ArgumentTypeError(f"expected a number above 0, got '{text}'")
    return found[0]


def _numbers(kind: Callable[[str], T], text: str) -> list[T]:
    """Those that commas separate; [] where one of them is none."""
    try:
        return [kind(part) for part in text.split(",")]
    except ValueError:
        return []
