"""Log-likelihoods of given answers, for whoever ranks or judges them."""

from collections.abc import Sequence

import torch

from bench.batch import micro_batches, tokenize
from bench.ground.bars import Bar
from bench.losses import token_loss
from bench.students.student import Student
from bench.training.logits import scored_logits
from bench.types import Pair

BATCH_TOKENS = 8192
"""Padded tokens that are read at once."""


@torch.no_grad()
def log_likelihoods(student: Student, asked: Sequence[tuple[str, str]]) -> list[float]:
    """Of each (prompt, answer), the end of the text included; worded as a target, after a blank."""
    read = [tokenize(student.tokenizer, Pair(prompt, f" {answer}")) for prompt, answer in asked]
    place = {id(tokens): i for i, tokens in enumerate(read)}
    found = [0.0] * len(read)
    pad = student.tokenizer.pad_token_id or 0
    batches = micro_batches(read, {"solution": 1.0}, pad, BATCH_TOKENS)
    for batch in Bar(batches, what="reading answers"):
        moved = batch.to(student.device)
        logits = scored_logits(student.model, moved.input_ids, moved.scored)
        lengths = [len(tokens.target) for tokens in batch.sequences]
        losses = token_loss(logits, moved.labels).split(lengths)
        for tokens, loss in zip(batch.sequences, losses, strict=True):
            found[place[id(tokens)]] = -float(loss.sum())
    return found
