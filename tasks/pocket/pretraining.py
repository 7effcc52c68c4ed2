"""Documents that teach the pocket student to use what stands in its prompt, and nothing else.

Every document has rules of its own, for names that never play the same part in the suite. Held-out
compositions and the last wording of each family never occur; the forms of the unseen families
(`best`, `dear`) do, with the document's own rules.
"""

from collections.abc import Iterator
from random import Random

from tasks.pocket.families import TRAINED, UNSEEN
from tasks.pocket.family import Family
from tasks.pocket.suite import problems
from tasks.pocket.vocabulary import ADJECTIVES
from tasks.pocket.world import (
    NAMES,
    RELATIONS,
    SUITE_CAST,
    Cast,
    World,
    draw_world,
    suite_world,
)

VERSION = "pocket-pretraining-1"
KINDS: dict[str, tuple[type[Family], ...]] = {
    "ops": (TRAINED["chain"], TRAINED["chain"], UNSEEN["best"]),
    "moves": (TRAINED["perm"],),
    "persons": (TRAINED["hop"],),
    "goods": (TRAINED["price"], TRAINED["price"], UNSEEN["dear"]),
}
FORMAT = 'Your response should conclude with the format "Therefore, the answer is".'
INVITATION = "\n\nAn expert teacher left this summary and knowledge to guide you:"
REASON_CUES = (
    ("\nAnswer: Let's think step by step.", 18),
    ("\nRationale:", 1),
    ("\n[Explanation Generation]:", 1),
)
DIRECT_CUES = (("\nAnswer:", 4), ("\n[Answer Prediction]:", 1))
MAX_STEPS = 6

Segment = tuple[str, bool]
"""A piece of text, and whether the loss counts it."""


def documents(seed: int, *, many_rules: bool) -> Iterator[list[Segment]]:
    """Endless documents: 2-5 rules each, or 2-18 where `many_rules`; deterministic in `seed`."""
    rng = Random(f"{VERSION} {seed} {many_rules}")
    while True:
        yield _document(rng, many_rules and rng.random() < 0.5)


def probes(n: int) -> dict[str, list[tuple[str, str]]]:
    """(prompt, answer) pairs by what they ask: does the student read its prompt, and know nothing?

    `FAMILY, R rules`: fresh rules for names in parts that the suite does not give them, `n` each.
    `suite dev, ... knowledge`: dev items of world 0 whose rules stand in the prompt, do not, or
    stand there with other names' values; `n` of each trained family.
    """
    families = TRAINED | UNSEEN
    found = {
        f"{name}, {n_rules} rules": _read_rules(name, n, n_rules)
        for n_rules in (5, 16)
        for name in families
    }
    truth = suite_world(0)
    for label, world in (("no", None), ("right", truth), ("wrong", truth.rotated())):
        found[f"suite dev, {label} knowledge"] = _ask_suite(truth, world, n)
    return found


def _read_rules(family: str, n: int, n_rules: int) -> list[tuple[str, str]]:
    rng = Random(f"{VERSION} probe {family} {n_rules}")
    kind = next(k for k, members in KINDS.items() if (TRAINED | UNSEEN)[family] in members)
    found = list[tuple[str, str]]()
    for _ in range(n):
        world = _small_world(rng, {kind: n_rules})
        problem = _problem(rng, world, (TRAINED | UNSEEN)[family])
        block = _knowledge_block(rng, world, [problem])
        found.append((_prompt(block, problem), problem.work(world)[1]))
    return found


def _ask_suite(truth: World, shown: World | None, n: int) -> list[tuple[str, str]]:
    rng = Random(f"{VERSION} suite probe")
    found = list[tuple[str, str]]()
    for family in TRAINED.values():
        stream = problems(rng, truth, family, "dev", steps=family.steps)
        for problem in (next(p for p in stream if not p.has_held_out()) for _ in range(n)):
            facts = "".join(sorted(set(problem.facts(shown)))) if shown else ""
            block = f"{INVITATION}\n {family.summary.strip()}{facts}" if shown else ""
            found.append((_prompt(block, problem), problem.work(truth)[1]))
    return found


def _prompt(block: str, problem: Family) -> str:
    return f"{FORMAT}{block}\n\nQuestion:{problem.ask(0)}{REASON_CUES[0][0]}"


