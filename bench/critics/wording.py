"""How a triple is put to a language model or an encoder: as the methods word it."""

from collections.abc import Mapping, Sequence
from random import Random
from typing import Any

from tasks.triples import NAMES, SLOTS, begun, with_names

Triple = tuple[str, str, str]
"""Head, phrase, tail."""


def prompt(head: str, phrase: str) -> str:
    """What a tail goes on from; without a head, the relation alone."""
    return f"{begun(head, phrase)} {phrase}".strip()


def triples(labels: Sequence[Mapping[str, Any]]) -> list[Triple]:
    """Of labelled rows."""
    return [(row["head"], row["phrase"], row["tail"]) for row in labels]


def named(asked: Sequence[Triple], draw: int) -> list[Triple]:
    """With names in the place of PersonX and others, drawn anew for each triple and `draw`."""
    drawn = [Random(f"{draw}/{i}").sample(NAMES, len(SLOTS)) for i in range(len(asked))]
    return [
        (with_names(head, names), with_names(phrase, names), with_names(tail, names))
        for (head, phrase, tail), names in zip(asked, drawn, strict=True)
    ]
