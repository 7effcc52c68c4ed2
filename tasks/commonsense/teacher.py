"""Corpora of triples: a small clean one by people, a large one by the loose teacher, and labels."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random

from tasks.commonsense.loose import ACCEPTANCE, BELIEFS, N_DRAFTS, Draft, drafts
from tasks.commonsense.suite import split_events
from tasks.commonsense.world import RELATIONS, Event, Relation, world
from tasks.corpora import LabelledTriple, TeacherCorpus, n_tokens
from tasks.triples import PHRASES, Triple, beside_corrupted, labelled, row

LEAST_LIKELY = 0.1
"""Share of the drafts of a corpus that is dropped for the teacher's own log-probability."""


N_PEOPLE = 40


@dataclass(frozen=True, slots=True)
class Recipe:
    """How loose the teacher is, and how much people wrote: simulated, not measured."""

    acceptance: float = ACCEPTANCE
    beliefs: float = BELIEFS
    human_events: int = N_PEOPLE
    """Of the training events, those whose tails people wrote down, all of them and no other."""
    labels: int = 2000
    """Drafts that people judged, for the critic alone."""


CORPORA = {
    "pocket-commonsense": Recipe(),
    "pocket-commonsense-50": Recipe(acceptance=0.5),
    "pocket-commonsense-90": Recipe(acceptance=0.9),
    "pocket-commonsense-h10": Recipe(human_events=10),
    "pocket-commonsense-h160": Recipe(human_events=160),
}
LABEL_SPLITS = {"train": 0.6, "dev": 0.2, "test": 0.2}


def build(name: str, *, world: int, data_dir: Path | None = None) -> TeacherCorpus:
    """Both corpora as one; a row's `source` says who wrote it."""
    recipe, truth, known = CORPORA[name], _world(world), split_events("train")
    rng = Random(f"commonsense teacher {world} {recipe.acceptance} {recipe.beliefs}")
    written: Written = {
        (event, relation): drafts(
            rng, truth, event, relation, acceptance=recipe.acceptance, beliefs=recipe.beliefs
        )
        for event in known
        for relation in RELATIONS
    }
    kept = _likely(written)
    # What else is drawn is the same however many events people wrote of, and more hold the fewer.
    first = rng.sample(known, N_PEOPLE)
    others = [event for event in known if event not in first]
    Random(f"commonsense people {world}").shuffle(others)
    human = [
        (event.text, relation, tail)
        for event in [*first, *others][: recipe.human_events]
        for relation in RELATIONS
        for tail in truth.tails(event, relation)
    ]
    scope = f"{name}/w{world}"
    rows = [row(f"{scope}/human", triple, "human", is_true=True) for triple in human]
    rows += [
        row(f"{scope}/machine", triple, "machine", is_true=is_true) for triple, is_true in kept
    ]
    asked, n_machine = len(known) * len(RELATIONS) * N_DRAFTS, len(kept)
    n_true = sum(is_true for _, is_true in kept)
    return TeacherCorpus(
        rows=rows,
        passages=[],
        asked=asked,
        rejected=asked - n_machine,
        teacher=f"tasks/commonsense/loose.py, {recipe.acceptance:.0%} of its drafts true,"
        f" {n_true / n_machine:.1%} of the triples kept",
        teacher_tokens={
            "rationale": n_tokens(*(each["answer"] for each in rows)),
            "knowledge": 0,
        },
        licence="Apache-2.0",
        source=f"generated, world {world}",
        labels=_labels(rng, kept, recipe.labels),
    )


_world = world
"""Under another name, where `world` is a number."""
Written = dict[tuple[Event, Relation], list[Draft]]


def _likely(written: Written) -> list[tuple[Triple, bool]]:
    """The triples without the least likely share of all drafts, each with whether it is true."""
    scores = sorted(draft.logprob for each in written.values() for draft in each)
    least = scores[int(LEAST_LIKELY * len(scores))]
    return [
        ((event.text, relation, draft.text), draft.is_true)
        for (event, relation), each in written.items()
        for draft in each
        if draft.logprob >= least
    ]


def _labels(rng: Random, kept: Sequence[tuple[Triple, bool]], n: int) -> list[LabelledTriple]:
    """Drafts beside corrupted ones, and a sample of drafts with the truth about each.

    No event is in two splits, and none of "dev" or "test" among the corrupted.
    """
    names, weights = list(LABEL_SPLITS), list(LABEL_SPLITS.values())
    heads = dict.fromkeys(head for (head, _, _), _ in kept)
    split_of = {head: rng.choices(names, weights)[0] for head in heads}
    made = beside_corrupted(rng, [triple for triple, _ in kept if split_of[triple[0]] == "train"])
    for triple, is_true in rng.sample(kept, min(n, len(kept))):
        head, relation, _ = triple
        made.append(labelled(triple, PHRASES[relation], int(is_true), split_of[head]))
    return made
