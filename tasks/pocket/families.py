"""The six question families: how to draw a problem, word it, look up its rules and work it out.

One real question of each (world 0 gives the rules their values):

- chain: " start 7, do rado mulu?"
- perm:  " cups left white middle black right blue, do pugi tafo, which left?"
- hop:   " from dago follow fears helps fears?"
- price: " buy 2 kupi 2 toma, total?"
- best:  " gupi of 3, laka of 3, lasa of 5, best result?"   (held out of training)
- dear:  " roni, toma, zodo, rubo, dearest?"                (held out of training)

Every rationale token is a one-hop look-up, and a rationale is a function of the world: a teacher
who believes in another world makes a coherent mistake.
"""

from dataclasses import dataclass
from itertools import pairwise
from random import Random

from tasks.pocket.family import Family
from tasks.pocket.world import (
    COLOURS,
    MODULUS,
    PLACES,
    World,
    link_fact,
    move_fact,
    op_fact,
    price_fact,
)


@dataclass(frozen=True, slots=True)
class Chain(Family):
    """Words change a number in turn, modulo ten; chance 1 in 10."""

    part = "ops"
    ability = "mathematical"
    summary = " read the words in turn. each word changes the number. ten becomes 0."
    steps = (2, 4)
    long_steps = (5, 6)
    n_wordings = 4

    start: int
    ops: tuple[str, ...]

    @classmethod
    def draw(cls, rng: Random, world: World, n_steps: int) -> "Chain":
        return cls(rng.randrange(MODULUS), tuple(rng.choices(list(world.ops), k=n_steps)))

    def ask(self, wording: int) -> str:
        words = " ".join(self.ops)
        return (
            f" start {self.start}, do {words}?",
            f" we have {self.start}. {' then '.join(self.ops)}. result?",
            f" do {words} on {self.start}?",
            f" on {self.start} do {words}. result?",
        )[wording]

    def facts(self, world: World) -> list[str]:
        return [op_fact(world, name) for name in self.ops]

    def work(self, world: World, *, terse: bool = False) -> tuple[str, str]:
        state, lines = self.start, ""
        for name in self.ops:
            after = (state + world.ops[name]) % MODULUS
            rule = "" if terse else op_fact(world, name)[:-1] + ":"
            lines += f"{rule} {state} becomes {after}."
            state = after
        return lines, str(state)

    def compositions(self) -> list[tuple[str, ...]]:
        return list(pairwise(self.ops))


@dataclass(frozen=True, slots=True)
class Perm(Family):
    """Words swap cups; which colour stands where? Chance 1 in 3."""

    part = "moves"
    ability = "general"
    summary = " read the words in turn. each word moves the colours. then find the cup."
    steps = (2, 3)
    long_steps = (4, 5)
    n_wordings = 4

    colours: tuple[str, ...]
    moves: tuple[str, ...]
    place: str

    @classmethod
    def draw(cls, rng: Random, world: World, n_steps: int) -> "Perm":
        moves = tuple(rng.choices(list(world.moves), k=n_steps))
        return cls(tuple(rng.sample(COLOURS, len(PLACES))), moves, rng.choice(PLACES))

    def ask(self, wording: int) -> str:
        cups, words = _cups(dict(zip(PLACES, self.colours, strict=True))), " ".join(self.moves)
        return (
            f" cups{cups}, do {words}, which {self.place}?",
            f" we have{cups}. {' then '.join(self.moves)}. {self.place}?",
            f" do {words} on cups{cups}, which {self.place}?",
            f" on cups{cups} do {words}. {self.place}?",
        )[wording]

    def facts(self, world: World) -> list[str]:
        return [move_fact(world, name) for name in self.moves]

    def work(self, world: World, *, terse: bool = False) -> tuple[str, str]:
        cups, lines = dict(zip(PLACES, self.colours, strict=True)), ""
        for name in self.moves:
            a, b = world.moves[name]
            cups[a], cups[b] = cups[b], cups[a]
            rule = "" if terse else move_fact(world, name)[:-1] + ":"
            lines += f"{rule}{_cups(cups)}."
        answer = cups[self.place]
        return lines + f" {self.place} is {answer}.", answer

    def compositions(self) -> list[tuple[str, ...]]:
        return list(pairwise(self.moves))

    def options(self) -> tuple[str, ...]:
        return self.colours


