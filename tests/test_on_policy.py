"""Learning on what the student itself writes: whose texts, whose losses, and what it costs."""

import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from conftest import tiny_model
from torch.distributions import Categorical, kl_divergence

from bench import registry
from bench.batch import Tokens
from bench.corpora import attach
from bench.corpora.corpus import Corpus
from bench.costs.flops import FlopModel
from bench.losses import jsd_token_loss
from bench.run import measure
from bench.students.student import Student
from bench.track import ConfigError, Decoding, Training
from bench.training import train as training_module
from bench.training.progress import Progress, Spent
from bench.training.train import TrainingError, train

MOST, TOTAL = 6, 12
BUDGET = Training(epochs=4, batch_size=4, learning_rate=1e-2, checkpoint_steps=3)


class Killed(BaseException):
    """As a kill -9."""


@pytest.fixture
def seen(monkeypatch: pytest.MonkeyPatch) -> list[list[Tokens]]:
    """The sequences of every optimizer step."""
    real, found = training_module._Loop.step, list[list[Tokens]]()

    def step(loop: Any, at: int, sequences: Any) -> float:
        found.append(list(sequences))
        return real(loop, at, sequences)

    monkeypatch.setattr(training_module._Loop, "step", step)
    return found


@pytest.fixture
def learn(
    toy_corpus: Corpus, make_student: Callable[..., Student], tmp_path: Path
) -> Callable[..., Progress]:
    def learn(
        label: str,
        out: str = "out",
        *,
        seed: int = 3,
        most: int = MOST,
        n: int = 99,
        overflow: Any = "wrong",
        stop: Sequence[str] = (),
        **budget: Any,
    ) -> Progress:
        method = registry.configure_named(label)
        rows = attach.examples(toy_corpus, replace(method.needs, logits="none"), seed)[:n]
        return train(
            method, rows, make_student("llama", spread=0.5), replace(BUDGET, **budget),
            Decoding(max_new_tokens=most, stop=list(stop), overflow=overflow), seed=seed,
            out=tmp_path / out, total=TOTAL, teacher=tiny_model("llama", n_layers=3).eval(),
        )  # fmt: skip

    return learn


@pytest.mark.parametrize("beta", [0.1, 0.5, 0.9])
def test_the_divergence_is_that_of_the_paper(beta: float) -> None:
    own, teacher = torch.randn(2, 5, 7, generator=torch.Generator().manual_seed(0)).double()
    p, q = Categorical(logits=teacher), Categorical(logits=own)
    mixed = Categorical(probs=beta * p.probs + (1 - beta) * q.probs)
    expected = beta * kl_divergence(p, mixed) + (1 - beta) * kl_divergence(q, mixed)
    torch.testing.assert_close(jsd_token_loss(own, teacher, beta=beta), expected)
    assert jsd_token_loss(own, own, beta=beta).abs().max() < 1e-12


def test_its_ends_are_the_two_divergences_that_it_tends_to() -> None:
    own, teacher = torch.randn(2, 5, 7, generator=torch.Generator().manual_seed(0)).double()
    p, q = Categorical(logits=teacher), Categorical(logits=own)
    for beta, near, expected in (
        (0, 1e-6, kl_divergence(p, q)),
        (1, 1 - 1e-6, kl_divergence(q, p)),
    ):
        torch.testing.assert_close(jsd_token_loss(own, teacher, beta=beta), expected)
        close = jsd_token_loss(own, teacher, beta=near) / min(near, 1 - near)
        torch.testing.assert_close(close, expected, rtol=1e-4, atol=1e-4)


