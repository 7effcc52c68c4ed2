"""Schedules, compression and seeded draws. Pure arithmetic, standard library only."""

import math
from collections.abc import Sequence
from itertools import pairwise
from random import Random
from typing import Literal, TypeVar

from bench.percentile import kept_by_percentile
from bench.types import Knowledge

T = TypeVar("T")
Schedule = Literal["linear", "exp", "inverse_exp"]
Rule = Literal["importance", "percentile", "random", "truncate", "sentences"]

STEEPNESS = 3.0
"""Exponent of the exponential schedules: exp has gone two thirds of its way after a third of it."""


def stage(progress: float, steps: int) -> int:
    """The step of the curriculum, 0 .. steps - 1, at `progress` in [0, 1)."""
    return min(int(progress * steps + 1e-9), steps - 1)


def boundaries(steps: int) -> tuple[float, ...]:
    """Progress at which each step but the first begins."""
    return tuple(k / steps for k in range(1, steps))


def keep_ratio(schedule: Schedule, step: int, steps: int) -> float:
    """S_t of step t = 0 .. T - 1, falling from 1 to 0; with x = t / (T - 1) and a = 3:

    linear 1 - x, as in SKIntern section 3.2 (1, 2/3, 1/3, 0 for four steps);
    exp (e^-ax - e^-a) / (1 - e^-a), which falls fast and then slowly;
    inverse_exp 1 - (e^ax - 1) / (e^a - 1), which falls slowly and then fast.
    The paper names the exponential ones (section 4.6) and gives no formula.
    """
    x = step / (steps - 1)
    if schedule == "linear":
        return 1.0 - x
    if schedule == "exp":
        low = math.exp(-STEEPNESS)
        return (math.exp(-STEEPNESS * x) - low) / (1 - low)
    return 1 - math.expm1(STEEPNESS * x) / math.expm1(STEEPNESS)


def n_kept(n: int, schedule: Schedule, step: int, steps: int) -> int:
    """How many of `n` examples are kept: floor(n * S_t), safe from the last bit of a float."""
    return math.floor(n * keep_ratio(schedule, step, steps) + 1e-9)


def believed(knowledge: Knowledge, recall: float) -> Knowledge:
    """Without the sentences that a cut of that recall drops; all of it where nobody judged."""
    if not knowledge.critic_recall:
        return knowledge
    words, n_summary = knowledge.text.split(), len(knowledge.summary.split())
    kept = [i for i, each in enumerate(knowledge.critic_recall) if each <= recall]
    return Knowledge(
        knowledge.summary,
        " ".join(words[i] for i in kept if i >= n_summary),
        tuple(knowledge.importance[i] for i in kept),
        tuple(knowledge.n_tokens[i] for i in kept),
        tuple(knowledge.critic_recall[i] for i in kept),
    )


def compress(knowledge: Knowledge, ratio: float, rule: Rule, seed: int) -> str:
    """About the share `ratio` of the words, in order.

    importance keeps exactly the most important share, of equals the earlier; percentile is
    LLMLingua-2's threshold, which keeps more or less than asked; random draws afresh for each
    ratio; truncate keeps the beginning; sentences keeps that share of whole sentences, those whose
    words are the most important on average, so that what is gone cannot be read from the rest.
    """
    words = knowledge.text.split()
    if len(words) != len(knowledge.importance):
        raise ValueError(f"{len(knowledge.importance)} importance scores for {len(words)} words")
    places, n = range(len(words)), round(len(words) * ratio)
    if rule == "percentile":
        keep = kept_by_percentile(knowledge.importance, knowledge.n_tokens, ratio)
        return " ".join(word for word, kept in zip(words, keep, strict=True) if kept)
    if rule == "sentences":
        keep = _kept_sentences(words, knowledge.importance, ratio)
        return " ".join(words[i] for i in keep)
    if rule == "importance":
        ranked = sorted(places, key=lambda i: (-knowledge.importance[i], i))
    elif rule == "random":
        ranked = Random(f"{seed}/{ratio}").sample(places, len(words))
    else:
        ranked = list(places)
    return " ".join(words[i] for i in sorted(ranked[:n]))


def _kept_sentences(words: Sequence[str], importance: Sequence[float], ratio: float) -> list[int]:
    """Places of the words of the sentences that are kept, in order."""
    ends = [i + 1 for i, word in enumerate(words) if word.endswith(".")]
    bounds = sorted({0, *ends, len(words)})
    spans = [range(a, b) for a, b in pairwise(bounds)]
    weight = {span: sum(importance[i] for i in span) / len(span) for span in spans}
    ranked = sorted(spans, key=lambda span: (-weight[span], span.start))
    return sorted(i for span in ranked[: round(len(spans) * ratio)] for i in span)


def part(knowledge: Knowledge, summary: bool, supplementary: bool) -> Knowledge:
    """The knowledge without the parts that are not wanted."""
    n = len(knowledge.summary.split())
    first, second = (0 if summary else n), (None if supplementary else n)
    return Knowledge(
        knowledge.summary if summary else "",
        knowledge.supplementary if supplementary else "",
        knowledge.importance[first:second],
        knowledge.n_tokens[first:second],
    )


def draw(pool: Sequence[T], n: int, seed: int, step: int, *, of: int) -> tuple[T, ...]:
    """`n` places of the `of` in a full pool, drawn afresh at each step, in the pool's order.

    A pool that was cut short leaves its places empty: cutting it removes items and draws no others.
    """
    chosen = Random(f"{seed}/{step}").sample(range(of), min(n, of))
    return tuple(pool[i] for i in sorted(chosen) if i < len(pool))
