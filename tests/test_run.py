"""A whole cell on a student from random weights: done once, found again, and survived."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from bench.__main__ import main
from bench.batch import encode
from bench.run import evaluate, fit, stages
from bench.students import student as students
from bench.students.student import Student
from bench.track import ConfigError, Scratch
from bench.track import Student as Spec
from bench.training import checkpoint
from bench.training import train as training
from bench.training.progress import Progress
from tests.tracks import toy_track

TRACK = toy_track(training={"checkpoint_steps": 1})


class Killed(BaseException):
    """As a kill -9."""


@pytest.fixture
def command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Callable[..., Any]:
    path = tmp_path / "own.toml"
    path.write_text(TRACK)

    def command(method: str = "std_cot") -> Any:
        assert main(["run", str(path), "--methods", method, "--limit", "3", "--json"]) == 0
        return json.loads(capsys.readouterr().out)

    return command


def outcomes(home: Path) -> list[Any]:
    (path,) = (home / "records").rglob("*.json")
    record = json.loads(path.read_text())
    kept = ("data_sets", "snapshot", "scope", "label", "seed")
    measured = ("seconds", "peak_memory_bytes")
    steps = {k: v for k, v in record["training"].items() if k not in measured}
    return [{key: record[key] for key in kept}, steps]


def test_the_same_command_again_finds_everything_done(
    command: Callable[..., Any], home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = command()
    assert [row["method"] for row in first] == ["std_cot"]
    monkeypatch.setattr(stages, "_make_record", lambda _, **how: pytest.fail("made again"))
    assert command() == first
    assert outcomes(home)[0]["scope"]["limit"] == 3
    assert outcomes(home)[1]["n_steps"] == 3


def test_keys_are_of_the_device_that_does_the_work_and_no_other_does_it(
    command: Callable[..., Any], home: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("SKBENCH_DEVICE", "cuda")
    words = ["run", str(tmp_path / "own.toml"), "--limit", "3"]
    monkeypatch.setattr(students, "device", lambda: torch.device("cpu"))
    assert main(words) == 2 and not list(home.rglob("seed*.json"))
    monkeypatch.delenv("SKBENCH_DEVICE")
    command()
    (record,) = home.rglob("seed*.json")
    monkeypatch.setenv("SKBENCH_DEVICE", "cpu")
    monkeypatch.setattr(students, "device", lambda: torch.device("cuda"))
    monkeypatch.setattr(stages, "_make_record", lambda _, **how: pytest.fail("made again"))
    assert main(words) == 0 and record.is_file()


def test_the_student_that_answers_reads_with_the_tokenizer_it_was_trained_with(
    command: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[list[int]] = []
    for module, name in ((fit, "train"), (evaluate, "evaluate")):
        real = getattr(module, name)

        def watched(*args: Any, real: Any = real, **options: Any) -> Any:
            (student,) = (each for each in args if isinstance(each, Student))
            seen.append(encode(student.tokenizer, "Therefore, the answer is"))
            return real(*args, **options)

        monkeypatch.setattr(module, name, watched)
    command()
    assert len(seen) == 2 and seen[0] == seen[1]
    assert len(seen[0]) < len("Therefore, the answer is")


@pytest.mark.parametrize("stage", ["training", "weights", "evaluation"])
def test_a_killed_command_goes_on_and_scores_as_if_it_had_not_been(
    stage: str,
    command: Callable[..., Any],
    home: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    command()
    expected = outcomes(home)
    monkeypatch.setenv("SKBENCH_HOME", str(tmp_path / "second"))

    def killed(*_: Any, **__: Any) -> Any:
        raise Killed

    with monkeypatch.context() as patch:
        if stage == "training":
            patch.setattr(training, "clock", ClockThatKills(5))
        elif stage == "weights":
            patch.setattr(fit, "write_atomically", killed)
        else:
            patch.setattr(evaluate, "evaluate", killed)
        with pytest.raises(Killed):
            command()
    assert not list((tmp_path / "second").rglob("seed0-limit3.json"))
    command()
    assert outcomes(tmp_path / "second") == expected


class ClockThatKills:
    """Shows 0.0 until it is read for the `n`-th time."""

    def __init__(self, n: int) -> None:
        self._left = n

    def __call__(self) -> float:
        self._left -= 1
        if not self._left:
            raise Killed
        return 0.0


def test_training_is_not_done_again_where_only_the_evaluation_was_lost(
    command: Callable[..., Any], home: Path
) -> None:
    command()
    expected = outcomes(home)
    (path,) = (home / "records").rglob("*.json")
    path.unlink()
    (report,) = home.rglob("trained.json")
    report.write_text(json.dumps(json.loads(report.read_text()) | {"peak_memory_bytes": 10**15}))
    command()
    assert outcomes(home) == expected
    assert json.loads(path.read_text())["latency"]["peak_memory_bytes"] == 10**15, "trained again"


def test_a_method_that_only_prompts_is_not_trained(
    command: Callable[..., Any], home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fit, "train", lambda *_, **__: pytest.fail("trained"))
    command("zero_shot")
    assert outcomes(home)[1]["n_steps"] == 0 == outcomes(home)[1]["tokens"]


def test_a_student_from_scratch_is_decided_by_its_seed(home: Path) -> None:
    shape: dict[str, Any] = {
        "model_type": "llama",
        "hidden_size": 16,
        "intermediate_size": 16,
        "num_hidden_layers": 1,
        "num_attention_heads": 2,
    }
    spec = Spec(scratch=Scratch(shape, 300))

    def weight(seed: int) -> torch.Tensor:
        student = students.load(spec, texts=["red blue"] * 5, home=home, seed=seed)
        assert student.model.config.vocab_size == len(student.tokenizer)
        assert student.model.config.eos_token_id == student.tokenizer.eos_token_id
        return student.model.get_input_embeddings().weight

    assert torch.equal(weight(0), weight(0)) and not torch.equal(weight(0), weight(1))


def test_a_training_that_was_cut_off_does_not_go_on_with_another_revision(tmp_path: Path) -> None:
    weights = {"w": torch.zeros(2)}
    optimizer = torch.optim.AdamW(list(weights.values()))
    (tmp_path / checkpoint.LOG).touch()
    checkpoint.keep(tmp_path, weights, optimizer, Progress(step=2), 3, revision="abc")
    folder = checkpoint.newest(tmp_path)
    assert folder is not None
    assert checkpoint.revive(folder, weights, optimizer, revision="abc").step == 2
    with pytest.raises(ConfigError, match="at revision abc, which is at def now"):
        checkpoint.revive(folder, weights, optimizer, revision="def")


def test_a_run_does_not_go_on_with_another_revision_of_its_student(
    command: Callable[..., Any], home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command()
    (report,) = home.rglob("trained.json")
    spent = json.loads(report.read_text())
    assert spent["student_revision"] is None
    report.write_text(json.dumps(spent | {"student_revision": "abc"}))
    for path in (home / "records").rglob("*.json"):
        path.unlink()
    words = ["run", str(tmp_path / "own.toml"), "--methods", "std_cot", "--limit", "3"]
    assert main(words) == 2
    assert "trained on abc" in capsys.readouterr().err
