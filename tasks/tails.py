"""Score the tail of a triple against all tails that are right."""

import re
from collections.abc import Sequence

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


def tail(text: str) -> str:
    """The tail in what was written: up to the first full stop or the end of the line."""
    first = text.strip().partition("\n")[0].partition(".")[0]
    return " ".join(first.casefold().split())


def _bare(text: str) -> str:
    return " ".join(_ARTICLES.sub(" ", text.removeprefix("to ")).split())
