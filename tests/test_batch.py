"""Pairs become tensors: what is counted, what is seen, and that cutting a step changes nothing."""

from collections.abc import Callable
from copy import deepcopy
from typing import Any

import pytest
import torch
from conftest import tiny_model
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers.processors import TemplateProcessing
from torch import Tensor, nn

from bench.batch import Batch, Tokens, encode, micro_batches, tokenize
from bench.corpora.corpus import Corpus
from bench.losses import token_loss, weighted_sum
from bench.types import Pair

WEIGHTS = {"solution": 1.0, "answer": 0.25}


def tokens(prompt: list[int], target: list[int], objective: str = "solution") -> Tokens:
    return Tokens(prompt, target, objective, teacher_prompt=prompt)


def loss_of(model: Callable[[Batch], Tensor], batches: list[Batch]) -> Tensor:
    parts = [
        weighted_sum(token_loss(model(batch)[batch.scored], batch.labels), batch.weights)
        for batch in batches
    ]
    return torch.stack(parts).sum()


def rows(corpus: Corpus, tokenizer: Any) -> list[Tokens]:
    """Sequences of two objectives and of very different lengths."""
    solutions = [
        Pair(f"\n\nQuestion: {row['question']}\nAnswer:", f" {row['rationale']}")
        for row in corpus.rows
    ]
    answers = [
        Pair(f"\n\nQuestion: {row['question']}\nAnswer:", f" {row['answer']}.", "answer")
        for row in corpus.rows[::2]
    ]
    return [tokenize(tokenizer, pair) for pair in solutions + answers]


# ------------------------------------------------------------ alignment


def test_labels_and_weights_of_a_step_made_by_hand() -> None:
    """A scored position's label is the token after it; the prompt's last predicts the first."""
    sequences = [
        tokens([5, 6, 7], [8, 9, 1]),
        tokens([5], [10, 1]),
        tokens([6, 7], [11, 1], "answer"),
    ]
    (batch,) = micro_batches(sequences, {"solution": 1.0, "answer": 0.5}, 0, 1000)
    assert batch.input_ids.tolist() == [
        [5, 6, 7, 8, 9, 1],
        [6, 7, 11, 1, 0, 0],
        [5, 10, 1, 0, 0, 0],
    ]
    assert batch.scored.int().tolist() == [
        [0, 0, 1, 1, 1, 0],
        [0, 1, 1, 0, 0, 0],
        [1, 1, 0, 0, 0, 0],
    ]
    assert batch.labels.tolist() == [8, 9, 1, 11, 1, 10, 1]
    fifth, fourth = 1 / 5, 0.5 / 2
    expected = [fifth, fifth, fifth, fourth, fourth, fifth, fifth]
    assert torch.allclose(batch.weights, torch.tensor(expected), atol=1e-9)


def test_the_loss_is_the_mean_of_minus_log_p_of_the_target_tokens_given_all_before() -> None:
    """Against probabilities read one by one from a model that sees one sequence at a time."""
    model = tiny_model("llama", spread=0.3).double()
    sequences = [tokens([5, 6, 7], [8, 9, 1]), tokens([5], [10, 1])]
    surprise = []
    for sequence in sequences:
        ids = sequence.prompt + sequence.target
        for end in range(len(sequence.prompt), len(ids)):
            logits = model(torch.tensor([ids[:end]])).logits[0, -1]
            surprise.append(-logits.log_softmax(-1)[ids[end]].item())
    batches = micro_batches(sequences, {"solution": 1.0}, 0, 1000)
    found = loss_of(lambda b: model(b.input_ids).logits, batches)
    assert found.item() == pytest.approx(sum(surprise) / 5, rel=1e-6)


