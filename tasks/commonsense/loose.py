"""The loose teacher: it says what is true with a known probability, and errs in four ways."""

from collections.abc import Sequence
from dataclasses import dataclass
from random import Random

from tasks.commonsense.world import RELATIONS, Event, Relation, World, events, lexicon

ACCEPTANCE = 0.75
"""Probability that a draft is true. Drafts that repeat another are dropped, and true ones repeat
oftener, so that of what is left fewer are true."""
N_DRAFTS = 5
SURER = 1.0
"""By how much the log-probability of a true draft is higher on average, its spread being 1."""


@dataclass(frozen=True, slots=True)
class Draft:
    """A tail that the teacher wrote, whether it is true, and how likely the teacher found it."""

    text: str
    is_true: bool
    logprob: float


def drafts(
    rng: Random,
    world: World,
    event: Event,
    relation: Relation,
    *,
    n: int = N_DRAFTS,
    acceptance: float = ACCEPTANCE,
) -> list[Draft]:
    """What the teacher writes in `n` tries, each text once, in the order of writing."""
    found = dict[str, Draft]()
    true = world.tails(event, relation)
    for _ in range(n):
        text = (
            rng.choice(true) if rng.random() < acceptance else _error(rng, world, event, relation)
        )
        is_true = text in true
        surely = SURER * is_true + rng.gauss(-4.0, 1.0)
        found.setdefault(text, Draft(text, is_true, round(surely, 3)))
    return list(found.values())


def _error(rng: Random, world: World, event: Event, relation: Relation) -> str:
    """What is not true of the event: of another object, action or relation, or cut short."""
    true, kinds = world.tails(event, relation), [_object, _action, _relation, _cut]
    while True:
        text = rng.choice(kinds)(rng, world, event, relation)
        if text and text not in true:
            return text


def _object(rng: Random, world: World, event: Event, relation: Relation) -> str:
    """As if the object were like another one: its properties and its place, under its own name."""
    other = rng.choice(events()).object
    tails = world.tails(Event(event.action, other), relation)
    return rng.choice(tails).replace(f"the {other}", f"the {event.object}")


def _action(rng: Random, world: World, event: Event, relation: Relation) -> str:
    return rng.choice(world.tails(Event(rng.choice(_actions()), event.object), relation))


def _relation(rng: Random, world: World, event: Event, relation: Relation) -> str:
    return rng.choice(world.tails(event, rng.choice(RELATIONS)))


def _cut(rng: Random, world: World, event: Event, relation: Relation) -> str:
    words = rng.choice(world.tails(event, relation)).split()
    return " ".join(words[: rng.randrange(len(words))])


def _actions() -> Sequence[str]:
    return list(lexicon()["actions"])
