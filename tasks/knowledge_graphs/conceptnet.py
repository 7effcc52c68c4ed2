"""ConceptNet: what things are, do and are used for; half of the triples are corrupted ones.

One real line, "CapableOf, bark, dog, 1": a dog is capable of barking. The tail comes before the
head, and the last column is 1 where the triple is of ConceptNet, 0 where one of its parts is not.
"""

from collections import defaultdict
from pathlib import Path
from random import Random

from tasks.docs import Item, WrongItemsError
from tasks.knowledge_graphs.atomic import ATOMIC_SOURCE as CONCEPTNET_SOURCE
from tasks.raw import item, listed, sha256, with_options
from tasks.triples import N_CANDIDATES, Triple, candidates

PARTS = ("dev1", "dev2", "test")
PHRASES = {
    "AtLocation": "One finds it at",
    "CapableOf": "It can",
    "Causes": "It causes",
    "CausesDesire": "It makes one want to",
    "CreatedBy": "It is made by",
    "DefinedAs": "It is defined as",
    "Desires": "It wants",
    "HasA": "It has",
    "HasFirstSubevent": "The first thing to do is to",
    "HasLastSubevent": "The last thing to do is to",
    "HasPrerequisite": "For it, one has to",
    "HasProperty": "It is",
    "HasSubevent": "Meanwhile one may",
    "IsA": "It is a kind of",
    "MadeOf": "It is made of",
    "MotivatedByGoal": "One does it in order to",
    "NotCapableOf": "It cannot",
    "NotDesires": "It does not want",
    "NotHasProperty": "It is not",
    "NotIsA": "It is no kind of",
    "NotMadeOf": "It is not made of",
    "PartOf": "It is part of",
    "ReceivesAction": "It can be",
    "RelatedTo": "It has to do with",
    "SymbolOf": "It is a symbol of",
    "UsedFor": "It is used to",
}
N_PROBED, N_JUDGED = 300, 400


def judged(folder: Path, part: str) -> list[tuple[Triple, bool]]:
    """The triples of a part, each once, with whether it is one of ConceptNet."""
    (path,) = listed(folder, f"conceptnet/{part}.txt", CONCEPTNET_SOURCE)
    found = dict[Triple, bool]()
    for number, line in enumerate(path.read_text("utf-8").splitlines(), 1):
        fields = line.split("\t")
        if len(fields) != 4 or fields[0] not in PHRASES or fields[3] not in ("0", "1"):
            raise WrongItemsError(
                f"{path}:{number}: not RELATION, TAIL, HEAD and 0 or 1 between tabs;"
                " `skbench data check` names all such files"
            )
        relation, tail, head, mark = fields
        found.setdefault((head, relation, tail), mark == "1")
    return list(found.items())


def conceptnet(folder: Path) -> list[Item]:
    """Tails of true test triples to find among others, the first 300 by hash.

    Of the relations that have enough tails for that in the three parts together.
    """
    pool, tails = defaultdict[str, set[str]](set), defaultdict[tuple[str, str], list[str]](list)
    for part in PARTS:
        for (head, relation, tail), is_true in judged(folder, part):
            if is_true:
                pool[relation].add(tail)
                tails[head, relation].append(tail)
    test = [triple for triple, is_true in judged(folder, "test") if is_true]
    asked = dict.fromkeys((h, r) for h, r, _ in test if len(pool[r]) >= 2 * N_CANDIDATES)
    return [
        _item(head, relation, tails[head, relation], sorted(pool[relation]))
        for head, relation in sorted(asked, key=lambda key: sha256(" ".join(key)))[:N_PROBED]
    ]


def _item(head: str, relation: str, tails: list[str], pool: list[str]) -> Item:
    name = f"conceptnet/test/{head}/{relation}"
    others = [tail for tail in pool if tail not in tails]
    return {
        "id": name,
        "task": relation,
        "question": head,
        "options": [],
        "target": tails[0],
        "cluster": head,
        "phrase": PHRASES[relation],
        "tails": tails,
        "candidates": candidates(Random(name), tails[0], others),
    }


def conceptnet_labels(folder: Path) -> list[Item]:
    """Whether a test triple is true: as many of either kind, the first by hash."""
    asked = sorted(judged(folder, "test"), key=lambda each: sha256(" ".join(each[0])))
    half = N_JUDGED // 2
    both = [each for label in (True, False) for each in [e for e in asked if e[1] is label][:half]]
    return [_question(*each) for each in both]


def _question(triple: Triple, is_true: bool) -> Item:
    head, relation, tail = triple
    claim = f"Is this true? {head[:1].upper()}{head[1:]}. {PHRASES[relation]} {tail}."
    asked = with_options(claim, ["- True", "- False"])
    return item(f"conceptnet/test/{head}/{relation}/{tail}", relation, asked, str(is_true))
