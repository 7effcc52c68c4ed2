"""Types of command-line arguments: numbers within bounds."""

import argparse
from collections.abc import Callable


def number(kind: type[int] | type[float], least: float) -> Callable[[str], float]:
    """An argument type: a number from `least` on that every library can count to."""

    def parse(text: str) -> float:
        try:
            value = kind(text)
        except ValueError:
            value = None
        if value is None or not least <= value < 2**31:
            name = "a whole number" if kind is int else "a number"
            raise argparse.ArgumentTypeError(f"expected {name} from {least:g} on, got '{text}'")
        return value

    return parse


POSITIVE = number(int, 1)
