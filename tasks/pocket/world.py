"""A world of invented rules: words that change numbers or swap cups, people, prices."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from random import Random
from typing import TypeVar

K = TypeVar("K")
V = TypeVar("V")

RELATIONS: tuple[str, ...] = ("likes", "fears", "helps")
PLACES: tuple[str, ...] = ("left", "middle", "right")
COLOURS: tuple[str, ...] = ("red", "blue", "black", "white", "green")
SWAPS = (("left", "middle"), ("left", "right"), ("middle", "right"))
CHANGES = tuple(c for c in range(-9, 10) if c)
PRICES = tuple(range(1, 10))
MODULUS = 10
"""Chain arithmetic wraps at ten, so that every state is one token."""


def _nonce_names(n: int) -> tuple[str, ...]:
    rng = Random("pocket names")
    syllables = [c + v for c in "bdfgklmnprstvz" for v in "aiou"]
    found: dict[str, None] = {}
    while len(found) < n:
        found[rng.choice(syllables) + rng.choice(syllables)] = None
    return tuple(found)


NAMES = _nonce_names(240)


@dataclass(frozen=True, slots=True)
class Cast:
    """Which names play which part; a name says nothing of its value."""

    ops: tuple[str, ...]
    moves: tuple[str, ...]
    persons: tuple[str, ...]
    goods: tuple[str, ...]


SUITE_CAST = Cast(ops=NAMES[:48], moves=NAMES[48:80], persons=NAMES[80:96], goods=NAMES[96:136])
"""The parts in every world of the suite. Pretraining never gives a name its part of this cast,
so it cannot state a fact of any world, nor hint at one by leaving it out."""


@dataclass(frozen=True, slots=True)
class World:
    """Rules by name: `ops` are signed changes, `links` map (person, relation) to a person."""

    ops: Mapping[str, int]
    moves: Mapping[str, tuple[str, str]]
    links: Mapping[tuple[str, str], str]
    prices: Mapping[str, int]

    def facts(self) -> list[str]:
        """Every rule as a sentence with a leading space."""
        return [
            *(op_fact(self, n) for n in self.ops),
            *(move_fact(self, n) for n in self.moves),
            *(link_fact(self, p, r) for p, r in self.links),
            *(price_fact(self, n) for n in self.prices),
        ]

    def rotated(self) -> "World":
        """The same names with other names' values: knowledge that is wrong but well-formed."""
        return World(
            _rotate(self.ops), _rotate(self.moves), _rotate(self.links), _rotate(self.prices)
        )


def draw_world(rng: Random, cast: Cast, relations: Sequence[str] = RELATIONS) -> World:
    """Give every name of the cast a rule at random."""
    return World(
        ops={n: rng.choice(CHANGES) for n in cast.ops},
        moves={n: rng.choice(SWAPS) for n in cast.moves},
        links={
            (p, r): rng.choice([o for o in cast.persons if o != p])
            for p in cast.persons
            for r in relations
        },
        prices={n: rng.choice(PRICES) for n in cast.goods},
    )


def suite_world(number: int) -> World:
    """World `number` of the suite; the headline tracks use world 0."""
    return draw_world(Random(f"pocket world {number}"), SUITE_CAST)


def op_fact(world: World, name: str) -> str:
    """As in " seko takes 9."."""
    change = world.ops[name]
    return f" {name} adds {change}." if change > 0 else f" {name} takes {-change}."


def move_fact(world: World, name: str) -> str:
    """As in " zupo swaps left and right."."""
    first, second = world.moves[name]
    return f" {name} swaps {first} and {second}."


def link_fact(world: World, person: str, relation: str) -> str:
    """As in " givu likes giru."."""
    return f" {person} {relation} {world.links[person, relation]}."


def price_fact(world: World, name: str) -> str:
    """As in " pura costs 2."."""
    return f" {name} costs {world.prices[name]}."


def held_out(*parts: str) -> bool:
    """Whether this adjacent composition is kept out of all training (one in five, by hash)."""
    return hashlib.sha256("/".join(parts).encode()).digest()[0] % 5 == 0


def _rotate(rules: Mapping[K, V]) -> dict[K, V]:
    """Give each key the next *different* value, so that no rule stays right by accident."""
    keys, values = list(rules), list(rules.values())
    turned: dict[K, V] = {}
    for i, key in enumerate(keys):
        later = (values[(i + j) % len(values)] for j in range(1, len(values)))
        turned[key] = next((v for v in later if v != values[i]), values[i])
    return turned
