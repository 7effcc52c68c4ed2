"""BM25: the passages, or the training questions, nearest to a query."""

from collections.abc import Sequence
from typing import Any


class Retriever:
    """An index over texts; equal scores keep the order of the texts."""

    def __init__(self, texts: Sequence[str]) -> None:
        import bm25s

        self._index = bm25s.BM25()
        self._index.index(bm25s.tokenize(list(texts), show_progress=False), show_progress=False)
        self._n = len(texts)

    def nearest(self, query: str, k: int) -> list[int]:
        """Positions of the `k` best texts, best first."""
        import bm25s
        import numpy as np

        tokens: Any = bm25s.tokenize([query], show_progress=False, return_ids=False)[0]
        known = [token for token in tokens if token in self._index.vocab_dict]
        scores = self._index.get_scores(known) if known else np.zeros(self._n)
        return [int(i) for i in np.argsort(-scores, kind="stable")[:k]]
