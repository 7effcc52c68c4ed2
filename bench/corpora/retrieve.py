"""BM25: the passages, or the training questions, nearest to a query."""

import os
import shutil
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.ground.bars import stage
from bench.ground.files import locked, writing
from bench.ground.provenance import digest
from bench.ground.sums import intact, seal

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


class Retriever:
    """An index over texts; equal scores keep the order of the texts.

    With `cache` the index is kept below it, in a folder named by the texts and bm25s's version,
    and found there the next time; a damaged one is made again.
    """

    def __init__(self, texts: Sequence[str], cache: Path | None = None) -> None:
        self._n = len(texts)
        self._index = _build(texts) if cache is None else _obtain(texts, cache)

    def nearest(self, query: str, k: int) -> list[int]:
        """Positions of the `k` best texts, best first."""
        import numpy as np

        return [int(i) for i in np.argsort(-self.scores(query), kind="stable")[:k]]

    def scores(self, query: str) -> "NDArray[np.float32]":
        """Of every text."""
        import bm25s
        import numpy as np

        tokens: Any = bm25s.tokenize([query], show_progress=False, return_ids=False)[0]
        known = [token for token in tokens if token in self._index.vocab_dict]
        return self._index.get_scores(known) if known else np.zeros(self._n, np.float32)


def _build(texts: Sequence[str]) -> Any:
    import bm25s

    index = bm25s.BM25()
    with stage(f"indexing {len(texts)} texts"):
        index.index(bm25s.tokenize(list(texts), show_progress=False), show_progress=False)
    return index


def _obtain(texts: Sequence[str], cache: Path) -> Any:
    """The index of the texts from `cache`, built first if it is not there or damaged."""
    import bm25s

    folder = cache / digest([version("bm25s"), list(texts)])
    with locked(folder):
        if not intact(folder):
            _keep(_build(texts), folder)
        return bm25s.BM25.load(folder, mmap=True, show_progress=False)


def _keep(index: Any, folder: Path) -> None:
    part = folder.with_name(f"{folder.name}.{os.getpid()}.part")
    shutil.rmtree(part, ignore_errors=True)
    with writing(part):
        index.save(part, show_progress=False)
        seal(part)
    shutil.rmtree(folder, ignore_errors=True)
    part.rename(folder)
