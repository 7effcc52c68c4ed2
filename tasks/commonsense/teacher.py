"""Corpora of triples: a small clean one by people, a large one by the loose teacher, and labels."""

from dataclasses import dataclass
from pathlib import Path
from random import Random

from tasks.commonsense.loose import ACCEPTANCE, BELIEFS, N_DRAFTS, Draft, drafts
from tasks.commonsense.suite import split_events
from tasks.commonsense.world import RELATIONS, Event, Relation, world
from tasks.corpora import CorpusRow, LabelledTriple, Source, TeacherCorpus, n_tokens
from tasks.relations import PHRASES, beside_corrupted

LEAST_LIKELY = 0.1
"""Share of the drafts of a corpus that is dropped for the teacher's own log-probability."""


@dataclass(frozen=True, slots=True)
class Recipe:
    """How loose the teacher is, and how much people wrote: simulated, not measured."""

    acceptance: float = ACCEPTANCE
    beliefs: float = BELIEFS
    human_events: int = 40
    """Of the training events, those whose tails people wrote down, all of them and no other."""
    labels: int = 2000
    """Drafts that people judged, for the critic alone."""


CORPORA = {"pocket-commonsense": Recipe()}
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
    human = rng.sample(known, recipe.human_events)
    rows = [
        _row(name, world, "human", event, relation, tail, True)
        for event in human
        for relation in RELATIONS
        for tail in truth.tails(event, relation)
    ]
    rows += [
        _row(name, world, "machine", event, relation, draft.text, draft.is_true)
        for (event, relation), each in kept.items()
        for draft in each
    ]
    asked = len(known) * len(RELATIONS) * N_DRAFTS
    n_machine = sum(map(len, kept.values()))
    n_true = sum(draft.is_true for each in kept.values() for draft in each)
    return TeacherCorpus(
        rows=rows,
        passages=[],
        asked=asked,
        rejected=asked - n_machine,
        teacher=f"tasks/commonsense/loose.py, {recipe.acceptance:.0%} of its drafts true,"
        f" {n_true / n_machine:.1%} of the triples kept",
        teacher_tokens={
            "rationale": n_tokens(*(row["answer"] for row in rows)),
            "knowledge": 0,
        },
        licence="Apache-2.0",
        source=f"generated, world {world}",
        labels=[*_corrupted(rng, kept), *_labels(rng, kept, recipe.labels)],
    )


_world = world
"""Under another name, where `world` is a number."""
Written = dict[tuple[Event, Relation], list[Draft]]


def _likely(written: Written) -> Written:
    """Without the least likely share of all drafts."""
    scores = sorted(draft.logprob for each in written.values() for draft in each)
    least = scores[int(LEAST_LIKELY * len(scores))]
    return {key: [d for d in each if d.logprob >= least] for key, each in written.items()}


def _row(
    name: str,
    number: int,
    source: Source,
    event: Event,
    relation: Relation,
    tail: str,
    is_true: bool,
) -> CorpusRow:
    return {
        "id": f"{name}/w{number}/{source}/{event.text}/{relation}/{tail}",
        "task": relation,
        "question": event.text,
        "options": [],
        "answer": tail,
        "summary": None,
        "supplementary": None,
        "phrase": PHRASES[relation],
        "source": source,
        "is_true": is_true,
    }


def _corrupted(rng: Random, kept: Written) -> list[LabelledTriple]:
    every = [(key, draft.text) for key, each in kept.items() for draft in each]
    return beside_corrupted(rng, [(e.text, relation, text) for (e, relation), text in every])


def _labels(rng: Random, kept: Written, n: int) -> list[LabelledTriple]:
    """A sample of the drafts with the truth about each; no event is in two splits."""
    names, weights = list(LABEL_SPLITS), list(LABEL_SPLITS.values())
    split_of = {
        event: rng.choices(names, weights)[0] for event in dict.fromkeys(event for event, _ in kept)
    }
    every = [(key, draft) for key, each in kept.items() for draft in each]
    return [
        {
            "head": event.text,
            "relation": relation,
            "phrase": PHRASES[relation],
            "tail": draft.text,
            "label": int(draft.is_true),
            "split": split_of[event],
        }
        for (event, relation), draft in rng.sample(every, min(n, len(every)))
    ]
