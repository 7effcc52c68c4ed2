"""How much there is of triples, how true and how varied: of a corpus, and of what is written."""

from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
from typing import Any

from tasks.tails import tail

Rows = Sequence[Mapping[str, Any]]


def kept(rows: Rows) -> dict[str, float | None]:
    """Of what a cut leaves of a corpus; `share_true` where it is known."""
    marks = [row.get("is_true") for row in rows]
    return {
        "share_true": None if None in marks else sum(map(bool, marks)) / len(marks),
        **_variety([tail(row["answer"]) for row in rows]),
    }


def written(texts: Iterable[str], rows: Rows) -> dict[str, float | None]:
    """Of answers; `novel` is the share of those that are no tail of the corpus."""
    said = [tail(text) for text in texts]
    known = {tail(row["answer"]) for row in rows}
    return {"novel": sum(each not in known for each in said) / len(said), **_variety(said)}


def _variety(tails: Sequence[str]) -> dict[str, float | None]:
    """Their number, that of different ones, and distinct-2 (Li et al. 2016).

    The last is the share of different pairs of neighbouring words among all pairs, and falls as
    the number grows: it compares what is of like size.
    """
    pairs = [pair for each in tails for pair in pairwise(each.split())]
    return {
        "n": len(tails),
        "distinct_tails": len(set(tails)),
        "distinct_2": len(set(pairs)) / len(pairs) if pairs else None,
    }