def test_the_students_own_texts_take_the_place_of_the_targets(
    learn: Callable[..., Progress],
    seen: list[list[Tokens]],
    make_student: Callable[..., Student],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    end, real = make_student("llama").tokenizer.eos_token_id, torch.multinomial

    def ending(shares: Any, n: int, *, generator: Any) -> Any:
        found = real(shares, n, generator=generator)
        return torch.where(torch.rand(found.shape, generator=generator) < 0.2, end, found)

    monkeypatch.setattr(torch, "multinomial", ending)
    spent = learn("on_policy_kd[sampled=1.0]")
    texts = [tokens for step in seen for tokens in step]
    assert len(texts) == 4 * TOTAL and spent.written.total() == len(texts)
    for tokens in texts:
        assert 1 <= len(tokens.target) <= MOST
        assert end not in tokens.target[:-1], "nothing is learned after the end of a text"
    assert {tokens.target[-1] == end for tokens in texts} == {True, False}, "cut ones have no end"
    assert sum(n * text for _, text, n in spent.writing) == sum(len(t.target) for t in texts)
    assert spent.tokens == sum(map(len, texts))
    assert spent.teacher_lengths == spent.lengths, "the teacher reads the very same texts"


def test_a_text_ends_where_an_answer_would(
    learn: Callable[..., Progress], seen: list[list[Tokens]], make_student: Callable[..., Student]
) -> None:
    read = make_student("llama").tokenizer.decode
    learn("on_policy_kd[sampled=1.0]", "free", most=40)
    stop = read([seen[0][0].target[5]])
    seen.clear()
    learn("on_policy_kd[sampled=1.0]", "stopped", most=40, stop=[stop])
    texts = [tokens.target for step in seen for tokens in step]
    assert not any(stop in read(text[:-1]) for text in texts), "nothing is learned after a stop"
    assert any(stop in read(text) for text in texts), "the stop itself is"


def test_only_a_share_of_the_steps_is_the_students_own(
    learn: Callable[..., Progress], seen: list[list[Tokens]]
) -> None:
    learn("on_policy_kd[sampled=0.0]", "none")
    given, seen[:] = [[t.target for t in step] for step in seen], []
    learn("on_policy_kd[sampled=0.5]", "half")
    own = [[t.target for t in step] != old for step, old in zip(seen, given, strict=True)]
    assert 2 <= sum(own) <= TOTAL - 2


def test_a_run_that_was_killed_writes_what_it_would_have_written(
    learn: Callable[..., Progress], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    whole = learn("on_policy_kd", "whole")
    real = training_module._Loop.step

    def deadly(loop: Any, at: int, sequences: Any) -> float:
        if at == 8:
            raise Killed
        return real(loop, at, sequences)

    with monkeypatch.context() as patched:
        patched.setattr(training_module._Loop, "step", deadly)
        with pytest.raises(Killed):
            learn("on_policy_kd", "killed")
    again = learn("on_policy_kd", "killed")
    assert again.losses == whole.losses and again.written == whole.written
    (one,), (other,) = (
        (tmp_path / k / "weights").glob("*.safetensors") for k in ("whole", "killed")
    )
    assert one.read_bytes() == other.read_bytes()
    assert learn("on_policy_kd", "other", seed=4).written != whole.written


def test_a_text_never_leaves_the_budget_of_tokens(
    learn: Callable[..., Progress], seen: list[list[Tokens]]
) -> None:
    learn("on_policy_kd[sampled=0.0]", "given")
    room = max(len(tokens) for step in seen for tokens in step)
    prompts = sorted({len(tokens.prompt) for step in seen for tokens in step})
    middle = prompts[len(prompts) // 2]
    assert prompts[0] < middle < prompts[-1]
    seen.clear()
    learn("on_policy_kd[sampled=1.0]", "own", most=room - middle, max_tokens=room)
    written = [tokens for step in seen for tokens in step]
    assert max(len(tokens.prompt) for tokens in written) == middle, "no room for a whole text"
    assert max(map(len, written)) <= room


def test_what_is_drawn_is_of_the_seed(
    learn: Callable[..., Progress], seen: list[list[Tokens]]
) -> None:
    firsts = list[Tokens]()
    for seed in (3, 4):
        seen.clear()
        learn("on_policy_kd[sampled=1.0]", f"seed {seed}", seed=seed, n=1)
        firsts.append(seen[0][0])
    one, other = firsts
    assert one.prompt == other.prompt and one.target != other.target


def test_a_prompt_without_room_to_write_is_counted_or_stops_the_run(
    learn: Callable[..., Progress], seen: list[list[Tokens]]
) -> None:
    spent = learn("on_policy_kd[sampled=1.0]", most=100_000)
    assert not any(seen) and spent.skipped_examples == 4 * TOTAL
    with pytest.raises(TrainingError, match="no room to write 100000 tokens"):
        learn("on_policy_kd[sampled=1.0]", "strict", most=100_000, overflow="error")


def test_what_it_wrote_is_no_right_answer(make_student: Callable[..., Student]) -> None:
    """No cross-entropy: where teacher and student agree there is nothing to learn."""
    method = registry.configure_named("on_policy_kd[sampled=1.0]")
    own = torch.randn(5, 7, requires_grad=True)
    labels, weights = torch.tensor([0, 1, 2, 3, 4]), torch.full((5,), 0.2)
    batch: Any = SimpleNamespace(teacher_logits=own.detach(), labels=labels, weights=weights)
    loss = method.loss(own, batch)
    loss.backward()
    assert own.grad is not None
    assert abs(float(loss)) < 1e-6 and float(own.grad.abs().max()) < 1e-6


def test_writing_is_counted_in_tokens_and_flops() -> None:
    spent = Spent(n_examples=1, losses=[1.0], step=1)
    spent.lengths.update([10])
    text: Any = SimpleNamespace(prompt=[0] * 4, target=[0] * 6)
    spent.add_written([text, text])
    cell: Any = SimpleNamespace(
        method=registry.configure_named("std_cot"),
        corpus=SimpleNamespace(manifest={"teacher_tokens": {"rationale": 5, "knowledge": 2}}),
    )
    flops = FlopModel(1, 5, 0, 3, 2, 0, 5)
    cost = measure._training_cost(cell, spent, flops)
    one = flops.prefill_flops(4) + flops.decode_flops(4, 6)
    assert cost.written_tokens == 12 and one > 0
    assert cost.flops == flops.training_flops([10]) + 2 * one
    assert Progress.revived(Progress(written=spent.written).plain()).writing == [(4, 6, 2)]


@pytest.mark.parametrize("field", ["sampled", "beta"])
def test_shares_beyond_one_are_refused(field: str) -> None:
    with pytest.raises(ConfigError, match="from 0 to 1"):
        registry.configure_named(f"on_policy_kd[{field}=1.5]")
    assert math.isclose(getattr(registry.configure_named("on_policy_kd"), field), 0.5)
