"""The probe in the manner of LAMA: where the student ranks the right answer among candidates."""

from collections.abc import Sequence
from dataclasses import replace

from bench.ground.bars import Bar
from bench.method import Method
from bench.run.evaluate import Sample
from bench.students.student import Student
from bench.training.likelihood import log_likelihoods


def ranked(method: Method, student: Student, samples: Sequence[Sample]) -> list[Sample]:
    """The samples, each with its target's rank where its question has candidates.

    A candidate's score is the log-likelihood of all its tokens, the end included, after the
    method's first prompt; one that scores as high as the target counts as before it.
    """
    asked = [sample for sample in samples if sample.doc.get("candidates")]
    if not asked:
        return list(samples)
    with_ranks = {sample.data_set for sample in asked}
    bar = Bar(asked, what="ranking candidates", unit="question")
    ranks = {sample.doc["id"]: _rank(method, student, sample) for sample in bar}
    return [
        replace(s, graded={**s.graded, "rank": ranks.get(s.doc["id"])})
        if s.data_set in with_ranks
        else s
        for s in samples
    ]


def _rank(method: Method, student: Student, sample: Sample) -> int:
    """From 1 on."""
    prompt = next(method.solve(sample.question))
    candidates = sample.doc["candidates"]
    scores = log_likelihoods(student, [(prompt, candidate) for candidate in candidates])
    own = scores[candidates.index(sample.doc["target"])]
    return sum(score >= own for score in scores)
