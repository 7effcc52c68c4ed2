"""The programmatic teacher of the pocket suite: it writes rationales and knowledge, and errs."""

import re
from dataclasses import dataclass, replace
from pathlib import Path
from random import Random

from tasks.corpora import CorpusRow, LabelledTriple, Passage, TeacherCorpus, n_tokens
from tasks.pocket.families import TRAINED
from tasks.pocket.family import Family
from tasks.pocket.suite import problems
from tasks.pocket.vocabulary import ADJECTIVES
from tasks.pocket.world import (
    CHANGES,
    NAMES,
    PRICES,
    SUITE_CAST,
    SWAPS,
    World,
    held_out,
    link_fact,
    move_fact,
    op_fact,
    price_fact,
    suite_world,
)
from tasks.triples import labelled

ERROR_RATE = 0.15
"""Share of questions where the teacher misremembers one rule that the question needs."""


@dataclass(frozen=True, slots=True)
class Recipe:
    """How many items a corpus keeps, and how its teacher writes them."""

    n_items: int
    terse: bool = False
    """Whether the rationales leave out the rules they follow."""
    error_rate: float = ERROR_RATE
    filtered: bool = True
    """Whether rationales that end in a wrong answer are rejected."""
    split: str = "train"
    false_facts: float = 0.0
    """Share of the rules in the knowledge that are false; some are then judged, for a critic."""


CORPORA = {
    "pocket": Recipe(400),
    "pocket-100": Recipe(100),
    "pocket-40": Recipe(40),
    "pocket-100-terse": Recipe(100, terse=True),
    "pocket-100-wrong": Recipe(100, error_rate=0.5, filtered=False),
    "pocket-probe": Recipe(200, split="dev"),
    "pocket-loose": Recipe(400, false_facts=0.3),
}
LABEL_SPLITS = ("train", "train", "dev", "test")
N_IRRELEVANT = 2
"""Rules in the supplementary knowledge that the question does not need."""
N_DISTRACTORS = 10
"""Distractor passages for each relevant passage."""
MENTION_RATE = 0.03
"""Share of distractor sentences that speak of a name of the suite."""


def build(name: str, *, world: int, data_dir: Path | None = None) -> TeacherCorpus:
    """Ask the teacher until enough answers are right; wrong ones are rejected and counted."""
    recipe = CORPORA[name]
    rng, truth = Random(f"pocket teacher {world}"), suite_world(world)
    again = Random(f"pocket teacher {world}, asked again")
    loose = Loose(Random(f"pocket teacher {world}, loose"), truth, recipe.false_facts)
    per_family, asked = recipe.n_items // len(TRAINED), 0
    tokens = {"rationale": 0, "further": 0, "knowledge": 0}
    rows = list[CorpusRow]()
    for family_name, family in sorted(TRAINED.items()):
        stream = problems(rng, truth, family, recipe.split, steps=family.steps)
        kept = 0
        while kept < per_family:
            problem = next(p for p in stream if not _spells_held_out(p, truth))
            believed = _believed(rng, truth, problem, recipe.error_rate)
            rationale, answer = problem.work(believed, terse=recipe.terse)
            summary, supplementary = family.summary, _supplementary(rng, truth, problem)
            supplementary = loose.told(supplementary)
            asked += 1
            tokens["rationale"] += n_tokens(rationale, answer)
            if recipe.filtered and answer != problem.work(truth)[1]:
                continue
            tokens["knowledge"] += n_tokens(summary, supplementary)
            further, n_written = _further(again, truth, problem)
            tokens["further"] += n_written
            rows.append(
                {
                    "id": f"{name}/w{world}/{family_name}/{kept}",
                    "task": family_name,
                    "question": problem.ask(0).strip(),
                    "options": list(problem.options()),
                    "rationale": rationale.strip(),
                    "answer": answer,
                    "summary": summary.strip(),
                    "supplementary": supplementary.strip(),
                    "rationales": [further],
                    "facts": [fact.strip() for fact in dict.fromkeys(problem.facts(truth))],
                }
            )
            kept += 1
    return TeacherCorpus(
        rows=rows,
        passages=passages(world),
        asked=asked,
        rejected=asked - len(rows),
        teacher=f"tasks/pocket/teacher.py, error rate {recipe.error_rate}",
        teacher_tokens=tokens,
        licence="Apache-2.0",
        source=f"generated, world {world}",
        labels=loose.labels() if recipe.false_facts else [],
    )


