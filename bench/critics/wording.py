"""How a triple is put to a language model or an encoder: as the methods word it."""

from collections.abc import Mapping, Sequence
from typing import Any

Triple = tuple[str, str, str]
"""Head, phrase, tail."""


def begun(head: str, phrase: str) -> str:
    """The head as a sentence of its own, or as the beginning of one that a small letter goes on."""
    return head if not head or phrase[:1].islower() or not phrase else f"{head}."


def prompt(head: str, phrase: str) -> str:
    """What a tail goes on from; without a head, the relation alone."""
    return f"{begun(head, phrase)} {phrase}".strip()


def triples(labels: Sequence[Mapping[str, Any]]) -> list[Triple]:
    """Of labelled rows."""
    return [(row["head"], row["phrase"], row["tail"]) for row in labels]
