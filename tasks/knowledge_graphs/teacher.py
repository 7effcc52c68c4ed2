"""Corpora of triples that people wrote, with the labels that a critic is taught by.

One real row: ("PersonX drives all night", xReact, "tired").
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random

from tasks.corpora import CorpusRow, TeacherCorpus, n_tokens
from tasks.docs import WrongItemsError
from tasks.knowledge_graphs.atomic import ATOMIC_SOURCE, annotated, triples
from tasks.knowledge_graphs.conceptnet import PHRASES, judged
from tasks.raw import data_folder, sha256
from tasks.triples import Triple, beside_corrupted, labelled, row


@dataclass(frozen=True, slots=True)
class Recipe:
    """How many triples of people are taken, by hash, and how many others pass for a machine's."""

    n_human: int
    n_machine: int = 0
    corrupted: float = 0.0
    """Share of the latter that get the tail of another triple of the relation."""


CORPORA = {"atomic": Recipe(10_000), "atomic-corrupted": Recipe(5000, 10_000, 1 / 3)}
SPLITS = {"train": "dev1", "dev": "dev2", "test": "test"}
"""Of a critic -> ConceptNet's part."""


def build(name: str, *, world: int, data_dir: Path | None) -> TeacherCorpus:
    """Triples of ATOMIC's dev events, and labels of ConceptNet; there is one world only.

    There is no machine in it: a part may be corrupted, so that a critic has something to find.
    """
    if world:
        raise WrongItemsError(f"corpus {name} is imported: there is no world {world} of it")
    recipe, folder, rng = CORPORA[name], data_folder(data_dir), Random(name)
    found = triples(annotated(folder, "dev"))
    found.sort(key=lambda each: sha256("/".join(each)))
    human = found[: recipe.n_human]
    others = found[recipe.n_human : recipe.n_human + recipe.n_machine]
    rows = [row(f"{name}/human", triple, "human", is_true=True) for triple in human]
    rows += _loosened(name, rng, others, recipe.corrupted)
    taught = rows[recipe.n_human :] or rows
    positive = [(r["question"], r["task"], r["answer"]) for r in taught]
    labels = [
        labelled(triple, PHRASES[triple[1]], int(is_true), split)
        for split, part in SPLITS.items()
        for triple, is_true in judged(folder, part)
    ]
    return TeacherCorpus(
        rows=rows,
        passages=[],
        asked=len(found),
        rejected=len(found) - len(rows),
        teacher=f"people; of what passes for a machine's, {recipe.corrupted:.0%} are corrupted"
        if recipe.n_machine
        else "people",
        teacher_tokens={"rationale": n_tokens(*(r["answer"] for r in rows)), "knowledge": 0},
        licence="CC BY 4.0; ConceptNet CC BY-SA 4.0",
        source=ATOMIC_SOURCE,
        labels=[*beside_corrupted(rng, positive), *labels],
    )


def _loosened(name: str, rng: Random, found: Sequence[Triple], share: float) -> list[CorpusRow]:
    """The triples, some with another's tail; one that comes twice so is there once."""
    tails, known = defaultdict[str, list[str]](list), set(found)
    for _, relation, tail in found:
        tails[relation].append(tail)
    made = dict[str, CorpusRow]()
    for head, relation, tail in found:
        wrong = rng.random() < share
        said = rng.choice(tails[relation]) if wrong else tail
        is_true = not wrong or (head, relation, said) in known
        each = row(f"{name}/machine", (head, relation, said), "machine", is_true=is_true)
        made.setdefault(each["id"], each)
    return list(made.values())
