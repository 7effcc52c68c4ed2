"""Score the tail of a triple against all tails that are right."""

import re
from collections.abc import Sequence
from functools import cache
from typing import Any

from tasks.docs import Item
from tasks.scoring import Scores

_ARTICLES = re.compile(r"\b(?:a|an|the)\b")


def process_results(doc: Item, results: Sequence[str]) -> Scores:
    """Score the one tail that was written, as lm-eval calls it.

    Strict is equality but for case, blanks and a final full stop; flexible forgives articles and
    a leading "to" as well. There is no author's rule: that column repeats strict.
    """
    (written,) = results
    found = tail(written)
    strict = float(found in map(tail, doc.get("tails", ())))
    lenient = float(_bare(found) in [_bare(tail(each)) for each in doc.get("tails", ())])
    return {"strict": strict, "author": strict, "flexible": lenient, "failed": float(not found)}


class Graded(Scores):
    """The scores, and how like the right tails what was written is: 0 to 1."""

    bleu_2: float
    rouge_l: float


def graded(doc: Item, results: Sequence[str]) -> Graded:
    """Score the one tail also by its likeness to the right ones, the nearest of which counts.

    BLEU up to bigrams, as Bosselut et al. 2019 have it for ATOMIC, by sacrebleu, with as many
    orders as a short tail has; ROUGE-L, its F1, by rouge-score.
    """
    (written,) = results
    found, right = tail(written), [tail(each) for each in doc.get("tails", ())]
    bleu, rouge = _metrics()
    return {
        **process_results(doc, results),
        "bleu_2": min(1.0, bleu.sentence_score(found, right).score / 100) if found else 0.0,
        "rouge_l": rouge.score_multi(right, found)["rougeL"].fmeasure,
    }


@cache
def _metrics() -> tuple[Any, Any]:
    from rouge_score.rouge_scorer import (  # pyright: ignore[reportMissingTypeStubs]
        RougeScorer,
    )
    from sacrebleu.metrics.bleu import BLEU

    return BLEU(max_ngram_order=2, effective_order=True), RougeScorer(["rougeL"])


def tail(text: str) -> str:
    """The tail in what was written: up to the first full stop or the end of the line."""
    first = text.strip().partition("\n")[0].partition(".")[0]
    return " ".join(first.casefold().split())


def _bare(text: str) -> str:
    return " ".join(_ARTICLES.sub(" ", text.removeprefix("to ")).split())