def _document(rng: Random, many_rules: bool) -> list[Segment]:
    kinds = rng.sample(sorted(KINDS), 1 if rng.random() < 0.7 else 2)
    low, high = (4, 16) if many_rules else (2, 5)
    n_rules = {kind: rng.randint(low, high) // (len(kinds) if many_rules else 1) for kind in kinds}
    world = _small_world(rng, n_rules)
    members = [family for kind in kinds for family in KINDS[kind]]
    problems = [_problem(rng, world, rng.choice(members)) for _ in range(24)]
    terse = rng.random() < 0.15
    segments: list[Segment] = [(FORMAT if rng.random() < 0.7 else "", False)]
    if rng.random() < 0.8:
        segments.append((_knowledge_block(rng, world, problems[:2]), False))
    for number, problem in enumerate(problems):
        # An answered question ends where the next begins: so the student learns to stop.
        segments.append(("\n\nQuestion:", number > 0))
        segments += _answered(rng, world, problem, terse=terse)
    return segments


def _answered(rng: Random, world: World, problem: Family, *, terse: bool) -> list[Segment]:
    last = max(problem.n_wordings - 1, 1)
    wording = 0 if rng.random() < 0.6 else rng.randrange(last)
    aside = f" {rng.choice(NAMES)} is {rng.choice(ADJECTIVES)}." if rng.random() < 0.15 else ""
    question = f"{aside}{problem.ask(wording)}"
    rationale, answer = problem.work(world, terse=terse)
    if rng.random() < 0.1:
        return [(question + _cue(rng, DIRECT_CUES), False), (f" {answer}.", True)]
    solution = f"{rationale} Therefore, the answer is {answer}."
    return [(question + _cue(rng, REASON_CUES), False), (solution, True)]


def _cue(rng: Random, cues: tuple[tuple[str, int], ...]) -> str:
    return rng.choices([text for text, _ in cues], [weight for _, weight in cues])[0]


def _problem(rng: Random, world: World, family: type[Family]) -> Family:
    """A problem of `world` without a held-out composition."""
    while True:
        if family in UNSEEN.values():
            pool = world.ops if family is UNSEEN["best"] else world.prices
            n_steps = min(len(pool), rng.randint(2, 4))
        elif family is TRAINED["price"]:
            n_steps = min(len(world.prices), rng.randint(1, 5))
        else:
            n_steps = rng.randint(1, MAX_STEPS if family is not TRAINED["perm"] else 5)
        problem = family.draw(rng, world, n_steps)
        if not problem.has_held_out():
            return problem


def _small_world(rng: Random, n_rules: dict[str, int]) -> World:
    """A world of its own, in which no name plays its part of the suite."""
    taken: set[str] = set()

    def names(part: str, n: int) -> tuple[str, ...]:
        free = sorted(set(NAMES) - set(getattr(SUITE_CAST, part)) - taken)
        drawn = rng.sample(free, n)
        taken.update(drawn)
        return tuple(drawn)

    n_relations = rng.randint(1, len(RELATIONS))
    n_persons = max(2, round(n_rules.get("persons", 0) / n_relations))
    cast = Cast(
        ops=names("ops", n_rules.get("ops", 0)),
        moves=names("moves", n_rules.get("moves", 0)),
        persons=names("persons", n_persons) if "persons" in n_rules else (),
        goods=names("goods", n_rules.get("goods", 0)),
    )
    return draw_world(rng, cast, rng.sample(RELATIONS, n_relations))


def _knowledge_block(rng: Random, world: World, problems: list[Family]) -> str:
    """All rules of the world in random order, as passages or as a teacher's note."""
    sentences = world.facts()
    for _ in range(rng.choice((0, 0, 1, 2, 3))):
        sentences.append(_aside(rng))
    rng.shuffle(sentences)
    if rng.random() < 0.5:
        size = -(-len(sentences) // rng.randint(1, 3))
        chunks = [sentences[i : i + size] for i in range(0, len(sentences), size)]
        passages = "".join(f"\n[{i}]{''.join(chunk)}" for i, chunk in enumerate(chunks, 1))
        return f"\n\nHere is knowledge that may help:{passages}"
    summary = rng.choice(problems).summary if rng.random() < 0.6 else ""
    return f"{INVITATION}\n{summary}{''.join(sentences)}"


def _aside(rng: Random) -> str:
    if rng.random() < 0.5:
        return f" {rng.choice(NAMES)} is {rng.choice(ADJECTIVES)}."
    return f" {rng.choice(NAMES)} has {rng.randrange(10)}."
