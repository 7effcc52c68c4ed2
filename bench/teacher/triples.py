"""From a loose teacher to triples: what to ask next, and what to keep of the replies.

Pure functions of the replies so far, after the pipeline of West et al. 2021: events from events,
then tails of each event in each relation, and filters that count what they drop.
"""

import string
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Any

from bench.teacher.journal import Request
from bench.teacher.plan import Replies, Row, Step, unfinished
from bench.teacher.triple_prompts import event_prompt, tail_prompt, unnamed
from tasks.corpora import Answered
from tasks.triples import PHRASES, SLOTS, Triple

SAMPLES = 20
"""Events that are asked of one prompt."""
N_SHOWN = 10
"""Events, or events with a tail, that a prompt shows."""
LEAST_LIKELY = {"event": 0.2, "tail": 0.1}
"""Share that is dropped for the teacher's own probability, where that is known."""
EVENT_WORDS, TAIL_WORDS = (3, 12), (1, 12)
LETTERS = set(string.ascii_letters + string.digits + " '-,")


@dataclass(frozen=True, slots=True)
class Shown:
    """What people wrote, of which prompts show some."""

    heads: Sequence[str]
    tails: Mapping[str, Sequence[tuple[str, str]]]
    """Relation -> events, each with a tail."""


@dataclass
class Kept:
    """What is left, and why the rest is not."""

    texts: list[tuple[str, str]] = field(default_factory=list[tuple[str, str]])
    """Id of what was asked, and what was written."""
    dropped: Counter[str] = field(default_factory=Counter[str])


def shown(rows: Sequence[Mapping[str, Any]]) -> Shown:
    """Of a corpus of triples, what no machine wrote."""
    human = [row for row in rows if row.get("source") != "machine"]
    tails = defaultdict[str, list[tuple[str, str]]](list)
    for row in human:
        tails[row["task"]].append((row["question"], row["answer"]))
    return Shown(list(dict.fromkeys(row["question"] for row in human)), tails)


def event_units(n: int) -> list[Row]:
    """As many prompts for events as give at least `n` replies."""
    return [{"id": f"events/{i}"} for i in range(-(-n // SAMPLES))]


def next_event(unit: Row, replies: Replies, known: Shown) -> Step | None:
    """The next request for events; None when all was asked."""
    asked = (Request(unit["id"], "event", n) for n in range(SAMPLES))
    request = next((each for each in asked if each not in replies), None)
    if request is None:
        return None
    heads = Random(unit["id"]).sample(known.heads, min(N_SHOWN, len(known.heads)))
    return Step(request, event_prompt(heads))


def tail_units(events: Sequence[str], relations: Sequence[str]) -> list[Row]:
    """Relation by relation, so that prompts that begin alike are asked together."""
    return [
        {"id": f"{event}/{relation}", "event": event, "relation": relation}
        for relation in relations
        for event in events
    ]


def next_tail(unit: Row, replies: Replies, known: Shown, n_tails: int) -> Step | None:
    """The next request for a tail; None when all was asked."""
    asked = (Request(unit["id"], "tail", n) for n in range(n_tails))
    request = next((each for each in asked if each not in replies), None)
    if request is None:
        return None
    relation, tails = unit["relation"], known.tails[unit["relation"]]
    shots = Random(relation).sample(tails, min(N_SHOWN, len(tails)))
    return Step(request, tail_prompt(unit["event"], relation, shots))


def events(units: Sequence[Row], replies: Replies, known: Shown) -> Kept:
    """New events: each once, and none that people wrote."""
    seen = {_key(head) for head in known.heads}

    def fault(unit: str, event: str) -> str | None:
        if what := _wording_fault(event, *EVENT_WORDS):
            return what
        if not event.startswith(f"{SLOTS[0]} "):
            return f"no {SLOTS[0]}"
        if _key(event) in seen:
            return "repeats another"
        seen.add(_key(event))
        return None

    asked = [Request(unit["id"], "event", n) for unit in units for n in range(SAMPLES)]
    return _kept("event", asked, replies, fault)


def tails(units: Sequence[Row], replies: Replies, n_tails: int) -> Kept:
    """The tails of each event and relation, each once."""
    seen = set[tuple[str, str]]()

    def fault(unit: str, tail: str) -> str | None:
        if what := _wording_fault(tail, *TAIL_WORDS):
            return what
        if len(tail) <= 2:
            return "too short"
        if (unit, _key(tail)) in seen:
            return "repeats another"
        seen.add((unit, _key(tail)))
        return None

    asked = [Request(unit["id"], "tail", n) for unit in units for n in range(n_tails)]
    return _kept("tail", asked, replies, fault)


def triples(units: Sequence[Row], kept: Kept) -> Iterator[Triple]:
    """What is left, as triples."""
    by_id = {unit["id"]: unit for unit in units}
    for name, tail in kept.texts:
        yield by_id[name]["event"], by_id[name]["relation"], tail


def answers(units: Sequence[Row], kept: Kept) -> list[Answered]:
    """What is left, by event and relation: what the teacher answers itself."""
    found = defaultdict[tuple[str, str], list[str]](list)
    for head, relation, tail in triples(units, kept):
        found[head, relation].append(tail)
    return [
        {"head": head, "relation": relation, "tails": tails}
        for (head, relation), tails in found.items()
    ]


def _kept(
    part: str,
    asked: Sequence[Request],
    replies: Replies,
    fault: Callable[[str, str], str | None],
) -> Kept:
    found, left = Kept(), list[tuple[Request, str]]()
    for request in asked:
        reply = replies[request]
        text = unnamed(" ".join(reply.text.split()).removesuffix("."))
        what = unfinished(reply) or fault(request.id, text)
        if what:
            found.dropped[what] += 1
        else:
            left.append((request, text))
    least = _least_likely([replies[request].logprob for request, _ in left], LEAST_LIKELY[part])
    found.dropped["least likely"] = len(least)
    found.texts = [(request.id, text) for i, (request, text) in enumerate(left) if i not in least]
    return found


def _least_likely(logprobs: Sequence[float | None], share: float) -> set[int]:
    """The places of the share that is dropped; none where a probability is not known."""
    known = [logprob for logprob in logprobs if logprob is not None]
    if len(known) < len(logprobs):
        return set()
    order = sorted(range(len(known)), key=known.__getitem__)
    return set(order[: int(share * len(known))])


def _wording_fault(text: str, least: int, most: int) -> str | None:
    if not set(text) <= LETTERS:
        return "odd characters"
    n = len(text.split())
    return "too short" if n < least else "too long" if n > most else None


def _key(text: str) -> str:
    return " ".join(text.casefold().split())


def relations(known: Shown) -> list[str]:
    """The relations that can be asked for: those that people wrote tails of, in usual order."""
    return [relation for relation in PHRASES if known.tails.get(relation)]