@dataclass(frozen=True, slots=True)
class Hop(Family):
    """Follow relations from person to person; chance 1 in 16."""

    part = "persons"
    ability = "factual"
    summary = " start with the person. follow each word in turn. the last person is it."
    steps = (2, 4)
    long_steps = (5, 6)
    n_wordings = 4

    person: str
    relations: tuple[str, ...]

    @classmethod
    def draw(cls, rng: Random, world: World, n_steps: int) -> "Hop":
        persons = sorted({p for p, _ in world.links})
        relations = sorted({r for _, r in world.links})
        return cls(rng.choice(persons), tuple(rng.choices(relations, k=n_steps)))

    def ask(self, wording: int) -> str:
        words = " ".join(self.relations)
        return (
            f" from {self.person} follow {words}?",
            f" we have {self.person}. {' then '.join(self.relations)}. who?",
            f" follow {words} on {self.person}?",
            f" on {self.person} follow {words}. who?",
        )[wording]

    def facts(self, world: World) -> list[str]:
        sentences, person = list[str](), self.person
        for relation in self.relations:
            sentences.append(link_fact(world, person, relation))
            person = world.links[person, relation]
        return sentences

    def work(self, world: World, *, terse: bool = False) -> tuple[str, str]:
        person, lines = self.person, ""
        for relation in self.relations:
            rule = link_fact(world, person, relation)
            person = world.links[person, relation]
            lines += f" {person}." if terse else rule
        return lines, person

    def compositions(self) -> list[tuple[str, ...]]:
        return [(self.person, *self.relations[:2])] if len(self.relations) > 1 else []

    def worked_compositions(self, world: World) -> list[tuple[str, ...]]:
        found, person = list[tuple[str, ...]](), self.person
        for first, second in pairwise(self.relations):
            found.append((person, first, second))
            person = world.links[person, first]
        return found


@dataclass(frozen=True, slots=True)
class Price(Family):
    """The total of a basket; chance about 1 in 20."""

    part = "goods"
    ability = "mathematical"
    summary = " read the goods in turn. count times price of each. add all for the total."
    steps = (2, 3)
    long_steps = (4, 5)
    n_wordings = 4

    basket: tuple[tuple[int, str], ...]

    @classmethod
    def draw(cls, rng: Random, world: World, n_steps: int) -> "Price":
        goods = rng.sample(list(world.prices), n_steps)
        return cls(tuple((rng.randint(1, 3), name) for name in goods))

    def ask(self, wording: int) -> str:
        items = [f"{count} {name}" for count, name in self.basket]
        return (
            f" buy {' '.join(items)}, total?",
            f" we have {' and '.join(items)}. total?",
            f" total of {' '.join(items)}?",
            f" we have {' '.join(items)}. total?",
        )[wording]

    def facts(self, world: World) -> list[str]:
        return [price_fact(world, name) for _, name in self.basket]

    def work(self, world: World, *, terse: bool = False) -> tuple[str, str]:
        total, lines = 0, ""
        for count, name in self.basket:
            cost = world.prices[name]
            total += count * cost
            rule = "" if terse else price_fact(world, name)[:-1] + ":"
            lines += f"{rule} {count} times {cost} is {count * cost}: total {total}."
        return lines, str(total)

    def compositions(self) -> list[tuple[str, ...]]:
        return list(pairwise(name for _, name in self.basket))


@dataclass(frozen=True, slots=True)
class Best(Family):
    """The best result of several words; never trained; chance about 1 in 5."""

    part = "ops"
    ability = "mathematical"
    summary = " each word changes its number. keep the best result."
    steps = (3, 3)
    n_wordings = 1

    starts: tuple[tuple[str, int], ...]

    @classmethod
    def draw(cls, rng: Random, world: World, n_steps: int) -> "Best":
        ops = rng.sample(list(world.ops), n_steps)
        return cls(tuple((name, rng.randrange(MODULUS)) for name in ops))

    def ask(self, wording: int) -> str:
        words = ",".join(f" {name} of {start}" for name, start in self.starts)
        return f"{words}, best result?"

    def facts(self, world: World) -> list[str]:
        return [op_fact(world, name) for name, _ in self.starts]

    def work(self, world: World, *, terse: bool = False) -> tuple[str, str]:
        best, lines = 0, ""
        for name, start in self.starts:
            after = (start + world.ops[name]) % MODULUS
            best = max(best, after)
            rule = "" if terse else op_fact(world, name)[:-1] + ":"
            lines += f"{rule} {start} becomes {after}: best {best}."
        return lines, str(best)


@dataclass(frozen=True, slots=True)
class Dear(Family):
    """The dearest of four goods, the first of equals; never trained; chance 1 in 4."""

    part = "goods"
    ability = "factual"
    summary = " read the goods in turn. keep the dearest, the start one of two."
    steps = (4, 4)
    n_wordings = 1

    goods: tuple[str, ...]

    @classmethod
    def draw(cls, rng: Random, world: World, n_steps: int) -> "Dear":
        return cls(tuple(rng.sample(list(world.prices), n_steps)))

    def ask(self, wording: int) -> str:
        return f" {', '.join(self.goods)}, dearest?"

    def facts(self, world: World) -> list[str]:
        return [price_fact(world, name) for name in self.goods]

    def work(self, world: World, *, terse: bool = False) -> tuple[str, str]:
        best, lines = self.goods[0], ""
        for name in self.goods:
            if world.prices[name] > world.prices[best]:
                best = name
            rule = "" if terse else price_fact(world, name)[:-1] + ":"
            lines += f"{rule} best {best} {world.prices[best]}."
        return lines, best

    def options(self) -> tuple[str, ...]:
        return self.goods


TRAINED: dict[str, type[Family]] = {"chain": Chain, "hop": Hop, "perm": Perm, "price": Price}
UNSEEN: dict[str, type[Family]] = {"best": Best, "dear": Dear}


def _cups(cups: dict[str, str]) -> str:
    return "".join(f" {place} {colour}" for place, colour in cups.items())
