"""The critic that nobody teaches: by how much its head makes a tail likelier.

Davison et al. 2019 ask a masked model; here a causal one is asked, which reads the head before
the tail and never the other way round.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from bench.batch import tokenize
from bench.costs.flops import fit_flops
from bench.critics.quality import Scores, precision_at
from bench.critics.wording import Triple, prompt, triples
from bench.students.student import Student
from bench.training.likelihood import log_likelihoods
from bench.types import Pair

WEIGHTS = (1.0, 0.5, 0.25, 0.1, 0.0)
"""Of the tail's own likelihood. Davison et al. weight the other part, by its reciprocal."""


class Pmi:
    """log P(tail | head, relation) - weight * log P(tail | relation)."""

    def __init__(self, student: Student, weight: float = 1.0, opening: str = "") -> None:
        """`opening` is what the student learned to go on from with texts like these."""
        self._student, self.weight, self._opening = student, weight, opening

    def scores(self, asked: Sequence[Triple]) -> Scores:
        """The score of each, in order: any real number."""
        given_head, alone = _parts(self._student, self._opening, asked)
        return given_head - self.weight * alone

    def flops(self, asked: Sequence[Triple]) -> list[int]:
        """Of the score of each, its tail read twice; what several share counts for each."""
        flops = fit_flops(self._student.model)

        def of(text: str, tail: str) -> int:
            read = tokenize(self._student.tokenizer, Pair(text, f" {tail}"))
            return flops.reading_flops(len(read.prompt), len(read.target))

        with_head, alone = _texts(self._opening, asked)
        return [of(*told) + of(*bare) for told, bare in zip(with_head, alone, strict=True)]


def weighted(student: Student, labels: Sequence[Mapping[str, Any]], opening: str = "") -> Pmi:
    """With the weight that is most precise at 80 % recall of the labels; ties to the larger."""
    given_head, alone = _parts(student, opening, triples(labels))
    marks = [row["label"] for row in labels]
    precision = {w: precision_at(0.8, marks, given_head - w * alone) for w in WEIGHTS}
    return Pmi(student, max(WEIGHTS, key=precision.__getitem__), opening)


Asked = list[tuple[str, str]]
"""Prompts, each with a tail."""


def _texts(opening: str, asked: Sequence[Triple]) -> tuple[Asked, Asked]:
    """Each tail after head and relation, and after the relation alone."""
    with_head = [(f"{opening} {prompt(h, phrase)}".lstrip(), tail) for h, phrase, tail in asked]
    alone = [(f"{opening} {prompt('', phrase)}".lstrip(), tail) for _, phrase, tail in asked]
    return with_head, alone


def _parts(student: Student, opening: str, asked: Sequence[Triple]) -> tuple[Scores, Scores]:
    """Log-likelihoods of the tails given head and relation, and given the relation alone."""
    with_head, alone = _texts(opening, asked)
    once = list(dict.fromkeys([*with_head, *alone]))
    found = dict(zip(once, log_likelihoods(student, once), strict=True))
    return np.array([found[each] for each in with_head]), np.array([found[each] for each in alone])
