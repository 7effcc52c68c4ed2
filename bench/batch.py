"""Pairs -> tensors: the micro-batches of an optimizer step, weighted by its token counts."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import takewhile
from typing import Any

import torch
from torch import Tensor

from bench.types import Pair


@dataclass(frozen=True, slots=True)
class Tokens:
    """One tokenized pair: prompt ids, then target ids with the end-of-sequence token."""

    prompt: list[int]
    target: list[int]
    objective: str
    teacher_prompt: list[int]
    """What a teacher of logits reads before the target."""
    n_shown: int = 0
    """Words of knowledge in the prompt."""

    def __len__(self) -> int:
        return len(self.prompt) + len(self.target)


@dataclass(frozen=True, slots=True)
class Batch:
    """Right-padded sequences (B, T), each its own row, so none can see another.

    There is no mask: a causal model never looks to the right, where the padding is. `scored`
    (B, T) marks the N positions that a target token follows, `labels` (N,) are those tokens, row
    by row. `weights` (N,) are the objective's weight over its number of target tokens in the whole
    optimizer step.
    """

    input_ids: Tensor
    scored: Tensor
    labels: Tensor
    weights: Tensor
    sequences: Sequence[Tokens]
    """What the rows were made of."""
    teacher_logits: Tensor | None = None
    """(N, V) before the same tokens; None without a teacher."""

    def to(self, device: torch.device) -> "Batch":
        return replace(
            self,
            input_ids=self.input_ids.to(device),
            scored=self.scored.to(device),
            labels=self.labels.to(device),
            weights=self.weights.to(device),
        )


def encode(tokenizer: Any, text: str) -> list[int]:
    """Token ids of a prompt, with a BOS only if the tokenizer adds one.

    A tokenizer with a chat template sends it as one turn of a user, with the answer opened; that
    of a student that is not to be addressed so has lost its template when it was loaded.
    """
    if getattr(tokenizer, "chat_template", None) is None:
        ids = tokenizer(text).input_ids
        is_ended = ids[-1:] == [tokenizer.eos_token_id] and not text.endswith(tokenizer.eos_token)
        return ids[:-1] if is_ended else ids  # nobody goes on after the end of a text
    turn = [{"role": "user", "content": text}]
    shown = tokenizer.apply_chat_template(turn, tokenize=False, add_generation_prompt=True)
    return tokenizer(shown, add_special_tokens=False).input_ids


def tokenize(tokenizer: Any, pair: Pair) -> Tokens:
    """Prompt and target apart, then joined: prompt ids are a prefix, as at test time."""
    target = tokenizer(pair.target, add_special_tokens=False).input_ids
    prompt = encode(tokenizer, pair.prompt)
    shown = pair.teacher_prompt
    taught = prompt if shown is None else encode(tokenizer, shown)
    return Tokens(prompt, [*target, tokenizer.eos_token_id], pair.objective, taught, pair.n_shown)


def micro_batches(
    sequences: Sequence[Tokens],
    weights: Mapping[str, float],
    pad_id: int,
    max_tokens: int,
    *,
    of: Sequence[Tokens] | None = None,
    shared: bool = False,
) -> list[Batch]:
    """Cut one optimizer step into batches of at most `max_tokens`, but at least one sequence.

    These are padded tokens, and sequences of like length stand together; for a model that computes
    `shared` beginnings once they are distinct ones, and those that begin alike stand together.
    `of` is the whole step, where `sequences` are a share of it.
    """
    counts = Counter[str]()
    for sequence in sequences if of is None else of:
        counts[sequence.objective] += len(sequence.target)
    scale = {name: weights[name] / n for name, n in counts.items()}
    cut = _alike if shared else _of_like_length
    return [_pad(group, scale, pad_id) for group in cut(sequences, max_tokens) if group]


def _of_like_length(sequences: Sequence[Tokens], max_tokens: int) -> list[list[Tokens]]:
    groups: list[list[Tokens]] = [[]]
    for sequence in sorted(sequences, key=len, reverse=True):
        if groups[-1] and (len(groups[-1]) + 1) * len(groups[-1][0]) > max_tokens:
            groups.append([])
        groups[-1].append(sequence)
    return groups


def _alike(sequences: Sequence[Tokens], max_tokens: int) -> list[list[Tokens]]:
    groups, room, last = list[list[Tokens]](), 0, list[int]()
    for sequence in sorted(sequences, key=lambda tokens: tokens.prompt + tokens.target):
        row = sequence.prompt + sequence.target
        n = len(row) - n_alike(last, row)
        if n > room or not groups:
            groups.append([])
            n, room = len(row), max_tokens
        groups[-1].append(sequence)
        room, last = room - n, row
    return groups


def n_alike(one: Sequence[int], other: Sequence[int]) -> int:
    """How many tokens both begin with."""
    pairs = zip(one, other, strict=False)
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], pairs))


def _pad(group: Sequence[Tokens], scale: Mapping[str, float], pad_id: int) -> Batch:
    shape = (len(group), max(map(len, group)))
    ids = torch.full(shape, pad_id)
    scored = torch.zeros(shape, dtype=torch.bool)
    for row, sequence in enumerate(group):
        start, end = len(sequence.prompt), len(sequence)
        ids[row, :end] = torch.tensor(sequence.prompt + sequence.target)
        scored[row, start - 1 : end - 1] = True
    labels = [token for sequence in group for token in sequence.target]
    weights = [scale[sequence.objective] for sequence in group for _ in sequence.target]
    return Batch(ids, scored, torch.tensor(labels), torch.tensor(weights), tuple(group))
