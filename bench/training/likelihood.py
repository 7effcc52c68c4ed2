"""Log-likelihoods of given answers, for whoever ranks or judges them."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import groupby
from typing import Any

import torch

from bench.batch import Batch, Tokens, micro_batches, tokenize
from bench.ground.bars import Bar
from bench.losses import token_loss
from bench.students.student import Student
from bench.training.logits import scored_logits
from bench.types import Pair

BATCH_TOKENS = 8192
"""Padded tokens that are read at once."""
SHARED = 8
"""Answers to one prompt from which on its computation is shared."""
SHARED_TOKENS = 256
"""Their padded tokens that are read at once: few, or the longest of fifty answers pads them all."""


@torch.no_grad()
def log_likelihoods(student: Student, asked: Sequence[tuple[str, str]]) -> list[float]:
    """Of each (prompt, answer), the end of the text included; worded as a target, after a blank."""
    read = [tokenize(student.tokenizer, Pair(prompt, f" {answer}")) for prompt, answer in asked]
    place = {id(tokens.target): i for i, tokens in enumerate(read)}
    found = [0.0] * len(read)
    with Bar(total=len(read), what="reading answers", unit="answer") as bar:
        for cache, batch in _batches(student, read):
            # Nothing follows the last token of the longest, so nothing is to be read there.
            ids, scored = batch.input_ids[:, :-1], batch.scored[:, :-1]
            logits = scored_logits(student.model, ids, scored, cache)
            lengths = [len(tokens.target) for tokens in batch.sequences]
            losses = token_loss(logits, batch.labels).split(lengths)
            for tokens, loss in zip(batch.sequences, losses, strict=True):
                found[place[id(tokens.target)]] = -float(loss.sum())
            bar.update(len(lengths))
    return found


def _batches(student: Student, read: Sequence[Tokens]) -> Iterator[tuple[Any, Batch]]:
    """What a batch's sequences begin with, as a cache or None, and the batch without it."""
    prompts = Counter(tuple(tokens.prompt) for tokens in read)

    def shared(tokens: Tokens) -> list[int]:
        """All of its prompt but the last token, which the first of the answer is read after."""
        many = student.shares_beginnings and prompts[tuple(tokens.prompt)] >= SHARED
        return tokens.prompt[:-1] if many else []

    for beginning, group in groupby(sorted(read, key=shared), key=shared):
        rest = [replace(tokens, prompt=tokens.prompt[len(beginning) :]) for tokens in group]
        most = SHARED_TOKENS if beginning else BATCH_TOKENS
        for batch in micro_batches(rest, {"solution": 1.0}, _pad(student), most):
            yield _cache(student, beginning, len(batch.sequences)), batch.to(student.device)


def _cache(student: Student, beginning: list[int], n: int) -> Any:
    """Keys and values of the beginning for `n` sequences; None where there is none."""
    if not beginning:
        return None
    ids = torch.tensor([beginning], device=student.device)
    cache = student.model(input_ids=ids, use_cache=True, logits_to_keep=1).past_key_values
    cache.batch_repeat_interleave(n)
    return cache


def _pad(student: Student) -> int:
    return student.tokenizer.pad_token_id or 0
