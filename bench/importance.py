"""Score the words of knowledge, so that compressing it later is pure and needs no model."""

import math
import string
from collections import Counter
from collections.abc import Iterable, Mapping


def frequency(texts: Mapping[str, Iterable[str]]) -> dict[str, dict[str, float]]:
    """Importance of each word by group: -log of its share among the group's words.

    The stand-in for LLMLingua-2 where no model may be loaded: common words carry little. Words
    are compared in lower case without their punctuation.
    """
    scores: dict[str, dict[str, float]] = {}
    for group, members in texts.items():
        counts = Counter(normal(word) for text in members for word in text.split())
        total = sum(counts.values())
        scores[group] = {word: -math.log(n / total) for word, n in counts.items()}
    return scores


def normal(word: str) -> str:
    """The word in lower case without the punctuation around it."""
    return word.lower().strip(string.punctuation)
