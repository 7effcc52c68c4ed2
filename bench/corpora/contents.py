"""Which share of a row's own knowledge its question retrieves."""

from collections import defaultdict
from statistics import fmean
from typing import Any

from bench.corpora.corpus import Corpus
from bench.corpora.retrieve import Retriever
from bench.corpora.rows import OPTIONAL
from bench.ground.bars import Bar


def recall_by_task(read: Corpus, k: int) -> dict[str, float]:
    """Mean share of a row's relevant passages among the `k` that its question retrieves.

    Relevant is a passage that is part of the row's own knowledge; rows without any do not count.
    """
    if not read.passages:
        return {}
    retriever = Retriever(read.passages, read.indices)
    relevant = dict[tuple[Any, ...], set[int]]()
    shares = defaultdict[str, list[float]](list)
    for row in Bar(read.rows, what="looking for passages", unit="row"):
        known = tuple(row.get(key) or "" for key in OPTIONAL)
        if known not in relevant:
            relevant[known] = {
                i for i, passage in enumerate(read.passages) if any(passage in t for t in known)
            }
        if relevant[known]:
            near = set(retriever.nearest(row["question"], k))
            shares[row["task"]].append(len(relevant[known] & near) / len(relevant[known]))
    return {task: fmean(found) for task, found in sorted(shares.items())}
