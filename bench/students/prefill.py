"""Prompts of one batch -> their cache: what some begin with alike is read once, and little padding.

A student with convolutions reads them all at once, padded on the left.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import pad

from bench.batch import n_alike
from bench.students.cache import roomy
from bench.students.student import Student

SPREAD = 1.1
"""Prompts up to so many times as long are read with the padding that this takes."""
HEAD_TOKENS = 64
"""Prompts that begin with the same tokens, this many, such as shots, may share their reading."""
SAVED_TOKENS = 256
"""A beginning is read by itself where this saves so many tokens: it is one pass more."""


@dataclass(frozen=True, slots=True)
class Read:
    """Prompts that were read, in rows."""

    order: list[int]
    """(B,), the number of each row's prompt."""
    logits: Tensor
    """(B, V), after the prompts."""
    cache: Any
    """The keys and values of T tokens, in a cache of transformers."""
    mask: Tensor
    """(B, T), 0 where the cache holds padding."""
    positions: Tensor
    """(B, 1), those of the prompts' last tokens."""


def beginning(student: Student, prompt: Sequence[int]) -> tuple[int, ...]:
    """What prompts of one batch should have in common, if any others begin so."""
    return tuple(prompt[:HEAD_TOKENS]) if student.shares_beginnings else ()


def prefill(student: Student, prompts: Sequence[list[int]]) -> Read:
    """Read token ids, each without padding of its own."""
    width, order = max(map(len, prompts)), list[int]()
    logits, caches, masks = list[Tensor](), list[Any](), list[Tensor]()
    for n_shared, rows in _families(student, prompts):
        head = _head(student, prompts[rows[0]][:n_shared])
        for part in _of_like_length(student, prompts, rows):
            rest = [prompts[k][n_shared:] for k in part]
            most = max(map(len, rest))
            filler = [student.tokenizer.pad_token_id]
            ids = torch.tensor([filler * (most - len(r)) + r for r in rest])
            seen = torch.tensor(
                [[1] * n_shared + [0] * (most - len(r)) + [1] * len(r) for r in rest]
            )
            cache = deepcopy(head)
            if cache is not None:
                cache.batch_repeat_interleave(len(part))
            positions = (seen.cumsum(-1) - 1).clamp(min=0)[:, n_shared:]
            found, cache = forward(student, ids, seen, positions, cache)
            order += part
            logits.append(found)
            caches.append(cache)
            masks.append(pad(seen, (width - seen.shape[1], 0)))
    mask = torch.cat(masks).to(student.device)
    cache = roomy(_joined(caches, width))
    return Read(order, torch.cat(logits), cache, mask, mask.sum(-1, keepdim=True) - 1)


def forward(
    student: Student, ids: Tensor, mask: Tensor, positions: Tensor, cache: Any
) -> tuple[Tensor, Any]:
    """Logits (B, V) after the last of `ids` (B, T), which follow what the cache holds."""
    output = student.model(
        input_ids=ids.to(student.device),
        attention_mask=mask.to(student.device),
        position_ids=positions.to(student.device),
        past_key_values=cache,
        use_cache=True,
        logits_to_keep=1,
    )
    return output.logits[:, -1], output.past_key_values


def _families(student: Student, prompts: Sequence[list[int]]) -> Iterator[tuple[int, list[int]]]:
    """How many tokens these prompts begin with alike, and their numbers; last, all others."""
    alike, others = defaultdict[tuple[int, ...], list[int]](list), list[int]()
    for k, prompt in enumerate(prompts):
        alike[beginning(student, prompt)].append(k)
    for rows in alike.values():
        own = [prompts[k] for k in rows]
        # Of sorted lists the first and the last differ the most; one token is left to each.
        n = min(n_alike(min(own), max(own)), min(map(len, own)) - 1)
        if student.shares_beginnings and n * (len(rows) - 1) >= SAVED_TOKENS:
            yield n, rows
        else:
            others += rows
    if others:
        yield 0, others


def _head(student: Student, ids: list[int]) -> Any:
    """The cache of what prompts begin with; None if that is nothing."""
    if not ids:
        return None
    row = torch.tensor([ids], device=student.device)
    return student.model(input_ids=row, use_cache=True, logits_to_keep=1).past_key_values


def _of_like_length(
    student: Student, prompts: Sequence[list[int]], rows: Sequence[int]
) -> Iterator[list[int]]:
    """Of these prompts, those of which none is longer than another by more than `SPREAD`."""
    part = list[int]()
    for k in sorted(rows, key=lambda k: len(prompts[k])):
        long = part and len(prompts[k]) > len(prompts[part[0]]) * SPREAD
        if long and student.shares_beginnings:
            yield part
            part = []
        part.append(k)
    yield part


def _joined(caches: Sequence[Any], width: int) -> Any:
    """One cache of all rows, of so many tokens; what is padded stands first."""
    first, *others = caches
    if others:
        for layers in zip(*(cache.layers for cache in caches), strict=True):
            layers[0].keys = _rows([layer.keys for layer in layers], width)
            layers[0].values = _rows([layer.values for layer in layers], width)
    return first


def _rows(states: Sequence[Tensor], width: int) -> Tensor:
    """Each (b, heads, t, size), together (B, heads, width, size)."""
    return torch.cat([pad(each, (0, 0, width - each.shape[2], 0)) for each in states])
