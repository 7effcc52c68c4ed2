"""The probe in the manner of LAMA: where the student ranks the right answer among candidates."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import torch

from bench.batch import Tokens, micro_batches, tokenize
from bench.ground.bars import Bar
from bench.losses import token_loss
from bench.method import Method
from bench.run.evaluate import Sample
from bench.students.student import Student
from bench.training.logits import scored_logits
from bench.types import Pair

BATCH_TOKENS = 8192
"""Padded tokens that are ranked at once."""


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
    scores = log_likelihoods(student, prompt, candidates)
    own = scores[sample.doc["target"]]
    return sum(score >= own for score in scores.values())


@torch.no_grad()
def log_likelihoods(student: Student, prompt: str, answers: Sequence[str]) -> Mapping[str, float]:
    """Log-likelihood of each answer, worded as a target is: behind a blank."""
    read = [tokenize(student.tokenizer, Pair(prompt, f" {answer}")) for answer in answers]
    answer_of = {id(tokens): answer for tokens, answer in zip(read, answers, strict=True)}
    pad = student.tokenizer.pad_token_id or 0
    found = dict[str, float]()
    for batch in micro_batches(read, {"solution": 1.0}, pad, BATCH_TOKENS):
        moved = batch.to(student.device)
        logits = scored_logits(student.model, moved.input_ids, moved.scored)
        losses = token_loss(logits, moved.labels).split([_n(t) for t in batch.sequences])
        for tokens, loss in zip(batch.sequences, losses, strict=True):
            found[answer_of[id(tokens)]] = -float(loss.sum())
    return found


def _n(tokens: Tokens) -> int:
    return len(tokens.target)
