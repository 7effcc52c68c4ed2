"""ATOMIC: what people say follows from an event, or goes before it.

One real event: "PersonX drives all night"; one of its tails in xReact: "tired".

The published files are those of 2019: nine relations, of which the six that are about PersonX are
read here; HinderedBy is not among them. Events with a blank, "PersonX brings ___ to the people",
are left out. Whoever annotated an event may have said "none": no tail.
"""

import csv
import io
import json
from collections import Counter
from pathlib import Path
from random import Random

from tasks.docs import Item, WrongItemsError
from tasks.raw import listed, sha256
from tasks.triples import PHRASES, Triple, candidates

ATOMIC_SOURCE = "Arvindkrishna1997/comet-dataset@2cb42a4aefdea6d0e81f544f94830d44730e9853"
RELATIONS = ("xAttr", "xReact", "xEffect", "xIntent", "xWant", "xNeed")
N_EVENTS = 150
N_PROBED = 300
"""Questions that have candidates to rank."""

Annotated = dict[tuple[str, str], list[str]]
"""(event, relation) -> its tails, that of most annotators first."""


def annotated(folder: Path, part: str) -> Annotated:
    """The tails of every event of part "dev" or "tst"; the two have no event in common."""
    (path,) = listed(folder, f"atomic/v4_atomic_{part}.csv", ATOMIC_SOURCE)
    counts = dict[tuple[str, str], Counter[str]]()
    try:
        for line in csv.DictReader(io.StringIO(path.read_text("utf-8"), newline="")):
            event = " ".join(line["event"].split())
            for relation in RELATIONS if "___" not in event else ():
                tails = [
                    " ".join(tail.split()).removesuffix(".") for tail in json.loads(line[relation])
                ]
                said = [tail for tail in tails if tail and tail.casefold() != "none"]
                counts.setdefault((event, relation), Counter()).update(said)
    except (ValueError, KeyError) as error:
        raise WrongItemsError(
            f"{path}: damaged ({error!r}); `skbench data check` names all such files"
        ) from error
    return {key: [tail for tail, _ in each.most_common()] for key, each in counts.items() if each}


def triples(found: Annotated) -> list[Triple]:
    """Each event, relation and tail once, in the order of the file."""
    return [(event, relation, tail) for (event, relation), each in found.items() for tail in each]


def atomic(folder: Path) -> list[Item]:
    """Questions about the test events that are first by hash, of all relations that have tails.

    Those to rank are spread over all, so that the first hundred hold their share of them.
    """
    found = annotated(folder, "tst")
    events = sorted({event for event, _ in found}, key=sha256)[:N_EVENTS]
    asked = [(event, r) for event in events for r in RELATIONS if (event, r) in found]
    probed = set(sorted(asked, key=lambda each: sha256("/".join(each)))[:N_PROBED])
    return [_item(found, *each, ranked=each in probed) for each in asked]


def _item(found: Annotated, event: str, relation: str, *, ranked: bool) -> Item:
    tails = found[event, relation]
    name = f"atomic/tst/{event}/{relation}"
    pool = {tail for (_, r), each in found.items() if r == relation for tail in each}
    others = sorted(pool.difference(tails))
    return {
        "id": name,
        "task": relation,
        "question": event,
        "options": [],
        "target": tails[0],
        "cluster": event,
        "phrase": PHRASES[relation],
        "tails": tails,
        "candidates": candidates(Random(name), tails[0], others) if ranked else [],
    }
