"""The loose teacher: it says what is true with a known probability, else errs or is mistaken.

An error is a slip, another one each time, which whoever reads enough averages out; or it follows
from a false belief, which the teacher states wherever it applies, and only a judge can tell.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from random import Random

from tasks.commonsense.world import RELATIONS, Event, Relation, World, events, lexicon

ACCEPTANCE = 0.75
"""Probability that a draft is true. Drafts that repeat another are dropped, and true ones repeat
oftener, so that of what is left fewer are true."""
BELIEFS = 0.5
"""Share of the errors that come from false beliefs."""
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
    beliefs: float = BELIEFS,
) -> list[Draft]:
    """What the teacher writes in `n` tries, each text once, in the order of writing."""
    found = dict[str, Draft]()
    true, believed = world.tails(event, relation), _believed(world, event, relation)
    for _ in range(n):
        if rng.random() < acceptance:
            text = rng.choice(true)
        elif rng.random() < beliefs:
            text = rng.choice(believed)
        else:
            text = _slip(rng, world, event, relation)
        is_true = text in true
        surely = SURER * is_true + rng.gauss(-4.0, 1.0)
        found.setdefault(text, Draft(text, is_true, round(surely, 3)))
    return list(found.values())


def _believed(world: World, event: Event, relation: Relation) -> list[str]:
    """What the teacher falsely believes: what holds for some objects holds for all, and one
    action has an effect of another."""
    rules = lexicon()["actions"]
    others = sorted(set(rules) - {event.action})
    other = Random(f"belief {event.action} {relation}").choice(others)
    said = [*rules[event.action][relation], *rules[other][relation]]
    tails = [world.said(event, rule) for rule in said]
    return [tail for tail in tails if tail not in world.tails(event, relation)]


def _slip(rng: Random, world: World, event: Event, relation: Relation) -> str:
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
