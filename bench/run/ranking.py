"""The probe in the manner of LAMA: where the student ranks the right answer among candidates."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import islice

from bench.ground.bars import about
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
    prompts = [next(method.solve(sample.question)) for sample in asked]
    pairs = [
        (prompt, candidate)
        for prompt, sample in zip(prompts, asked, strict=True)
        for candidate in sample.doc["candidates"]
    ]
    with about("ranking candidates"):
        scores = iter(log_likelihoods(student, pairs))
    ranks = {sample.doc["id"]: _rank(sample, scores) for sample in asked}
    with_ranks = {sample.data_set for sample in asked}
    return [
        replace(s, graded={**s.graded, "rank": ranks.get(s.doc["id"])})
        if s.data_set in with_ranks
        else s
        for s in samples
    ]


def _rank(sample: Sample, scores: Iterator[float]) -> int:
    """From 1 on; takes the scores of the sample's candidates."""
    candidates = sample.doc["candidates"]
    found = list(islice(scores, len(candidates)))
    return sum(score >= found[candidates.index(sample.doc["target"])] for score in found)
