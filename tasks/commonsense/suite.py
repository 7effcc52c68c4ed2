"""The data sets of the commonsense suite: events in seven relations, and all tails that are true.

Every action on an object is one event, and belongs to one split. Some objects are never met in
training: of them only what follows from the action and from their kind can be known.
"""

from functools import cache
from random import Random
from typing import TYPE_CHECKING, Any

from tasks.commonsense.loose import drafts
from tasks.commonsense.world import RELATIONS, Event, Relation, events, lexicon, world
from tasks.docs import Item, dataset, stratified
from tasks.triples import PHRASES, candidates

if TYPE_CHECKING:
    from datasets import Dataset  # pyright: ignore[reportMissingTypeStubs]

VERSION = 1
SIZES = {"test": 80, "dev": 40, "sealed": 80}
"""Events of each split, of the sealed ones half at a time; all others are for training."""
N_NEW = {"test": 60, "dev": 20, "sealed": 32}
"""Events of each split on objects that training never meets: all there are."""


def new_objects() -> set[str]:
    """The last of each kind."""
    return {kind["objects"][-1] for kind in lexicon()["kinds"].values()}


def split_events(split: str) -> list[Event]:
    """The events of a split on objects that training meets; no event is in two."""
    known = [event for event in events() if event.object not in new_objects()]
    Random(f"commonsense-v{VERSION} splits").shuffle(known)
    start = 0
    for name, n in SIZES.items():
        if name == split:
            return known[start : start + n]
        start += n
    return known[start:]


def _asked(data_set: str, split: str, sealed: int | None) -> list[Event]:
    chosen = _new_events(split) if data_set == "commonsense_new" else split_events(split)
    if sealed is None:
        return chosen
    return Random(f"{data_set} {split} {sealed}").sample(chosen, len(chosen) // 2)


def _new_events(split: str) -> list[Event]:
    """The events of a split on objects that training never meets; no event is in two."""
    new = [event for event in events() if event.object in new_objects()]
    test = Random("commonsense_new test None").sample(new, N_NEW["test"])
    rest = [event for event in new if event not in test]
    Random(f"commonsense-v{VERSION} new splits").shuffle(rest)
    held = {"test": test, "dev": rest[: N_NEW["dev"]], "sealed": rest[N_NEW["dev"] :]}
    return held[split]


def rows(
    data_set: str, *, world: int = 0, split: str = "test", sealed: int | None = None
) -> list[Item]:
    """The items of a data set, one for each event and relation; pure and seeded."""
    truth, made = _world(world), list[Item]()
    scope = f"w{world}-{split}" + ("" if sealed is None else f"-{sealed}")
    for event in _asked(data_set, split, sealed):
        for relation in RELATIONS:
            tails = truth.tails(event, relation)
            item = f"{data_set}/{scope}/{event.text}/{relation}"
            rng = Random(item)
            made.append(
                {
                    "id": item,
                    "task": relation,
                    "question": event.text,
                    "options": [],
                    "target": tails[0],
                    "cluster": event.text,
                    "phrase": PHRASES[relation],
                    "tails": list(tails),
                    "drafts": [draft.text for draft in drafts(rng, truth, event, relation)],
                    "candidates": _ranked(rng, world, event, relation),
                }
            )
    return made


def _ranked(rng: Random, number: int, event: Event, relation: Relation) -> list[str]:
    """The target, and tails of the relation that are true of other events and not of this one."""
    true = _world(number).tails(event, relation)
    others = sorted(_pool(number, relation).difference(true))
    return candidates(rng, true[0], others)


@cache
def _pool(number: int, relation: Relation) -> set[str]:
    """Every tail that is true of some event."""
    truth = _world(number)
    return {tail for event in events() for tail in truth.tails(event, relation)}


_world = world
"""Under another name, where `world` is a number."""


def load(data_set: str, **metadata: Any) -> dict[str, "Dataset"]:
    """What lm-eval's `custom_dataset` calls with the task's metadata: {"test": Dataset}."""
    scope = {k: metadata[k] for k in ("world", "split", "sealed") if k in metadata}
    return {"test": dataset(stratified(rows(data_set, **scope)))}