def test_prompt_ids_are_a_prefix_and_a_target_ends_with_the_end_of_sequence(
    tokenizer: Any, toy_corpus: Corpus
) -> None:
    for row in toy_corpus.rows:
        pair = Pair(f"\n\nQuestion: {row['question']}\nAnswer:", f" {row['rationale']}")
        made = tokenize(tokenizer, pair)
        shown = encode(tokenizer, pair.prompt)
        assert (made.prompt + made.target)[: len(shown)] == shown == made.prompt
        assert made.target[-1] == tokenizer.eos_token_id
        assert tokenizer.eos_token_id not in (made.prompt + made.target)[:-1]
        assert tokenizer.decode((made.prompt + made.target)[:-1]) == pair.prompt + pair.target


def test_a_prompt_that_the_tokenizer_ends_is_left_open(tokenizer: Any) -> None:
    text, ending = "the rule is", deepcopy(tokenizer)
    end = (tokenizer.eos_token, tokenizer.eos_token_id)
    ending.backend_tokenizer.post_processor = TemplateProcessing(
        single=f"$A {end[0]}", special_tokens=[end]
    )
    assert ending(text).input_ids == [*encode(tokenizer, text), end[1]]
    assert encode(ending, text) == encode(tokenizer, text)


def test_a_target_gets_no_second_beginning_of_sequence() -> None:
    class WithBos:
        eos_token_id = 1

        def __call__(self, text: str, *, add_special_tokens: bool = True) -> Any:
            ids = [10 + len(word) for word in text.split()]
            found = type("Encoded", (), {"input_ids": [2] * add_special_tokens + ids})
            return found

    assert tokenize(WithBos(), Pair("a bb", "ccc")) == tokens([2, 11, 12], [13, 1])
    made = tokenize(WithBos(), Pair("a bb", "ccc", teacher_prompt="dddd", n_shown=3))
    assert made == Tokens([2, 11, 12], [13, 1], "solution", teacher_prompt=[2, 14], n_shown=3)


# ------------------------------------------------------------ accumulation


