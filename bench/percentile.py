"""LLMLingua-2's rule of which words stay. Pure arithmetic, standard library only."""

from collections.abc import Sequence

CERTAIN = 1.0
"""A probability that no threshold can be below."""


def kept_by_percentile(
    importance: Sequence[float],
    n_tokens: Sequence[int],
    keep_ratio: float,
    *,
    chunks: Sequence[int] | None = None,
) -> list[bool]:
    """Whether each word stays: its importance is above a percentile of all, weighted by tokens.

    LLMLingua-2's decision (llmlingua 0.2.2, `PromptCompressor.__compress`). Each word counts
    `n_tokens` times; the percentile is int(100 (1 - keep_ratio) + 1), interpolated linearly.
    The share that stays therefore only comes near `keep_ratio`, in [0, 1]: 1 keeps every word
    and 0 none, and of equally important words all stay or none. `chunks` are the numbers of
    words that have a threshold of their own, in order; None is one chunk. ValueError if the
    arguments do not fit each other.
    """
    n = len(importance)
    if len(n_tokens) != n or (chunks is not None and sum(chunks) != n):
        of = "" if chunks is None else f" and chunks of {sum(chunks)}"
        raise ValueError(f"{n} scores, {len(n_tokens)} lengths{of}: give one of each to a word")
    if not 0 <= keep_ratio <= 1:
        raise ValueError(f"keep_ratio {keep_ratio}: give a share between 0 and 1")
    if keep_ratio in (0, 1):
        return [keep_ratio == 1] * n
    kept, start = list[bool](), 0
    for size in (n,) if chunks is None else chunks:
        part = slice(start, start + size)
        kept += _above(importance[part], n_tokens[part], keep_ratio)
        start += size
    return kept


def _above(importance: Sequence[float], n_tokens: Sequence[int], keep_ratio: float) -> list[bool]:
    pairs = zip(importance, n_tokens, strict=True)
    spread = sorted(score for score, n in pairs for _ in range(n))
    if not spread:
        return [False] * len(importance)
    # In floats as the package has it, 0.9 gives 10 and not 11. A ratio so small that 1 - ratio
    # rounds to 1 would ask for percentile 101, which does not exist: the highest stands in.
    percent = min(int(100 * (1 - keep_ratio) + 1), 100)
    # In whole numbers, so that a rank that falls on a word is that word's importance exactly.
    rank, rest = divmod((len(spread) - 1) * percent, 100)
    low, high = spread[rank], spread[min(rank + 1, len(spread) - 1)]
    threshold = low + (high - low) * rest / 100
    return [score > threshold or score == threshold == CERTAIN for score in importance]
