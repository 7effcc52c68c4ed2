"""Prompts -> completions: the only place where a student, or a teacher on this machine, writes."""

import sys
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import count
from typing import Any, TypeAlias

import torch
from torch import Tensor

from bench.batch import encode
from bench.ground.bars import Bar
from bench.students.prefill import beginning, forward, prefill
from bench.students.student import Student
from bench.track import ConfigError, Decoding


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
"""Prompts and completions that one batch on a CPU holds at most: its cache must find memory."""
MOST_PADDING = 512
"""By so many tokens, at most, prompts of one batch differ in length: each step reads past them."""
LONG_TOKENS = 128
"""Texts that few of a batch have drawn out so far wait for others that do: a step of a few takes
as long as one of many, and to read them again does not."""
FEW = 1 / 4
"""Of a batch."""


def turn_ends(model: Any) -> set[int]:
    """Tokens that end what the model says, as its checkpoint's generation_config has them."""
    known = model.generation_config.eos_token_id
    return set(known) if isinstance(known, list) else set() if known is None else {known}


@dataclass(frozen=True, slots=True)
class _Texts:
    """What is being written, by the number of the prompt."""

    prompts: Sequence[list[int]]
    written: list[list[int]]
    choose: Choose
    bar: Bar

    def so_far(self, rows: Iterable[int]) -> dict[int, list[int]]:
        return {i: self.prompts[i] + self.written[i] for i in rows}


class Generator:
    """Batched decoding with a KV cache: sorted by length, finished rows leave the batch."""

    def __init__(self, student: Student, decoding: Decoding, ends: Iterable[int] = ()) -> None:
        """`ends` are tokens beside the tokenizer's own that end a text."""
        student.model.eval()
        self._student = student
        self._tokenizer = student.tokenizer
        self._decoding = decoding
        self._context = student.context_tokens
        self._device = student.device
        self._ends = {student.tokenizer.eos_token_id, *ends}
        if student.tokenizer.chat_template is not None:  # a turn may end otherwise than a text
            self._ends |= turn_ends(student.model)
        self._may_stop = self._tokens_that_may_stop()
        # An accelerator says what it has no memory for; a process of the CPU would be killed.
        self._room = BATCH_TOKENS if student.device.type == "cpu" else sys.maxsize

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
        left = [i for i, ids in enumerate(prompts) if len(ids) <= room]
        with Bar(total=len(left), what="generating", unit="prompt") as bar:
            texts = _Texts(prompts, [[] for _ in prompts], choose, bar)
            while left:
                for rows in self._batches(texts.so_far(left)):
                    self._decode_in_parts(rows, texts, FEW if len(rows) < len(left) else 0)
                left = [i for i in left if not self._finished(texts.written[i])]
        return texts.written

    def _decode_in_parts(self, rows: list[int], texts: _Texts, few: float) -> None:
        """Decode the rows, in parts if the memory is too small for all."""
        queue = [rows]
        while queue:
            part = queue.pop()
            with suppress(torch.OutOfMemoryError):
                self._decode(part, texts, int(few * len(part)))
                continue
            queue += self._halves(part, texts)

    def _halves(self, rows: Sequence[int], texts: _Texts) -> list[list[int]]:
        """What of these rows is not finished, in two; later batches are no larger than one."""
        left = [i for i in rows if not self._finished(texts.written[i])]
        longest = max(len(texts.prompts[i]) for i in left) + self._decoding.max_new_tokens
        if len(left) == 1:
            raise ConfigError(
                f"the memory is too small for a text of {longest} tokens: lower"
                " decoding.max_new_tokens"
            )
        half = (len(left) + 1) // 2
        self._room = half * longest
        print(
            f"out of memory: batches of {self._room} tokens from here on (decoding.batch_size)",
            file=sys.stderr,
        )
        return [left[half:], left[:half]]

    def _batches(self, prompts: Mapping[int, list[int]]) -> Iterator[list[int]]:
        """Rows to decode together: of like length, and those with one beginning side by side."""
        begins = {i: beginning(self._student, ids) for i, ids in prompts.items()}
        longest = Counter[tuple[int, ...]]()
        for i, ids in prompts.items():
            longest[begins[i]] = max(longest[begins[i]], len(ids))
        batch, lengths = list[int](), list[int]()
        for i in sorted(prompts, key=lambda i: (longest[begins[i]], begins[i], len(prompts[i]))):
            lengths.append(len(prompts[i]))
            if batch and not self._fits(lengths):
                yield batch
                batch, lengths = [], lengths[-1:]
            batch.append(i)
        if batch:
            yield batch

    def _fits(self, lengths: Sequence[int]) -> bool:
        """Whether prompts of these lengths may be decoded together."""
        held = len(lengths) * (max(lengths) + self._decoding.max_new_tokens)
        alike = max(lengths) - min(lengths) <= MOST_PADDING
        return len(lengths) <= self._decoding.batch_size and held <= self._room and alike

    @torch.inference_mode()
    def _decode(self, rows: Sequence[int], texts: _Texts, few: int) -> None:
        """Go on with the texts of these rows until all are finished, or these few are left."""
        read = prefill(self._student, list(texts.so_far(rows).values()))
        logits, cache, mask, positions = read.logits, read.cache, read.mask, read.positions
        alive = [rows[k] for k in read.order]
        for n_new in count(1):
            best = texts.choose(logits, alive)
            for i, token in zip(alive, best.tolist(), strict=True):
                texts.written[i].append(token)
            keep = [k for k, i in enumerate(alive) if not self._finished(texts.written[i])]
            if len(keep) < len(alive):
                texts.bar.update(len(alive) - len(keep))
                alive = [alive[k] for k in keep]
                if not alive:
                    return
                chosen = torch.tensor(keep, device=self._device)
                cache.reorder_cache(chosen)
                mask, best, positions = mask[chosen], best[chosen], positions[chosen]
            if n_new >= LONG_TOKENS and len(alive) <= few:
                return
            mask, positions = _with_ones(mask), positions + 1
            logits, cache = forward(self._student, best[:, None], mask, positions, cache)

    def _finished(self, tokens: list[int]) -> bool:
        if not tokens:
            return False
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


def _with_ones(mask: Tensor) -> Tensor:
    return torch.cat([mask, mask.new_ones(len(mask), 1)], dim=1)
