"""A teacher that is a local model: its template, its draws, its batches."""

import asyncio
import json
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

    return asyncio.run(all_of_them())


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


def test_the_end_of_a_text_is_no_cut_and_no_part_of_it(folder: Path) -> None:
    teacher = LocalTeacher(folder, Sampling(0.8, 12), 1)
    found = teacher._reply([75, 76, 1, 0, 0], {1}, 9)
    assert (found.finish, found.completion_tokens, len(found.text)) == ("stop", 3, 2)
    assert teacher._reply([75, 76], {1}, 9).finish == "length"


def test_draws_follow_the_softmax_at_the_temperature() -> None:
    scores = torch.tensor([0.0, 1.0, 2.0])
    for temperature in (0.5, 1.0):
        draw = Draw(range(4000), temperature, torch.device("cpu"))
        drawn = draw(torch.empty(0), scores.expand(4000, 3)).argmax(-1)
        found = torch.bincount(drawn, minlength=3) / 4000
        assert torch.allclose(found, (scores / temperature).softmax(-1), atol=0.03)


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
