"""Soft targets: a teacher's logits before each target token, and the loss is T^2 x KL."""

import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import pytest
import torch
from conftest import tiny_model
from torch import Tensor
from transformers import AutoConfig, AutoModelForCausalLM

from bench import registry
from bench.batch import Batch, Tokens, micro_batches, tokenize
from bench.corpora import attach
from bench.corpora.corpus import Corpus
from bench.losses import soft_token_loss, token_loss, weighted_sum
from bench.training.logits import of_one_width, scored_logits, teacher_logits

HAND_MADE = [
    # The teacher's prompt is longer, as long as, and shorter than the student's.
    Tokens([5, 6, 7], [8, 9, 1], "solution", teacher_prompt=[20, 21, 22, 23, 24, 25]),
    Tokens([5, 9, 8, 7, 30, 31], [10, 1], "solution", teacher_prompt=[6, 6, 6, 6, 6, 6]),
    Tokens([6, 7, 40, 41], [11, 12, 13, 14, 1], "solution", teacher_prompt=[17]),
]


def batch_of(sequences: Sequence[Tokens]) -> Batch:
    (batch,) = micro_batches(sequences, {"solution": 1.0}, 0, 10**9)
    return batch


def test_a_teacher_of_the_same_tokenizer_may_be_padded_to_another_vocabulary() -> None:
    student, teacher = torch.randn(4, 10), torch.randn(4, 12)
    for sides in ((student, teacher), (teacher, student)):
        cut = of_one_width(*sides)
        expected = soft_token_loss(sides[0][:, :10], sides[1][:, :10], temperature=2.0)
        assert torch.equal(soft_token_loss(*cut, temperature=2.0), expected)


# ------------------------------------------------------------ where they stand


def test_scored_logits_are_those_of_the_whole_sequence_at_the_marked_places(family: str) -> None:
    model, batch = tiny_model(family, spread=0.3), batch_of(HAND_MADE)
    found = scored_logits(model, batch.input_ids, batch.scored)
    whole = model(input_ids=batch.input_ids).logits
    assert found.shape == (len(batch.labels), whole.shape[-1])
    assert torch.allclose(found, whole[batch.scored], atol=1e-6)
    # The output layer is as it was.
    assert torch.equal(model(input_ids=batch.input_ids).logits, whole)


def test_scored_logits_have_the_gradients_of_the_whole_sequence(family: str) -> None:
    model, batch = tiny_model(family, spread=0.3), batch_of(HAND_MADE)
    gradients = list[list[Tensor]]()
    for logits in (
        scored_logits(model, batch.input_ids, batch.scored),
        model(input_ids=batch.input_ids).logits[batch.scored],
    ):
        model.zero_grad()
        token_loss(logits, batch.labels).sum().backward()
        gradients.append([p.grad.clone() for p in model.parameters() if p.grad is not None])
    for one, other in zip(*gradients, strict=True):
        assert torch.allclose(one, other, rtol=1e-4, atol=1e-6)


def test_what_an_architecture_does_to_its_logits_is_done_to_the_scored_ones() -> None:
    config = AutoConfig.for_model(
        "gemma2",
        **{"vocab_size": 64, "hidden_size": 16, "intermediate_size": 32, "num_hidden_layers": 2},
        **{"num_attention_heads": 2, "num_key_value_heads": 2, "head_dim": 8},
        final_logit_softcapping=0.01,
    )
    torch.manual_seed(0)
    model, batch = AutoModelForCausalLM.from_config(config).eval(), batch_of(HAND_MADE)
    found = scored_logits(model, batch.input_ids, batch.scored)
    assert found.abs().max() <= 0.01
    whole = model(input_ids=batch.input_ids).logits[batch.scored]
    assert torch.allclose(found, whole, atol=1e-6)


def test_teacher_logits_stand_before_every_target_token_and_need_no_gradient(family: str) -> None:
    batch = batch_of(HAND_MADE)
    found = teacher_logits(tiny_model(family, spread=0.3), batch)
    assert len(found) == len(batch.labels) == sum(len(s.target) for s in HAND_MADE)
    assert not found.requires_grad


def test_they_are_those_of_the_teacher_that_reads_its_own_prompt_and_the_target_alone(
    family: str,
) -> None:
    teacher, batch = tiny_model(family, spread=0.3), batch_of(HAND_MADE)
    found = teacher_logits(teacher, batch)
    assert len(batch.sequences) == len(HAND_MADE)
    seen = [s.teacher_prompt + s.target[:n] for s in batch.sequences for n in range(len(s.target))]
    for row, ids in zip(found, seen, strict=True):
        alone = teacher(torch.tensor([ids])).logits[0, -1]
        assert (row - alone).abs().max() <= 1e-5 * alone.abs().max()


def test_a_teacher_that_reads_the_same_prompt_gives_what_the_student_gives(family: str) -> None:
    model = tiny_model(family, spread=0.3)
    batch = batch_of([replace(s, teacher_prompt=s.prompt) for s in HAND_MADE])
    own = scored_logits(model, batch.input_ids, batch.scored)
    torch.testing.assert_close(teacher_logits(model, batch), own, rtol=0, atol=1e-5)


# ------------------------------------------------------------ the loss


