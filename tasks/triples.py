"""Triples of commonsense: relations in words, and the rows and labels that are made of triples."""

from collections import defaultdict
from collections.abc import Sequence
from random import Random

from tasks.corpora import CorpusRow, LabelledTriple, Source

Triple = tuple[str, str, str]
"""Head, relation, tail."""

PHRASES = {
    "xAttr": "That shows PersonX to be",
    "xReact": "After it, PersonX feels",
    "xEffect": "As an effect, PersonX",
    "xIntent": "PersonX does it in order",
    "xWant": "Afterwards, PersonX would like",
    "xNeed": "Beforehand, PersonX has",
    "HinderedBy": "It will not happen if",
}
"""The seven relations of West et al. 2021, in words that lead from an event to its tail."""
SLOTS = ("PersonX", "PersonY", "PersonZ")
"""Who an event is about."""
NAMES = (
    "Alexis", "Avery", "Bailey", "Casey", "Charlie", "Dakota", "Drew", "Emerson", "Finley",
    "Frankie", "Hayden", "Jamie", "Jordan", "Kendall", "Lane", "Morgan", "Parker", "Quinn",
    "Riley", "Sage",
)  # fmt: skip
"""To put into the slots: they could be anybody's."""
N_TRIED = 20
"""Other tails, before a triple goes without a twin."""
N_CANDIDATES = 50
"""Tails that a probe ranks: one that is true among others of its relation that are not."""


def with_names(text: str, names: Sequence[str]) -> str:
    """The text with names in its slots."""
    for slot, name in zip(SLOTS, names, strict=True):
        text = text.replace(slot, name)
    return text


def begun(head: str, phrase: str) -> str:
    """The head as a sentence of its own, or as the beginning of one that a small letter goes on."""
    return head if not head or phrase[:1].islower() or not phrase else f"{head}."


def sentence(head: str, phrase: str, tail: str) -> str:
    """A triple as a text."""
    return f"{begun(head, phrase)} {phrase} {tail}."


def row(
    scope: str,
    triple: Triple,
    source: Source | None = None,
    *,
    phrase: str | None = None,
    is_true: bool | None = None,
) -> CorpusRow:
    """The triple as a row whose id begins with `scope`; the phrase is the relation's usual one."""
    head, relation, tail = triple
    made: CorpusRow = {
        "id": f"{scope}/{head}/{relation}/{tail}",
        "task": relation,
        "question": head,
        "options": [],
        "answer": tail,
        "summary": None,
        "supplementary": None,
        "phrase": phrase or PHRASES[relation],
    }
    if source is not None:
        made["source"] = source
    if is_true is not None:
        made["is_true"] = is_true
    return made


def labelled(triple: Triple, phrase: str, label: int, split: str) -> LabelledTriple:
    """The triple as a critic is shown it."""
    head, relation, tail = triple
    return {
        "head": head,
        "relation": relation,
        "phrase": phrase,
        "tail": tail,
        "label": label,
        "split": split,
    }


def beside_corrupted(
    rng: Random, triples: Sequence[Triple], split: str = "corrupted"
) -> list[LabelledTriple]:
    """Each triple, and beside it one with the tail of another of its relation.

    A tail that the triples have for its head as well is never taken.
    """
    tails, known = defaultdict[str, list[str]](list), set(triples)
    for _, relation, tail in triples:
        tails[relation].append(tail)
    made = list[LabelledTriple]()
    for head, relation, tail in triples:
        made.append(labelled((head, relation, tail), PHRASES[relation], 1, split))
        tried = ((head, relation, t) for t in rng.choices(tails[relation], k=N_TRIED))
        wrong = next((each for each in tried if each not in known), None)
        if wrong is not None:
            made.append(labelled(wrong, PHRASES[relation], 0, split))
    return made


def candidates(rng: Random, target: str, others: Sequence[str]) -> list[str]:
    """The target among up to N_CANDIDATES - 1 of the others, shuffled: what a probe ranks."""
    found = [target, *rng.sample(others, min(N_CANDIDATES - 1, len(others)))]
    rng.shuffle(found)
    return found
