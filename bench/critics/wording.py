"""How a triple is put to a language model or an encoder: as the methods word it."""

from collections.abc import Mapping, Sequence
from typing import Any

Triple = tuple[str, str, str]
"""Head, phrase, tail."""


def prompt(head: str, phrase: str) -> str:
    """What a tail goes on from; without a head, the relation alone."""
    return f"{head}. {phrase}" if head else phrase


def triples(labels: Sequence[Mapping[str, Any]]) -> list[Triple]:
    """Of labelled rows."""
    return [(row["head"], row["phrase"], row["tail"]) for row in labels]