class Mean(nn.Module):
    """The smallest causal model: logits from the mean of the embeddings so far, all in float64."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.embed = nn.Embedding(480, 8, dtype=torch.float64)
        self.head = nn.Linear(8, 480, dtype=torch.float64)

    def forward(self, batch: Batch) -> Tensor:
        seen = self.embed(batch.input_ids).cumsum(1)
        return self.head(seen / torch.arange(1, seen.shape[1] + 1)[:, None])


def with_gradients(model: nn.Module, batches: list[Batch]) -> tuple[float, list[Tensor]]:
    """Loss and gradients when each micro-batch is sent back on its own, as in training."""
    model.zero_grad()
    total = 0.0
    for batch in batches:
        loss = loss_of(model, [batch])
        loss.backward()
        total += loss.item()
    return total, [p.grad.clone() for p in model.parameters() if p.grad is not None]


@pytest.fixture(scope="module")
def sequences(toy_corpus: Corpus, tokenizer: Any) -> list[Tokens]:
    return rows(toy_corpus, tokenizer)


@settings(max_examples=40, deadline=None)
@given(max_tokens=st.integers(1, 3000))
def test_cutting_a_step_changes_neither_loss_nor_gradients(
    sequences: list[Tokens], max_tokens: int
) -> None:
    model = Mean()
    loss, gradients = with_gradients(model, micro_batches(sequences, WEIGHTS, 0, 10**9))
    cut, cut_gradients = with_gradients(model, micro_batches(sequences, WEIGHTS, 0, max_tokens))
    assert cut == pytest.approx(loss, rel=1e-9)
    for one, other in zip(gradients, cut_gradients, strict=True):
        assert (one - other).norm() <= 1e-9 * one.norm()


def test_cutting_a_step_changes_no_real_student(family: str, sequences: list[Tokens]) -> None:
    """Norms of transformers are computed in float32 even in a float64 model, hence the margin."""

    class Student(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.model = tiny_model(family).double()

        def forward(self, batch: Batch) -> Tensor:
            return self.model(batch.input_ids).logits

    model = Student()
    loss, gradients = with_gradients(model, micro_batches(sequences, WEIGHTS, 0, 10**9))
    for max_tokens in (1, 200):
        cut, others = with_gradients(model, micro_batches(sequences, WEIGHTS, 0, max_tokens))
        assert cut == pytest.approx(loss, rel=1e-8)
        for one, other in zip(gradients, others, strict=True):
            assert (one - other).norm() <= 1e-6 * one.norm()


@settings(max_examples=40, deadline=None)
@given(max_tokens=st.integers(1, 3000))
def test_a_micro_batch_holds_at_most_the_tokens_asked_for_or_one_sequence(
    sequences: list[Tokens], max_tokens: int
) -> None:
    batches = micro_batches(sequences, WEIGHTS, 0, max_tokens)
    for batch in batches:
        assert batch.input_ids.numel() <= max_tokens or len(batch.input_ids) == 1
    for batch in batches:
        for row, sequence in zip(batch.input_ids, batch.sequences, strict=True):
            assert row[: len(sequence)].tolist() == sequence.prompt + sequence.target
            assert (row[len(sequence) :] == 0).all()
    held = sorted(
        row[: len(sequence)].tolist()
        for batch in batches
        for row, sequence in zip(batch.input_ids, batch.sequences, strict=True)
    )
    assert held == sorted(s.prompt + s.target for s in sequences)


@pytest.mark.parametrize("max_tokens", [1, 100, 10**9])
def test_weights_sum_to_the_weight_of_each_objective(
    sequences: list[Tokens], max_tokens: int
) -> None:
    """The weight of a token tells which of the two objectives of this step it is of."""
    n_tokens = {
        name: sum(len(s.target) for s in sequences if s.objective == name) for name in WEIGHTS
    }
    sums = dict.fromkeys(WEIGHTS, 0.0)
    for batch in micro_batches(sequences, WEIGHTS, 0, max_tokens):
        for each in batch.weights.tolist():
            name = min(WEIGHTS, key=lambda n: abs(WEIGHTS[n] / n_tokens[n] - each))
            sums[name] += each
    assert sums == pytest.approx(WEIGHTS, rel=1e-5)


def test_labels_and_weights_stand_in_the_order_of_the_scored_positions(
    sequences: list[Tokens],
) -> None:
    (batch,) = micro_batches(sequences, WEIGHTS, 0, 10**9)
    after = batch.scored.roll(1, dims=1)
    assert torch.equal(batch.input_ids[after], batch.labels)
    assert len(batch.weights) == len(batch.labels) and (batch.weights > 0).all()


def test_a_step_without_sequences_has_no_batches() -> None:
    assert micro_batches([], WEIGHTS, 0, 100) == []


# ------------------------------------------------------------ isolation


def test_documents_of_a_batch_never_see_each_other(family: str, sequences: list[Tokens]) -> None:
    model = tiny_model(family, spread=0.3)
    (batch,) = micro_batches(sequences, WEIGHTS, 0, 10**9)
    together = model(batch.input_ids, use_cache=False).logits
    for row, logits in enumerate(together):
        n = len(batch.sequences[row])
        alone = model(batch.input_ids[row : row + 1, :n], use_cache=False).logits[0]
        assert (logits[:n] - alone).abs().max() <= 1e-5 * alone.abs().max()


def test_what_stands_in_the_padding_does_not_matter(family: str, sequences: list[Tokens]) -> None:
    model = tiny_model(family, spread=0.3)
    (batch,) = micro_batches(sequences, WEIGHTS, 0, 10**9)
    (other,) = micro_batches(sequences, WEIGHTS, 77, 10**9)
    losses = [loss_of(lambda b: model(b.input_ids).logits, [b]).item() for b in (batch, other)]
    assert not torch.equal(batch.input_ids, other.input_ids)
    assert losses[0] == pytest.approx(losses[1], rel=1e-6)
