"""KARD's reranker: it learns to order passages for a question as the rationale would find them.

Late interaction (Khattab and Zaharia 2020): a passage's score is the sum over the question's
tokens of the best product with one of the passage's, so passages are encoded once.
"""

from collections.abc import Sequence
from copy import deepcopy
from dataclasses import dataclass
from functools import cached_property
from itertools import chain
from math import ceil
from pathlib import Path
from random import Random
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from bench.corpora.attach import Nearest
from bench.costs.encoder_flops import EncoderFlops, fit_encoder_flops
from bench.costs.flops import BACKWARD_AND_FORWARD
from bench.critics.inputs import kept_to
from bench.ground.bars import Bar
from bench.students.student import Student, device
from bench.track import Reranker as Spec

BATCH = 32


@dataclass(frozen=True, slots=True)
class Lesson:
    """A question, passages by their positions, and how likely the rationale makes each."""

    question: str
    passages: tuple[int, ...]
    shares: tuple[float, ...]


class Reranker:
    """An encoder with the passages of a corpus."""

    def __init__(self, model: Any, tokenizer: Any, spec: Spec, passages: Sequence[str]) -> None:
        self.model, self.tokenizer, self._spec = model, kept_to(model, tokenizer), spec
        self._passages = passages
        self.spent = dict[str, int]()
        """FLOPs that `nearest` took for a question: reading it, and its products with texts."""

    @classmethod
    def load(cls, folder: str | Path, spec: Spec, passages: Sequence[str]) -> "Reranker":
        """One that was saved, or an encoder that others trained."""
        from transformers import AutoModel, AutoTokenizer

        # Weights that train stay in fp32, whatever they were kept in.
        model = AutoModel.from_pretrained(folder, use_safetensors=True, dtype=torch.float32)
        return cls(model.to(device()), AutoTokenizer.from_pretrained(folder), spec, passages)

    @classmethod
    def on(cls, student: Student, spec: Spec, passages: Sequence[str]) -> "Reranker":
        """A language model without its output layer."""
        model = deepcopy(student.model.base_model).float()
        return cls(model, deepcopy(student.tokenizer), spec, passages)

    def save(self, folder: Path) -> None:
        self.model.save_pretrained(folder)
        self.tokenizer.save_pretrained(folder)

    @torch.no_grad()
    def nearest(self, find: Nearest, question: str, k: int) -> list[int]:
        """Positions of the best `k` of what is found, best first; equal scores keep their order."""
        considered = find(question, self._spec.n_considered)
        (query,), texts = self._states([question]), [self._index[i] for i in considered]
        order = scores(query, texts).argsort(descending=True, stable=True).tolist()
        products = (self._flops.interaction_flops(len(query), len(text)) for text in texts)
        self.spent[question] = self._flops.flops(len(query)) + sum(products)
        return [considered[i] for i in order[:k]]

    @property
    def index_flops(self) -> int:
        """Of encoding all passages once."""
        return sum(self._flops.flops(len(ids)) for ids in self._read(self._passages).input_ids)

    def teach(self, lessons: Sequence[Lesson], *, seed: int) -> int:
        """KL divergence from the rationale's shares to the question's; the FLOPs that it took."""
        torch.manual_seed(seed)
        rng, size, spent = Random(f"{seed}/reranker"), self._spec.batch_size, 0
        optimizer = torch.optim.AdamW(self.model.parameters(), lr=self._spec.learning_rate)
        self.model.train()
        with Bar(total=self._spec.epochs * ceil(len(lessons) / size), what="teaching it") as bar:
            for _ in range(self._spec.epochs):
                order = rng.sample(lessons, len(lessons))
                for at in range(0, len(order), size):
                    loss, flops = self._loss(order[at : at + size])
                    loss.backward()
                    optimizer.step()
                    optimizer.zero_grad()
                    spent += BACKWARD_AND_FORWARD * flops
                    bar.update()
        self.model.eval()
        return spent

    def _loss(self, batch: Sequence[Lesson]) -> tuple[Tensor, int]:
        """Mean divergence of the lessons, and the FLOPs of it; what they share is read once."""
        asked = [
            (lesson.question, *(self._passages[i] for i in lesson.passages)) for lesson in batch
        ]
        once = list(dict.fromkeys(chain.from_iterable(asked)))
        states = dict(zip(once, self._states(once), strict=True))
        flops = sum(self._flops.flops(len(each)) for each in states.values())
        loss = torch.zeros((), device=self.model.device)
        for lesson, texts in zip(batch, asked, strict=True):
            query, *read = (states[text] for text in texts)
            wanted = torch.tensor(lesson.shares, device=query.device)
            found = scores(query, read).log_softmax(-1)
            loss = loss + functional.kl_div(found, wanted, reduction="sum") / len(batch)
            flops += sum(self._flops.interaction_flops(len(query), len(each)) for each in read)
        return loss, flops

    @cached_property
    def _flops(self) -> EncoderFlops:
        return fit_encoder_flops(self.model)

    @cached_property
    def _index(self) -> list[Tensor]:
        """The states of every passage."""
        self.model.eval()
        order = sorted(range(len(self._passages)), key=lambda i: len(self._passages[i]))
        found = dict[int, Tensor]()
        with torch.no_grad():
            for at in Bar(range(0, len(order), BATCH), what="encoding passages"):
                chosen = order[at : at + BATCH]
                states = self._states([self._passages[i] for i in chosen])
                found |= zip(chosen, states, strict=True)
        return [found[i] for i in range(len(self._passages))]

    def _states(self, texts: Sequence[str]) -> list[Tensor]:
        """For each text (T, D): its tokens' states, of length 1."""
        inputs = self.tokenizer.pad(self._read(texts), return_tensors="pt").to(self.model.device)
        states = functional.normalize(self.model(**inputs).last_hidden_state, dim=-1)
        return [row[mask.bool()] for row, mask in zip(states, inputs.attention_mask, strict=True)]

    def _read(self, texts: Sequence[str]) -> Any:
        return self.tokenizer(list(texts), truncation=True, max_length=self._spec.max_tokens)


def scores(query: Tensor, texts: Sequence[Tensor]) -> Tensor:
    """(N,) of N texts: the sum over the query's tokens of their best products."""
    return torch.stack([(query @ text.T).amax(1).sum() for text in texts])
