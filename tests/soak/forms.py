"""The short form, of every test run, and the long one, of `make soak`."""

import os

LONG = bool(os.environ.get("SKBENCH_SOAK"))
SEED = int(os.environ.get("SKBENCH_SOAK") or 0)
"""Of all moments that are drawn; another number, another campaign."""


def n(short: int, long: int) -> int:
    """How many of something in this form."""
    return long if LONG else short
