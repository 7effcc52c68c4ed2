"""What a teacher is asked for events and for what follows from them.

One template for each relation, in our own words, after those of West et al. 2021: a question, some
solved lines, and one that is left open.
"""

from collections.abc import Sequence
from random import Random

from bench.ground.provenance import digest
from tasks.triples import NAMES, PHRASES, SLOTS, with_names

ASKED = ("Sam", "Robin", "Terry")
"""Of the slots in the line that is left open; of nobody in the solved lines."""
EVENTS = "Here are short everyday events, one a line."
QUESTIONS = {
    "xAttr": "What does an event say about the person? One or two words.",
    "xReact": "How does the person feel after an event? One or two words.",
    "xEffect": "What happens to the person because of an event?",
    "xIntent": "Why does the person do it?",
    "xWant": "What will the person want to do next?",
    "xNeed": "What did the person have to do before?",
    "HinderedBy": "What would keep an event from happening?",
}
PROMPT_SHA256 = digest([NAMES, ASKED, EVENTS, QUESTIONS, PHRASES])
"""Pins the wording: replies to other prompts are never mixed with these."""


def event_prompt(events: Sequence[str]) -> str:
    """Ends where the next event begins."""
    lines = [f"{n}. {event}" for n, event in enumerate(events, 1)]
    return "\n".join([EVENTS, "", *lines, f"{len(events) + 1}."])


def tail_prompt(event: str, relation: str, shots: Sequence[tuple[str, str]]) -> str:
    """Ends where the tail begins; `shots` are events with a tail of the relation."""
    rng = Random(relation)
    lines = [
        with_names(f"{n}. {head}. {PHRASES[relation]} {tail}.", rng.sample(NAMES, len(SLOTS)))
        for n, (head, tail) in enumerate(shots, 1)
    ]
    asked = f"{len(shots) + 1}. {event}. {PHRASES[relation]}"
    return "\n".join([QUESTIONS[relation], "", *lines, with_names(asked, ASKED)])


def unnamed(text: str) -> str:
    """With the slots in the place of the names that were asked about."""
    for name, slot in zip(ASKED, SLOTS, strict=True):
        text = text.replace(name, slot)
    return text
