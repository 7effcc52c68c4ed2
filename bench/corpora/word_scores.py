"""Scores of a text's words: pooled from those of tokens, and kept on disk."""

import json
import re
import sys
from bisect import bisect_right
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from bench.ground import sources
from bench.ground.files import locked, write_atomically
from bench.ground.provenance import digest, file_sha256
from bench.track import ConfigError


@dataclass(frozen=True, slots=True)
class Scored:
    """The whitespace-separated words of one text, in order.

    `importance` is higher for what is kept longer. `n_tokens` is what a word counts for in a
    percentile; 0, with importance 0, if the tokenizer dropped the word. `chunks` are the numbers
    of words that the model read at once.
    """

    importance: tuple[float, ...]
    n_tokens: tuple[int, ...]
    chunks: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Token:
    """A token of a text: as the vocabulary spells it, its first character, score and chunk."""

    piece: str
    start: int
    score: float
    chunk: int


def by_word(
    text: str,
    tokens: Iterable[Token],
    pool: Callable[[Sequence[float]], float],
    length: Callable[[str], int] | None = None,
) -> Scored:
    """The text's words with the pooled scores of their tokens."""
    spans = [match.span() for match in re.finditer(r"\S+", text)]
    ends = [end for _, end in spans]
    members: list[list[Token]] = [[] for _ in spans]
    for token in tokens:
        # A blank that was made a token begins the word after it.
        word = bisect_right(ends, token.start)
        if word < len(spans):
            members[word].append(token)
    sizes, chunk = Counter[int](), 0
    for word in members:
        chunk = word[0].chunk if word else chunk
        sizes[chunk] += 1
    own = [
        (length(text[a:b]) if length and word else len(word))
        for (a, b), word in zip(spans, members, strict=True)
    ]
    scores = [pool([token.score for token in word]) if word else 0.0 for word in members]
    return Scored(tuple(scores), tuple(own), tuple(sizes.values()))


def cache_key(method: str, checkpoint: str, texts: Sequence[str]) -> str:
    """As `key_of`, of a checkpoint: a folder is known by its files, a hub id by its commit."""
    folder = Path(checkpoint)
    if folder.is_dir():
        files = [path for path in sorted(folder.iterdir()) if path.is_file()]
        model = [[path.name, file_sha256(path)] for path in files]
    else:
        model = [checkpoint, _commit(checkpoint)]
    return key_of(method, model, texts)


def key_of(method: str, model: object, texts: Sequence[str]) -> str:
    """What scores depend on, as one hash: method, this code, the model and the texts."""
    return digest(
        [
            method,
            sources.sha256("bench.corpora.importance", "bench.corpora.word_scores"),
            model,
            list(texts),
        ]
    )


def _commit(checkpoint: str) -> str:
    from transformers.utils.hub import cached_file

    try:
        config = cached_file(checkpoint, "config.json")
    except OSError as error:
        raise ConfigError(
            f"'{checkpoint}' is no folder here and no model of the hub within reach:"
            f" {str(error).splitlines()[0]}"
        ) from error
    # The hub's cache lays files down as snapshots/COMMIT/NAME.
    return Path(str(config)).parent.name


def cached(home: Path, key: str, compute: Callable[[], list[Scored]]) -> list[Scored]:
    """The scores under `key` below `home`, computed first if they are not there or damaged."""
    path = home / "importance" / f"{key}.json"
    with locked(path):
        found = _read(path)
        if found is None:
            found = compute()
            rows = [asdict(scored) for scored in found]
            write_atomically(path, json.dumps(rows).encode())
    return found


def _read(path: Path) -> list[Scored] | None:
    """The scores; None where there are none, or the file is damaged, which is told."""
    if not path.is_file():
        return None
    try:
        rows = json.loads(path.read_bytes())
        names = ("importance", "n_tokens", "chunks")
        return [Scored(*(tuple(row[name]) for name in names)) for row in rows]
    except (ValueError, KeyError, TypeError):
        print(f"{path}: damaged: made again", file=sys.stderr, flush=True)
        return None