def _further(rng: Random, truth: World, problem: Family) -> tuple[str, int]:
    """A second right rationale, all its rules stated first, and the tokens it took to get it."""
    n_written = 0
    while True:
        believed = _believed(rng, truth, problem, ERROR_RATE)
        steps, answer = problem.work(believed, terse=True)
        rationale = "".join(dict.fromkeys(problem.facts(believed))) + steps
        n_written += n_tokens(rationale, answer)
        if answer == problem.work(truth)[1]:
            return rationale.strip(), n_written


def _believed(rng: Random, truth: World, problem: Family, error_rate: float) -> World:
    return _misremember(rng, truth, problem) if rng.random() < error_rate else truth


def _spells_held_out(problem: Family, world: World) -> bool:
    return any(held_out(*parts) for parts in problem.worked_compositions(world))


class Loose:
    """A teacher that tells false rules: of each name the value of another, always the same one."""

    def __init__(self, rng: Random, truth: World, share: float) -> None:
        wrong = truth.rotated()
        self._false = dict(zip(truth.facts(), wrong.facts(), strict=True))
        self._rng, self._share = rng, share

    def told(self, facts: str) -> str:
        """The facts, each a sentence with a leading blank, some of them false."""
        found = re.findall(r" [^.]+\.", facts)
        return "".join(self._false[f] if self._rng.random() < self._share else f for f in found)

    def labels(self) -> list[LabelledTriple]:
        """Half of all rules as people judge them, each beside its false twin."""
        asked = list(self._false.items())
        self._rng.shuffle(asked)
        made = list[LabelledTriple]()
        for i, (true, false) in enumerate(asked[: len(asked) // 2]):
            split = LABEL_SPLITS[i % len(LABEL_SPLITS)]
            for label, fact in ((1, true), (0, false)) if true != false else ():
                head, *phrase, tail = fact.removesuffix(".").split()
                made.append(labelled((head, phrase[0], tail), " ".join(phrase), label, split))
        return made


def _misremember(rng: Random, world: World, problem: Family) -> World:
    """The world with another value for one rule that the problem needs."""
    fact = rng.choice(problem.facts(world)).split()
    name = fact[0]
    if name in world.ops:
        value = rng.choice([c for c in CHANGES if c != world.ops[name]])
        return replace(world, ops={**world.ops, name: value})
    if name in world.moves:
        swap = rng.choice([s for s in SWAPS if s != world.moves[name]])
        return replace(world, moves={**world.moves, name: swap})
    if name in world.prices:
        price = rng.choice([p for p in PRICES if p != world.prices[name]])
        return replace(world, prices={**world.prices, name: price})
    key = (name, fact[1])
    others = [p for p in SUITE_CAST.persons if p not in (name, world.links[key])]
    return replace(world, links={**world.links, key: rng.choice(others)})


def _supplementary(rng: Random, world: World, problem: Family) -> str:
    """The rules that the question needs and a few others of the same kind, in random order."""
    needed = list(dict.fromkeys(problem.facts(world)))
    others = [fact for page in _pages(world)[problem.part] for fact in page if fact not in needed]
    chosen = needed + rng.sample(others, N_IRRELEVANT)
    rng.shuffle(chosen)
    return "".join(chosen)


def _pages(world: World) -> dict[str, list[list[str]]]:
    """All rules of the world, a few to a page, by the part of the cast that they speak of."""

    def cut(facts: list[str], size: int) -> list[list[str]]:
        return [facts[i : i + size] for i in range(0, len(facts), size)]

    return {
        "ops": cut([op_fact(world, n) for n in world.ops], 3),
        "moves": cut([move_fact(world, n) for n in world.moves], 2),
        "persons": cut([link_fact(world, p, r) for p, r in world.links], 3),
        "goods": cut([price_fact(world, n) for n in world.prices], 3),
    }


def passages(world: int) -> list[Passage]:
    """What a retriever searches: every rule once, among pages that state no rule."""
    rng = Random(f"pocket passages {world}")
    pages = [page for part in _pages(suite_world(world)).values() for page in part]
    cast = (*SUITE_CAST.ops, *SUITE_CAST.moves, *SUITE_CAST.persons, *SUITE_CAST.goods)
    strangers = [name for name in NAMES if name not in cast]
    for _ in range(len(pages) * N_DISTRACTORS):
        page = list[str]()
        for _ in range(3):
            name = rng.choice(cast if rng.random() < MENTION_RATE else strangers)
            aside = rng.choice(ADJECTIVES) if rng.random() < 0.5 else None
            page.append(f" {name} is {aside}." if aside else f" {name} has {rng.randrange(10)}.")
        pages.append(page)
    rng.shuffle(pages)
    return [{"id": str(i), "text": "".join(page).strip()} for i, page in enumerate(pages)]
