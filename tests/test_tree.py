"""A prefix tree computes what every sequence would alone, and no token twice."""

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import pytest
import torch
from conftest import tiny_model
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor
from transformers import AutoConfig, AutoModelForCausalLM

from bench.batch import Batch, Tokens, micro_batches
from bench.losses import token_loss, weighted_sum
from bench.students.student import Student, adapt, recompute_activations
from bench.training.logits import scored_logits, target_logits, teacher_logits
from bench.training.tree import Tree, grows, tree_logits

ROWS = [
    [5, 6, 7, 8, 9],
    [5, 6, 7, 30, 31, 32],
    [5, 6, 7, 30, 31, 33, 34],
    [5, 6, 7],  # what others begin with
    [5, 6, 7, 30, 31, 32],  # a double
    [40, 41, 42],
    [50],
    [5, 60],
]
SHAPE = {
    **{"vocab_size": 128, "hidden_size": 32, "intermediate_size": 48, "num_hidden_layers": 2},
    **{"num_attention_heads": 4, "num_key_value_heads": 2, "max_position_embeddings": 64},
    "initializer_range": 0.3,
}
# Few letters, so that many begin alike.
few_letters = st.lists(st.lists(st.integers(2, 4), min_size=1, max_size=8), min_size=1, max_size=7)


def model_of(kind: str, **more: Any) -> Any:
    torch.manual_seed(0)
    return AutoModelForCausalLM.from_config(AutoConfig.for_model(kind, **SHAPE | more)).eval()


def in_tree(model: Any, rows: Sequence[list[int]]) -> list[Tensor]:
    """Logits (T, V) after every token of each row."""
    tree = Tree.of(rows)
    places = torch.tensor([place for path in tree.paths for place in path])
    return list(tree_logits(model, tree, places).split([len(row) for row in rows]))


def alone(model: Any, row: list[int]) -> Tensor:
    return model(input_ids=torch.tensor([row])).logits[0]


@settings(max_examples=60, deadline=None)
@given(rows=few_letters)
def test_every_sequence_gets_the_logits_that_it_gets_alone(rows: list[list[int]]) -> None:
    model = tiny_model("llama", spread=0.3)
    for row, found in zip(rows, in_tree(model, rows), strict=True):
        expected = alone(model, row)
        assert (found - expected).abs().max() <= 1e-5 * expected.abs().max()


@settings(max_examples=200, deadline=None)
@given(rows=few_letters)
def test_a_token_stands_once_for_all_that_begin_with_it(rows: list[list[int]]) -> None:
    tree = Tree.of(rows)
    assert len(tree.ids) == len({tuple(row[: n + 1]) for row in rows for n in range(len(row))})
    assert sum(tree.pieces) == sum(branch.n for branch in tree.branches) == len(tree.ids)
    for row, path in zip(rows, tree.paths, strict=True):
        assert [tree.ids[place] for place in path] == row
        assert [tree.positions[place] for place in path] == list(range(len(row)))


@pytest.mark.parametrize("kind", ["llama", "qwen2", "qwen3", "mistral", "gpt_neox", "olmo2", "phi"])
def test_architectures_that_can_read_a_tree_hand_it_down_to_their_attention(kind: str) -> None:
    model = model_of(kind, **{"sliding_window": None} if kind == "mistral" else {})
    assert grows(model)
    for row, found in zip(ROWS, in_tree(model, ROWS), strict=True):
        expected = alone(model, row)
        assert (found - expected).abs().max() <= 1e-5 * expected.abs().max()


def test_what_looks_elsewhere_than_at_all_before_it_reads_no_tree() -> None:
    assert not grows(tiny_model("lfm2"))
    assert not grows(model_of("mistral", sliding_window=4))
    assert not grows(model_of("gemma2", head_dim=8))
    assert model_of("nemotron")._supports_attention_backend
    assert not grows(model_of("nemotron")), "its layers do not hand a tree down"
    eager = model_of("llama")
    eager.set_attn_implementation("eager")
    assert not grows(eager)


# ------------------------------------------------------------ in training


def batch_of(rows: Sequence[list[int]]) -> Batch:
    """All of a row but its first token is target; its teacher read something longer."""
    sequences = [Tokens(row[:1], row[1:], "solution", [9, 8, *row[:1]]) for row in rows if row[1:]]
    (batch,) = micro_batches(sequences, {"solution": 1.0}, 0, 10**9, shared=True)
    return batch


def gradients(model: Any, logits: Tensor, batch: Batch) -> list[Tensor]:
    model.zero_grad()
    weighted_sum(token_loss(logits, batch.labels), batch.weights).backward()
    return [p.grad.clone() for p in model.parameters() if p.grad is not None]


@pytest.mark.parametrize("checkpointing", [False, True])
@pytest.mark.parametrize("rank", [None, 4])
def test_a_tree_has_the_gradients_of_padded_rows(
    rank: int | None, checkpointing: bool, tokenizer: Any
) -> None:
    student = adapt(Student(tiny_model("llama", spread=0.3), tokenizer), rank, rank, seed=0)
    model, batch = student.model.train(), batch_of(ROWS)
    assert grows(model)
    padded = gradients(model, scored_logits(model, batch.input_ids, batch.scored), batch)
    if checkpointing:
        recompute_activations(student)
    found = gradients(model, target_logits(model, batch), batch)
    assert len(found) == len(padded) > 0
    for one, other in zip(found, padded, strict=True):
        assert torch.allclose(one, other, rtol=1e-4, atol=1e-6)


def test_a_teachers_tree_has_the_logits_of_padded_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    teacher, batch = tiny_model("llama", spread=0.3), batch_of(ROWS)
    found = teacher_logits(teacher, batch)
    monkeypatch.setattr("bench.training.logits.grows", lambda _: False)
    assert torch.allclose(found, teacher_logits(teacher, batch), atol=1e-5)


def test_no_sequence_sees_another() -> None:
    model = tiny_model("llama", spread=0.3)
    before = in_tree(model, ROWS)
    other = [*ROWS[:2], [5, 6, 7, 30, 31, 77, 78], *ROWS[3:]]
    after = in_tree(model, other)
    for k in set(range(len(ROWS))) - {2}:
        assert torch.allclose(before[k], after[k], atol=1e-6)
    assert not torch.allclose(before[2][5:], after[2][5:], atol=1e-2)


def n_distinct(rows: Sequence[list[int]]) -> int:
    return len(Tree.of(rows).ids)


@settings(max_examples=100, deadline=None)
@given(rows=few_letters, most=st.integers(1, 30))
def test_batches_for_trees_hold_at_most_the_distinct_tokens_asked_for_or_one_sequence(
    rows: list[list[int]], most: int
) -> None:
    sequences = [Tokens(row, [1], "solution", row) for row in rows]
    batches = micro_batches(sequences, {"solution": 1.0}, 0, most, shared=True)
    groups = [[s.prompt + s.target for s in batch.sequences] for batch in batches]
    assert all(n_distinct(group) <= most or len(group) == 1 for group in groups)
    assert sorted(row for group in groups for row in group) == sorted([*row, 1] for row in rows)
    # None could have taken the first sequence of the next.
    for group, following in pairwise(groups):
        assert n_distinct([*group, following[0]]) > most
