"""The data sets of the pocket suite: what is asked in domain, out of domain, on dev and sealed.

A problem belongs to exactly one split by the hash of its plain wording, so no split can hold
another's problem in any wording.
"""

import hashlib
from collections.abc import Callable, Iterator
from random import Random
from typing import TYPE_CHECKING, Any

from tasks.docs import Item, dataset, stratified
from tasks.pocket.families import TRAINED, UNSEEN
from tasks.pocket.family import Family
from tasks.pocket.world import SUITE_CAST, World, suite_world

if TYPE_CHECKING:
    from datasets import Dataset  # pyright: ignore[reportMissingTypeStubs]

VERSION = 1
TAIL = 2.0
"""Exponent of the long tail of rules in training; 0 would mention all alike."""
SPLITS = {"train": (0, 112), "dev": (112, 144), "test": (144, 200), "sealed": (200, 256)}
"""Half-open ranges of the first hash byte: 44 %, 12.5 %, 22 % and 22 % of all problems."""


def split_of(problem: Family) -> str:
    """The one split that the problem belongs to, in every wording."""
    byte = hashlib.sha256(problem.ask(0).encode()).digest()[0]
    return next(name for name, (low, high) in SPLITS.items() if low <= byte < high)


def commonness(fact: str) -> float:
    """How readily the training split speaks of a rule, in (0, 1]: some are met once or never."""
    byte = hashlib.sha256(f"commonness {fact}".encode()).digest()[0]
    return ((byte + 1) / 256) ** TAIL


def problems(
    rng: Random, world: World, family: type[Family], split: str, *, steps: tuple[int, int]
) -> Iterator[Family]:
    """Endless distinct problems of `split` with a number of steps drawn from `steps`.

    Training problems are as common as their rarest rule; all others draw rules evenly.
    """
    seen = set[Family]()
    while True:
        problem = family.draw(rng, world, rng.randint(*steps))
        if split == "train" and rng.random() > min(map(commonness, problem.facts(world))):
            continue
        if split_of(problem) == split and problem not in seen:
            seen.add(problem)
            yield problem


def _plain(problem: Family, rng: Random) -> str:
    return problem.ask(0)


def _paraphrased(problem: Family, rng: Random) -> str:
    return problem.ask(problem.n_wordings - 1)


def _distracted(problem: Family, rng: Random) -> str:
    names = getattr(SUITE_CAST, problem.part)
    asides = [f" {name} has {rng.randrange(10)}." for name in rng.sample(names, 2)]
    return "".join(asides) + problem.ask(0)


def _data_set(
    families: dict[str, type[Family]],
    n: int,
    *,
    long: bool = False,
    composed: bool = False,
    wording: Callable[[Family, Random], str] = _plain,
) -> Callable[[World, str, Random], Iterator[Item]]:
    def rows(world: World, split: str, rng: Random) -> Iterator[Item]:
        for name, family in sorted(families.items()):
            stream = problems(
                rng, world, family, split, steps=family.long_steps if long else family.steps
            )
            for _ in range(n):
                problem = next(p for p in stream if p.has_held_out() == composed)
                _, answer = problem.work(world)
                yield {
                    "id": "",
                    "task": name,
                    "question": wording(problem, rng).strip(),
                    "options": list(problem.options()),
                    "target": answer,
                    "facts": [fact.strip() for fact in problem.facts(world)],
                }

    return rows


DATA_SETS = {
    **{f"pocket_{name}": _data_set({name: family}, 100) for name, family in TRAINED.items()},
    "pocket_long": _data_set(TRAINED, 40, long=True),
    "pocket_comp": _data_set(TRAINED, 40, composed=True),
    "pocket_para": _data_set(TRAINED, 40, wording=_paraphrased),
    "pocket_dist": _data_set(TRAINED, 40, wording=_distracted),
    "pocket_unseen": _data_set(UNSEEN, 80),
}
"""More steps; held-out compositions; another wording; distractors; families never trained."""


def rows(
    data_set: str, *, world: int = 0, split: str = "test", sealed: int | None = None
) -> list[Item]:
    """The items of a data set, {id, task, question, options, target, facts}; pure and seeded."""
    rng = Random(f"pocket-v{VERSION} {data_set} {world} {split} {sealed}")
    made = DATA_SETS[data_set](suite_world(world), split, rng)
    scope = f"w{world}-{split}" + ("" if sealed is None else f"-{sealed}")
    return [{**row, "id": f"{data_set}/{scope}/{i}"} for i, row in enumerate(made)]


def load(data_set: str, **metadata: Any) -> dict[str, "Dataset"]:
    """What lm-eval's `custom_dataset` calls with the task's metadata: {"test": Dataset}."""
    scope = {k: metadata[k] for k in ("world", "split", "sealed") if k in metadata}
    items = rows(data_set, **scope)
    return {"test": dataset(stratified(items))}