def logits_of(*probabilities: float, temperature: float = 1.0) -> Tensor:
    """Logits (1, V) that soften to these probabilities."""
    return temperature * torch.tensor(probabilities).log()[None]


@pytest.mark.parametrize("temperature", [1.0, 2.0, 5.0])
def test_the_loss_is_the_divergence_of_the_student_from_the_teacher_times_t_squared(
    temperature: float,
) -> None:
    teacher = logits_of(1 / 4, 3 / 4, temperature=temperature)
    student = logits_of(1 / 2, 1 / 2, temperature=temperature)
    divergence = math.log(1 / 2) / 4 + math.log(3 / 2) * 3 / 4
    found = soft_token_loss(student, teacher, temperature=temperature)
    assert found.item() == pytest.approx(temperature**2 * divergence, rel=1e-5)
    back = math.log(2) / 2 + math.log(2 / 3) / 2
    turned = soft_token_loss(teacher, student, temperature=temperature)
    assert turned.item() == pytest.approx(temperature**2 * back, rel=1e-5)


@pytest.mark.parametrize("temperature", [1.0, 3.0])
def test_the_gradient_is_t_times_the_difference_of_the_softened_probabilities(
    temperature: float,
) -> None:
    torch.manual_seed(0)
    student, teacher = torch.randn(6, 7, requires_grad=True), torch.randn(6, 7)
    soft_token_loss(student, teacher, temperature=temperature).sum().backward()
    p, q = ((logits / temperature).softmax(-1) for logits in (teacher, student.detach()))
    expected = temperature * (q - p)
    assert student.grad is not None and torch.allclose(student.grad, expected, atol=1e-6)


def test_equal_logits_cost_nothing_and_others_something() -> None:
    torch.manual_seed(0)
    student, teacher = torch.randn(8, 9), torch.randn(8, 9)
    assert soft_token_loss(student, student, temperature=2.0).abs().max() < 1e-6
    found = soft_token_loss(student, teacher, temperature=2.0)
    assert found.shape == (8,) and (found > 0).all()
    # A shift of all logits is no other distribution.
    shifted = soft_token_loss(student + 3, teacher - 2, temperature=2.0)
    assert torch.allclose(found, shifted, atol=1e-5)


# ------------------------------------------------------------ methods that read them


@pytest.fixture
def taught(toy_corpus: Corpus, tokenizer: Any) -> Callable[[str], Batch]:
    """A batch of a method's pairs on four examples."""

    def make(label: str) -> Batch:
        method = registry.configure_named(label)
        examples = attach.examples(toy_corpus, method.needs, 0)[:4]
        pairs = [pair for example in examples for pair in method.pairs(example, 0.0)]
        return batch_of([tokenize(tokenizer, pair) for pair in pairs])

    return make


def loss(label: str, logits: Tensor, batch: Batch, teacher: Tensor) -> float:
    method = registry.configure_named(label)
    return method.loss(logits, replace(batch, teacher_logits=teacher)).item()


def test_context_distillation_costs_nothing_once_the_student_writes_as_if_it_had_read(
    family: str, taught: Callable[[str], Batch]
) -> None:
    model, batch = tiny_model(family, spread=0.3), taught("context_distillation")
    own = scored_logits(model, batch.input_ids, batch.scored)
    told = teacher_logits(model, batch)
    blind = tuple(replace(s, teacher_prompt=s.prompt) for s in batch.sequences)
    untold = teacher_logits(model, replace(batch, sequences=blind))
    assert loss("context_distillation", own, batch, untold) == pytest.approx(0, abs=1e-6)
    assert loss("context_distillation", told, batch, told) == pytest.approx(0, abs=1e-6)
    assert loss("context_distillation", own, batch, told) > 1e-3


def test_its_teacher_reads_the_knowledge_and_the_student_does_not(
    taught: Callable[[str], Batch], toy_corpus: Corpus, tokenizer: Any
) -> None:
    for sequence in taught("context_distillation").sequences:
        own, other = map(tokenizer.decode, (sequence.prompt, sequence.teacher_prompt))
        (row,) = (r for r in toy_corpus.rows if f"Question: {r['question']}\n" in own)
        assert row["supplementary"] in other and row["supplementary"] not in own
        assert other.endswith(own[own.index("\n\nQuestion:") :])


def test_hinton_kd_mixes_hard_and_soft_targets_by_its_weight(
    taught: Callable[[str], Batch],
) -> None:
    batch = taught("hinton_kd")
    student, other = tiny_model("llama", spread=0.3), tiny_model("llama", spread=0.3, seed=1)
    own = scored_logits(student, batch.input_ids, batch.scored)
    teacher = teacher_logits(other, batch)
    hard = weighted_sum(token_loss(own, batch.labels), batch.weights).item()
    soft = soft_token_loss(own, teacher, temperature=2.0)
    soft_mean = weighted_sum(soft, batch.weights).item()
    found = loss("hinton_kd[soft_weight=0.25]", own, batch, teacher)
    assert found == pytest.approx(0.75 * hard + 0.25 * soft_mean, rel=1e-5)
    assert loss("hinton_kd[soft_weight=0.0]", own, batch, teacher) == pytest.approx(hard, rel=1e-6)
    assert loss("hinton_kd[soft_weight=1.0]", own, batch, own) == pytest.approx(0, abs=1e-6)
