"""The rule base: which tails are true of an event, in each of the seven relations.

An event is an action of PersonX on an object; what follows is a matter of the action, of the
object's kind, and of properties that a world gives to each object.
"""

import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from random import Random
from typing import Any, Literal, get_args

Relation = Literal["xAttr", "xReact", "xEffect", "xIntent", "xWant", "xNeed", "HinderedBy"]
RELATIONS: tuple[Relation, ...] = get_args(Relation)
"""Of West et al. 2021."""


@dataclass(frozen=True, slots=True)
class Event:
    """PersonX does something to an object."""

    action: str
    object: str

    @property
    def text(self) -> str:
        return f"PersonX {self.action} the {self.object}"


@cache
def lexicon() -> dict[str, Any]:
    """The file beside this one."""
    return tomllib.loads(Path(__file__).with_name("lexicon.toml").read_text(encoding="utf-8"))


@dataclass(frozen=True, slots=True)
class World:
    """What each object is like: object -> its properties, object -> the place where it is kept."""

    properties: dict[str, frozenset[str]]
    places: dict[str, str]

    def tails(self, event: Event, relation: Relation) -> tuple[str, ...]:
        """All tails that are true, in the order of the rules."""
        rules = lexicon()["actions"][event.action][relation]
        return tuple(self.said(event, rule) for rule in rules if self._holds(event, rule))

    def _holds(self, event: Event, rule: str) -> bool:
        """Whether the object has the property that the rule asks for, if it asks for one."""
        condition, colon, _ = rule.rpartition(": ")
        return not colon or condition in self.properties[event.object]

    def said(self, event: Event, rule: str) -> str:
        """What a rule says of an event, whether it holds or not."""
        return rule.rpartition(": ")[2].format(
            o=f"the {event.object}", place=self.places[event.object], **_kind(event.object)
        )


@cache
def _kind(thing: str) -> dict[str, str]:
    """What holds for all objects of its kind."""
    (found,) = (kind for kind in lexicon()["kinds"].values() if thing in kind["objects"])
    return {"use": found["use"], "shop": found["shop"]}


@cache
def world(number: int) -> World:
    """The world of that number."""
    rng, words = Random(f"commonsense world {number}"), lexicon()
    objects = [thing for kind in words["kinds"].values() for thing in kind["objects"]]
    return World(
        {thing: frozenset(map(rng.choice, words["properties"])) for thing in objects},
        {thing: rng.choice(words["places"]) for thing in objects},
    )


def events() -> list[Event]:
    """Every action on every object."""
    objects = [thing for kind in lexicon()["kinds"].values() for thing in kind["objects"]]
    return [Event(action, thing) for action in lexicon()["actions"] for thing in objects]
