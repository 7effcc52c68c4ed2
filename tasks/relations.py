"""The seven relations of West et al. 2021, in words that lead from an event to its tail."""

from collections import defaultdict
from collections.abc import Sequence
from random import Random

from tasks.corpora import LabelledTriple

PHRASES = {
    "xAttr": "That shows PersonX to be",
    "xReact": "After it, PersonX feels",
    "xEffect": "As an effect, PersonX",
    "xIntent": "PersonX does it in order",
    "xWant": "Afterwards, PersonX would like",
    "xNeed": "Beforehand, PersonX has",
    "HinderedBy": "It will not happen if",
}


N_TRIED = 20
"""Other tails, before a triple goes without a twin."""


def beside_corrupted(rng: Random, triples: Sequence[tuple[str, str, str]]) -> list[LabelledTriple]:
    """Each (head, relation, tail), and beside it one with the tail of another of the relation.

    A tail that the corpus has for the head as well is never taken.
    """
    tails, known = defaultdict[str, list[str]](list), set(triples)
    for _, relation, tail in triples:
        tails[relation].append(tail)
    made = list[LabelledTriple]()
    for head, relation, tail in triples:
        made.append(_labelled(head, relation, tail, 1))
        others = rng.choices(tails[relation], k=N_TRIED)
        wrong = next((t for t in others if (head, relation, t) not in known), None)
        if wrong is not None:
            made.append(_labelled(head, relation, wrong, 0))
    return made


def _labelled(head: str, relation: str, tail: str, label: int) -> LabelledTriple:
    return {
        "head": head,
        "relation": relation,
        "phrase": PHRASES[relation],
        "tail": tail,
        "label": label,
        "split": "corrupted",
    }
