"""What a cut leaves of a corpus of triples: how much, how true, how varied."""

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any


def kept(rows: Sequence[Mapping[str, Any]]) -> dict[str, float | None]:
    """Number of triples, share of true ones where that is known, distinct tails, and distinct-2.

    The last is the share of different pairs of neighbouring words among all pairs of the tails
    (Li et al. 2016), which falls as a corpus grows: it compares corpora of like size.
    """
    tails = [" ".join(row["answer"].casefold().split()) for row in rows]
    pairs = [pair for tail in tails for pair in pairwise(tail.split())]
    marks = [row.get("is_true") for row in rows]
    return {
        "n": len(rows),
        "share_true": None if None in marks else sum(map(bool, marks)) / len(marks),
        "distinct_tails": len(set(tails)),
        "distinct_2": len(set(pairs)) / len(pairs) if pairs else None,
    }
