"""Types of command-line arguments that several verbs share."""

import argparse


def positive(text: str) -> int:
    """A whole number from 1 on."""
    if not text.isdigit() or int(text) == 0:
        raise argparse.ArgumentTypeError(f"expected a positive whole number, got '{text}'")
    return int(text)
