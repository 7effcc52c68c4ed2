"""A teacher that is a local model: its template, its draws, its batches."""

import asyncio
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from bench.__main__ import main
from bench.teacher.journal import Reply, Sampling, StoppedError
from bench.teacher.model import Draw, LocalTeacher
from bench.track import ConfigError
from tests.teacher_server import make_model

PROMPTS = ["one", "two and more", "three, which is longer than two"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_model(tmp_path_factory.mktemp("model") / "tiny")


def ask(
    folder: Path,
    prompts: list[str],
    *,
    seed: int = 1,
    temperature: float = 0.8,
    batch_size: int = 8,
) -> list[Reply]:
    teacher = LocalTeacher(folder, Sampling(temperature, 12), batch_size)

    async def all_of_them() -> list[Reply]:
        await teacher.greet()
        return list(await asyncio.gather(*(teacher.ask(prompt, seed) for prompt in prompts)))

    found = asyncio.run(all_of_them())
    assert all(reply.logprob is not None and reply.logprob < 0 for reply in found)
    # Sums of floats depend on the shape of a batch.
    return [replace(reply, logprob=None) for reply in found]


def test_a_reply_depends_on_prompt_and_seed_and_not_on_its_batch(folder: Path) -> None:
    together = ask(folder, PROMPTS)
    assert together == [ask(folder, [prompt])[0] for prompt in PROMPTS]
    assert together == ask(folder, PROMPTS, batch_size=2)
    assert together != ask(folder, PROMPTS, seed=2)


def test_without_temperature_it_is_the_models_own_greedy_text(folder: Path) -> None:
    from transformers import AutoModelForCausalLM, AutoTokenizer

    tokenizer: Any = AutoTokenizer.from_pretrained(folder)
    model: Any = AutoModelForCausalLM.from_pretrained(folder)
    (found,) = ask(folder, PROMPTS[:1], temperature=0)
    ids = tokenizer("user: one\nassistant: ", return_tensors="pt").input_ids
    out = model.generate(ids, max_new_tokens=12, do_sample=False)[0, ids.shape[1] :]
    assert found.text == tokenizer.decode(out, skip_special_tokens=True)
    assert (found.prompt_tokens, found.completion_tokens) == (ids.shape[1], len(out))
    assert found.finish == "length" and not found.estimated


def test_without_a_chat_template_the_prompt_is_plain(tmp_path: Path) -> None:
    folder = make_model(tmp_path / "plain", chat=False)
    assert ask(folder, ["seven b"])[0].prompt_tokens == 7


def test_a_text_to_go_on_with_leaves_the_template_of_a_chat_aside(folder: Path) -> None:
    teacher = LocalTeacher(folder, Sampling(0.8, 12), 8, plain=True)
    assert asyncio.run(teacher.ask("seven b", 1)).prompt_tokens == 7


def test_a_text_ends_before_a_stop_string_or_an_end_and_is_no_cut(folder: Path) -> None:
    (whole,) = ask(folder, ["one"])
    stop = whole.text[3]
    teacher = LocalTeacher(folder, Sampling(0.8, 12, stop=(stop,)), 1)
    found = asyncio.run(teacher.ask("one", 1))
    assert whole.finish == "length" and found.finish == "stop"
    assert found.text == whole.text.partition(stop)[0]


def test_the_probability_of_a_text_is_that_of_its_tokens_before_they_were_drawn() -> None:
    steps = [torch.tensor([[0.0, 1.0, 2.0], [3.0, 1.0, 0.0]]), torch.tensor([[0.5, 0.0, 1.0]])]
    draw = Draw([1, 2], Sampling(0.5, 2, top_p=0.9), torch.device("cpu"))
    first, second = draw(steps[0], [0, 1]), draw(steps[1], [1])
    scores = [step.log_softmax(-1) for step in steps]
    assert draw.logprobs[0] == pytest.approx(float(scores[0][0, first[0]]))
    both = scores[0][1, first[1]] + scores[1][0, second[0]]
    assert draw.logprobs[1] == pytest.approx(float(both))


def draws(logits: torch.Tensor, sampling: Sampling, n: int = 4000) -> torch.Tensor:
    draw = Draw(range(n), sampling, torch.device("cpu"))
    drawn = draw(logits.expand(n, len(logits)), range(n))
    return torch.bincount(drawn, minlength=len(logits)) / n


def test_draws_follow_the_softmax_at_the_temperature() -> None:
    scores = torch.tensor([0.0, 1.0, 2.0])
    for temperature in (0.5, 1.0):
        found = draws(scores, Sampling(temperature, 1))
        assert torch.allclose(found, (scores / temperature).softmax(-1), atol=0.03)


def test_the_least_likely_beyond_top_p_are_never_drawn() -> None:
    likely = torch.tensor([0.5, 0.3, 0.15, 0.05])
    found = draws(likely.log(), Sampling(1.0, 1, top_p=0.7))
    assert torch.allclose(found, torch.tensor([0.625, 0.375, 0, 0]), atol=0.03)


def test_a_prompt_that_does_not_fit_is_told(folder: Path) -> None:
    with pytest.raises(StoppedError, match="do not fit the model's context of 4096: lower --max"):
        ask(folder, ["x" * 4090])


def test_a_folder_without_a_model_is_told(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"no config\.json there"):
        LocalTeacher(tmp_path, Sampling(0.8, 12), 1)
    (tmp_path / "config.json").write_text("{}")
    with pytest.raises(ConfigError, match="cannot be loaded"):
        ask(tmp_path, ["x"])


def test_the_command_asks_a_local_model_once(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A random model is never right: all is asked and journalled, and no corpus is written."""
    out = tmp_path / "made.jsonl"
    words = ["--track", "pocket-100", "--teacher", str(folder), "--out", str(out)]
    command = ["corpus", "build", *words, "--limit", "3", "--max-tokens", "8", "--rationales", "2"]
    lines = []
    for _ in range(2):
        assert main(command) == 1
        said = capsys.readouterr()
        assert "requests: rationale 6" in said.out and "no question has a row" in said.err
        lines.append((tmp_path / "made.journal.jsonl").read_text().splitlines())
    assert lines[0] == lines[1] and len(lines[0]) == 7
    settings = json.loads(lines[0][0])["settings"]
    assert settings["model"] == "tiny" and len(settings["model_sha256"]) == 64
    texts = {json.loads(line)["text"] for line in lines[0][1:]}
    assert len(texts) == 6, "samples of one question differ"
