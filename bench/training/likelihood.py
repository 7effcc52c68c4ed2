"""Log-likelihoods of given answers, for whoever ranks or judges them."""

from collections.abc import Sequence

import torch

from bench.batch import micro_batches, tokenize
from bench.ground.bars import Bar
from bench.losses import token_loss
from bench.students.student import Student
from bench.training.logits import target_logits
from bench.training.tree import grows
from bench.types import Pair

BATCH_TOKENS = 4096
"""Tokens that are read at once."""


@torch.no_grad()
def log_likelihoods(student: Student, asked: Sequence[tuple[str, str]]) -> list[float]:
    """Of each (prompt, answer), the end of the text included; worded as a target, after a blank."""
    read = [tokenize(student.tokenizer, Pair(prompt, f" {answer}")) for prompt, answer in asked]
    place = {id(tokens.target): i for i, tokens in enumerate(read)}
    found = [0.0] * len(read)
    pad, shared = student.tokenizer.pad_token_id or 0, grows(student.model)
    with Bar(total=len(read), what="reading answers", unit="answer") as bar:
        for batch in micro_batches(read, {"solution": 1.0}, pad, BATCH_TOKENS, shared=shared):
            batch = batch.to(student.device)
            lengths = [len(tokens.target) for tokens in batch.sequences]
            losses = token_loss(target_logits(student.model, batch), batch.labels).split(lengths)
            for tokens, loss in zip(batch.sequences, losses, strict=True):
                found[place[id(tokens.target)]] = -float(loss.sum())
            bar.update(len(lengths))
    return found
