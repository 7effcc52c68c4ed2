"""Prompts -> completions: the only place where a student, or a teacher on this machine, writes."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass
from itertools import takewhile
from typing import Any, TypeAlias

import torch
from torch import Tensor
from torch.nn.functional import pad

from bench.batch import encode
from bench.ground.bars import Bar
from bench.students.cache import roomy
from bench.students.student import Student
from bench.track import Decoding


@dataclass(frozen=True, slots=True)
class Completion:
    """What the student wrote; token counts include the end-of-sequence token and stop strings."""

    text: str
    n_prompt: int
    n_generated: int
    overflow: bool = False
    cut: bool = False
    """Whether it ended at `max_new_tokens` and nowhere of its own."""


Choose: TypeAlias = Callable[[Tensor, Sequence[int]], Tensor]
"""Logits (B, V) of the prompts with these numbers -> the token that each goes on with (B,)."""


def greedy(logits: Tensor, prompts: Sequence[int]) -> Tensor:
    """The likeliest token."""
    return logits.argmax(-1)


BATCH_TOKENS = 32_768
"""Prompts and completions that one batch may hold at most: it bounds the memory of the cache."""
SPREAD = 1.1
"""Prompts up to so many times as long are read with the padding that this takes."""
HEAD_TOKENS = 64
"""Prompts that begin with the same tokens, this many, such as shots, share their computation."""
MEMBERS = 16
"""So many prompts that begin alike are a batch of their own, however large batches may be."""


class Generator:
    """Batched decoding with a KV cache: sorted by length, finished rows leave the batch.

    What the prompts of a batch begin with alike is computed once, where the student can do so.
    """

    def __init__(self, student: Student, decoding: Decoding, ends: Iterable[int] = ()) -> None:
        """`ends` are tokens beside the tokenizer's own that end a text."""
        self._model = student.model.eval()
        self._tokenizer = student.tokenizer
        self._decoding = decoding
        self._context = student.context_tokens
        self._device = student.device
        self._ends = {student.tokenizer.eos_token_id, *ends}
        self._may_stop = self._tokens_that_may_stop()
        self._shares = student.shares_beginnings

    def _tokens_that_may_stop(self) -> set[int]:
        """Ids whose text holds the last character of a stop string: only they need a look."""
        ends = {stop[-1] for stop in self._decoding.stop}
        if not ends:
            return set()
        ids = range(len(self._tokenizer))
        texts = self._tokenizer.batch_decode([[i] for i in ids])
        return {i for i, text in zip(ids, texts, strict=True) if ends & set(text)}

    def complete(self, prompts: Sequence[str], choose: Choose = greedy) -> list[Completion]:
        """Completions in the order of `prompts`, each distinct prompt run once per occurrence.

        A prompt without room for `max_new_tokens` comes back empty with `overflow` set.
        """
        encoded = [encode(self._tokenizer, prompt) for prompt in prompts]
        written = self.write(encoded, choose)
        return [
            self._completion(len(ids), tokens)
            if tokens
            else Completion("", len(ids), 0, overflow=True)
            for ids, tokens in zip(encoded, written, strict=True)
        ]

    def write(self, prompts: Sequence[list[int]], choose: Choose = greedy) -> list[list[int]]:
        """Token ids that go on after those of `prompts`, the end included; [] without room."""
        room = self._context - self._decoding.max_new_tokens
        waiting = {i: ids for i, ids in enumerate(prompts) if len(ids) <= room}
        found = [list[int]() for _ in prompts]
        with Bar(total=len(waiting), what="generating", unit="prompt") as bar:
            for rows in self._batches(waiting):
                for i, generated in self._decode(rows, [prompts[i] for i in rows], choose):
                    found[i] = generated
                    bar.update()
        return found

    def _batches(self, prompts: Mapping[int, list[int]]) -> Iterator[list[int]]:
        """Rows to decode together: those with one beginning, or else of like length."""
        long = {i for i, ids in prompts.items() if self._shares and len(ids) > HEAD_TOKENS}
        heads = {i: tuple(prompts[i][:HEAD_TOKENS]) for i in long}
        members = Counter(heads.values())
        # A few alike are not worth a batch of their own.
        least = max(2, min(MEMBERS, self._decoding.batch_size // 4))
        group = {i: heads[i] if members[heads.get(i, ())] >= least else () for i in prompts}
        batch = list[int]()
        for i in sorted(prompts, key=lambda i: (group[i], len(prompts[i]))):
            held = (len(batch) + 1) * (len(prompts[i]) + self._decoding.max_new_tokens)
            full = len(batch) == self._decoding.batch_size or held > BATCH_TOKENS
            if batch and (full or group[i] != group[batch[0]]):
                yield batch
                batch = []
            batch.append(i)
        if batch:
            yield batch

    @torch.inference_mode()
    def _decode(
        self, rows: Sequence[int], prompts: Sequence[list[int]], choose: Choose
    ) -> Iterator[tuple[int, list[int]]]:
        """Yield (row, generated ids) as rows finish; prompts are padded on the left."""
        logits, cache, mask, positions = self._read(prompts)
        alive, written = list(rows), [list[int]() for _ in rows]
        while True:
            best = choose(logits, alive)
            for tokens, token in zip(written, best.tolist(), strict=True):
                tokens.append(token)
            keep = [k for k, tokens in enumerate(written) if not self._finished(tokens)]
            if len(keep) < len(alive):
                for k in sorted(set(range(len(alive))) - set(keep)):
                    yield alive[k], written[k]
                alive, written = [alive[k] for k in keep], [written[k] for k in keep]
                if not alive:
                    return
                chosen = torch.tensor(keep, device=self._device)
                cache.reorder_cache(chosen)
                mask, best, positions = mask[chosen], best[chosen], positions[chosen]
            mask, positions = _with_ones(mask), positions + 1
            logits, cache = self._forward(best[:, None], mask, positions, cache)

    def _read(self, prompts: Sequence[list[int]]) -> tuple[Tensor, Any, Tensor, Tensor]:
        """Logits (B, V) after the prompts, their cache, its mask (B, T) and last positions (B, 1).

        Those of like length are read together, so that little padding is.
        """
        n_shared, head = self._shared(prompts)
        rest = [prompt[n_shared:] for prompt in prompts]
        width, logits, caches = max(map(len, rest)), list[Tensor](), list[Any]()
        mask = torch.tensor(
            [[1] * n_shared + [0] * (width - len(p)) + [1] * len(p) for p in rest],
            device=self._device,
        )
        positions = (mask.cumsum(-1) - 1).clamp(min=0)
        filler = [self._tokenizer.pad_token_id]
        for group in _of_like_length(rest) if self._shares else [range(len(rest))]:
            most = max(len(rest[k]) for k in group)
            ids = [filler * (most - len(rest[k])) + rest[k] for k in group]
            seen = torch.cat([mask[group, :n_shared], mask[group, n_shared + width - most :]], 1)
            cache = deepcopy(head)
            if cache is not None:
                cache.batch_repeat_interleave(len(group))
            found, cache = self._forward(
                torch.tensor(ids, device=self._device), seen, positions[group, -most:], cache
            )
            logits.append(found)
            caches.append(cache)
        return torch.cat(logits), roomy(_joined(caches, n_shared)), mask, positions[:, -1:]

    def _forward(
        self, ids: Tensor, mask: Tensor, positions: Tensor, cache: Any
    ) -> tuple[Tensor, Any]:
        """Logits (B, V) after the last of `ids` (B, T), which follow what the cache holds."""
        output = self._model(
            input_ids=ids,
            attention_mask=mask,
            position_ids=positions,
            past_key_values=cache,
            use_cache=True,
            logits_to_keep=1,
        )
        return output.logits[:, -1], output.past_key_values

    def _shared(self, prompts: Sequence[list[int]]) -> tuple[int, Any]:
        """How many tokens the prompts begin with alike, and their cache, if it is worth one."""
        # Of sorted lists the first and the last differ the most; one token is left to each.
        first, last = min(prompts), max(prompts)
        shortest = min(map(len, prompts)) - 1
        alike = takewhile(lambda pair: pair[0] == pair[1], zip(first, last, strict=False))
        n = min(sum(1 for _ in alike), shortest)
        if not self._shares or len(prompts) == 1 or n < HEAD_TOKENS:
            return 0, None
        ids = torch.tensor([first[:n]], device=self._device)
        return n, self._model(input_ids=ids, use_cache=True, logits_to_keep=1).past_key_values

    def _finished(self, tokens: list[int]) -> bool:
        last = tokens[-1]
        if last in self._ends or len(tokens) >= self._decoding.max_new_tokens:
            return True
        if last not in self._may_stop:
            return False
        text = self._tokenizer.decode(tokens)
        return any(stop in text for stop in self._decoding.stop)

    def _completion(self, n_prompt: int, tokens: list[int]) -> Completion:
        """The text before its end, or before the first stop string."""
        ended = tokens[-1] in self._ends
        text = self._tokenizer.decode(tokens[:-1] if ended else tokens)
        stops = [text.find(stop) for stop in self._decoding.stop if stop in text]
        cut = not ended and not stops
        return Completion(text[: min(stops, default=None)], n_prompt, len(tokens), cut=cut)


def _of_like_length(prompts: Sequence[list[int]]) -> Iterator[range]:
    """Neighbours of which none is longer than the first of them by more than `SPREAD`."""
    start = 0
    for k in range(1, len(prompts) + 1):
        if k == len(prompts) or len(prompts[k]) > len(prompts[start]) * SPREAD:
            yield range(start, k)
            start = k


def _joined(caches: Sequence[Any], n_shared: int) -> Any:
    """One cache of all rows; what is padded stands behind the `n_shared` first tokens."""
    first, *others = caches
    if others:
        for layers in zip(*(cache.layers for cache in caches), strict=True):
            layers[0].keys = _rows([layer.keys for layer in layers], n_shared)
            layers[0].values = _rows([layer.values for layer in layers], n_shared)
    return first


def _rows(states: Sequence[Tensor], n_shared: int) -> Tensor:
    """Each (b, heads, t, size), together (B, heads, T, size)."""
    most = max(each.shape[2] for each in states)
    widened = [
        torch.cat([each[:, :, :n_shared], pad(rest, (0, 0, most - each.shape[2], 0))], dim=2)
        for each in states
        for rest in (each[:, :, n_shared:],)
    ]
    return torch.cat(widened)


def _with_ones(mask: Tensor) -> Tensor:
    return torch.cat([mask, mask.new_ones(len(mask), 1)], dim=1)
