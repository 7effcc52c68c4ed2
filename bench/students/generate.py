"""Prompts -> completions, greedily: the only place where the student runs at test time."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from tqdm import tqdm

from bench.batch import encode
from bench.students.student import Student
from bench.track import Decoding


@dataclass(frozen=True, slots=True)
class Completion:
    """What the student wrote; token counts include the end-of-sequence token and stop strings."""

    text: str
    n_prompt: int
    n_generated: int
    overflow: bool = False


class Generator:
    """Batched greedy decoding with a KV cache: sorted by length, finished rows leave the batch."""

    def __init__(self, student: Student, decoding: Decoding) -> None:
        self._model = student.model.eval()
        self._tokenizer = student.tokenizer
        self._decoding = decoding
        self._context = student.context_tokens
        self._device = student.device
        self._eos = student.tokenizer.eos_token_id
        self._may_stop = self._tokens_that_may_stop()

    def _tokens_that_may_stop(self) -> set[int]:
        """Ids whose text holds the last character of a stop string: only they need a look."""
        ends = {stop[-1] for stop in self._decoding.stop}
        if not ends:
            return set()
        ids = range(len(self._tokenizer))
        texts = self._tokenizer.batch_decode([[i] for i in ids])
        return {i for i, text in zip(ids, texts, strict=True) if ends & set(text)}

    def complete(self, prompts: Sequence[str]) -> list[Completion]:
        """Completions in the order of `prompts`, each distinct prompt run once per occurrence.

        A prompt without room for `max_new_tokens` comes back empty with `overflow` set.
        """
        encoded = [encode(self._tokenizer, prompt) for prompt in prompts]
        found: dict[int, Completion] = {}
        room = self._context - self._decoding.max_new_tokens
        for i, ids in enumerate(encoded):
            if len(ids) > room:
                found[i] = Completion("", len(ids), 0, overflow=True)
        waiting = sorted(
            (i for i in range(len(encoded)) if i not in found), key=lambda i: len(encoded[i])
        )
        size = self._decoding.batch_size
        with tqdm(total=len(waiting), desc="generating", disable=None, leave=False) as bar:
            for start in range(0, len(waiting), size):
                rows = waiting[start : start + size]
                for i, generated in self._decode(rows, [encoded[i] for i in rows]):
                    text = self._cut(self._tokenizer.decode(self._without_eos(generated)))
                    found[i] = Completion(text, len(encoded[i]), len(generated))
                    bar.update()
        return [found[i] for i in range(len(encoded))]

    @torch.inference_mode()
    def _decode(
        self, rows: Sequence[int], prompts: Sequence[list[int]]
    ) -> Iterator[tuple[int, list[int]]]:
        """Yield (row, generated ids) as rows finish; prompts are padded on the left."""
        width = max(map(len, prompts))
        pad = self._tokenizer.pad_token_id
        ids = torch.tensor([[pad] * (width - len(p)) + p for p in prompts], device=self._device)
        mask = torch.tensor(
            [[0] * (width - len(p)) + [1] * len(p) for p in prompts], device=self._device
        )
        positions = (mask.cumsum(-1) - 1).clamp(min=0)
        alive, written = list(rows), [list[int]() for _ in rows]
        cache: Any = None
        while alive:
            output = self._model(
                input_ids=ids,
                attention_mask=mask,
                position_ids=positions,
                past_key_values=cache,
                use_cache=True,
                logits_to_keep=1,
            )
            cache, best = output.past_key_values, output.logits[:, -1].argmax(-1)
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
            ids, positions = best[:, None], positions[:, -1:] + 1
            mask = _with_ones(mask)

    def _finished(self, tokens: list[int]) -> bool:
        last = tokens[-1]
        if last == self._eos or len(tokens) >= self._decoding.max_new_tokens:
            return True
        if last not in self._may_stop:
            return False
        text = self._tokenizer.decode(tokens)
        return any(stop in text for stop in self._decoding.stop)

    def _without_eos(self, tokens: list[int]) -> list[int]:
        return tokens[:-1] if tokens[-1] == self._eos else tokens

    def _cut(self, text: str) -> str:
        """The text before the first stop string."""
        ends = [text.find(stop) for stop in self._decoding.stop if stop in text]
        return text[: min(ends)] if ends else text


def _with_ones(mask: Tensor) -> Tensor:
    return torch.cat([mask, mask.new_ones(len(mask), 1)], dim=1)
