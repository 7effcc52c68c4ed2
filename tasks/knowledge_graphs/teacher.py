"""Corpora of triples that people wrote, or a machine, with the labels that a critic is taught by.

One real row: ("PersonX drives all night", xReact, "tired").
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from random import Random

from tasks.corpora import CorpusRow, LabelledTriple, TeacherCorpus, n_tokens
from tasks.docs import WrongItemsError
from tasks.knowledge_graphs.atomic import ATOMIC_SOURCE, annotated, triples
from tasks.knowledge_graphs.conceptnet import PHRASES, judged
from tasks.knowledge_graphs.machine import smollm2
from tasks.raw import data_folder, sha256
from tasks.triples import Triple, beside_corrupted, labelled, row

SPLITS = {"train": "dev1", "dev": "dev2", "test": "test"}
"""Of a critic -> ConceptNet's part."""
N_TWINS = 1000
"""Triples that a critic is taught beside corrupted ones, in the corpus that a machine wrote."""
LICENCE = "CC BY 4.0; ConceptNet CC BY-SA 4.0"


def build(name: str, *, world: int, data_dir: Path | None) -> TeacherCorpus:
    """Triples of ATOMIC's dev events, or of ConceptNet, and labels; there is one world only."""
    if world:
        raise WrongItemsError(f"corpus {name} is imported: there is no world {world} of it")
    return CORPORA[name](name, data_folder(data_dir))


def _by_hash(folder: Path) -> list[Triple]:
    """ATOMIC's, in an order of their own."""
    return sorted(triples(annotated(folder, "dev")), key=lambda each: sha256("/".join(each)))


def _people(
    name: str, folder: Path, *, n_human: int, n_machine: int = 0, corrupted: float = 0.0
) -> TeacherCorpus:
    """So many of ATOMIC, and others that pass for a machine's.

    There is no machine in it: a share of the latter has the tail of another triple of its
    relation, so that a critic has something to find.
    """
    found, rng = _by_hash(folder), Random(name)
    rows = [row(f"{name}/human", triple, "human", is_true=True) for triple in found[:n_human]]
    rows += _loosened(name, rng, found[n_human : n_human + n_machine], corrupted)
    positive = [(r["question"], r["task"], r["answer"]) for r in rows[n_human:] or rows]
    return TeacherCorpus(
        rows=rows,
        passages=[],
        asked=len(found),
        rejected=len(found) - len(rows),
        teacher=f"people; of what passes for a machine's, {corrupted:.0%} are corrupted"
        if n_machine
        else "people",
        teacher_tokens={"rationale": n_tokens(*(r["answer"] for r in rows)), "knowledge": 0},
        licence=LICENCE,
        source=ATOMIC_SOURCE,
        labels=[*beside_corrupted(rng, positive), *_labels(folder)],
    )


def _beside_machine(name: str, folder: Path, *, n_human: int) -> TeacherCorpus:
    """What people wrote beside what SmolLM2 did, and labels of two kinds.

    Of ConceptNet, and of ATOMIC's triples that no row holds, each beside its corrupted twin, of
    which one in a hundred somebody wrote as well. The cut-offs are set on as many of the one as of
    the other.
    """
    found, rng, machine = _by_hash(folder), Random(name), smollm2()
    human, others = found[:n_human], found[n_human:]
    rows = [row(f"{name}/human", triple, "human", is_true=True) for triple in human]
    rows += [row(f"{name}/machine", triple, "machine") for triple in machine.triples]
    people = list(_labels(folder))
    n_dev = sum(each["split"] == "dev" for each in people) // 2
    rejected = sum(sum(each.values()) for each in machine.manifest["dropped"].values())
    tokens = machine.manifest["teacher_tokens"]["rationale"]
    return TeacherCorpus(
        rows=rows,
        passages=[],
        asked=rejected + len(rows),
        rejected=rejected,
        teacher=machine.manifest["teacher"],
        teacher_tokens={
            "rationale": tokens + n_tokens(*(tail for _, _, tail in human)),
            "knowledge": 0,
        },
        licence=f"{LICENCE}; the machine's: Apache-2.0",
        source=f"{ATOMIC_SOURCE}; tasks/knowledge_graphs/machine.py",
        labels=[
            *beside_corrupted(rng, others[n_dev : n_dev + N_TWINS], "train"),
            *beside_corrupted(rng, others[:n_dev], "dev"),
            *people,
        ],
        drafts=machine.answers,
    )


def _conceptnet(name: str, folder: Path) -> TeacherCorpus:
    """What is true of its two parts for development; no triple of its test."""
    judgements = [each for part in ("dev1", "dev2") for each in judged(folder, part)]
    found = dict.fromkeys(triple for triple, is_true in judgements if is_true)
    rows = [
        row(f"{name}/human", triple, "human", phrase=PHRASES[triple[1]], is_true=True)
        for triple in found
    ]
    return TeacherCorpus(
        rows=rows,
        passages=[],
        asked=len(judgements),
        rejected=len(judgements) - len(rows),
        teacher="people",
        teacher_tokens={"rationale": n_tokens(*(r["answer"] for r in rows)), "knowledge": 0},
        licence="CC BY-SA 4.0",
        source=ATOMIC_SOURCE,
        labels=list(_labels(folder)),
    )


CORPORA = {
    "atomic": partial(_people, n_human=10_000),
    "atomic-corrupted": partial(_people, n_human=5000, n_machine=10_000, corrupted=1 / 3),
    "atomic-smollm2": partial(_beside_machine, n_human=5000),
    "conceptnet": _conceptnet,
}


def _labels(folder: Path) -> Iterator[LabelledTriple]:
    """ConceptNet's, which people judged."""
    for split, part in SPLITS.items():
        for triple, is_true in judged(folder, part):
            yield labelled(triple, PHRASES[triple[1]], int(is_true), split)


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
