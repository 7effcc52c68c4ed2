"""A study of one's own in one folder, and the same from Python."""

import json
import random
import re
import shlex
import tomllib
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as parquet
import pytest
import yaml
from conftest import tiny_model

from bench import api
from bench.__main__ import main
from bench.api.callback import Judge
from bench.questions import obtain
from bench.students.student import Student
from bench.track import ConfigError, load
from leaderboard.store import board
from leaderboard.store.trials import Trial, Trials
from tests.tracks import toy_track

ROOT = Path(__file__).parent.parent
STUDY = (
    *("track.toml", "method.py", "README.md", ".gitignore", ".github/workflows/regress.yml"),
    *("corpus.jsonl", "corpus.passages.jsonl", "questions.jsonl", "questions.dev.jsonl"),
)


@pytest.fixture
def study(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that `init` made, which is where the process stands."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SKBENCH_HOME", str(tmp_path / "home"))
    monkeypatch.setattr(board, "PUBLISHED", board.PUBLISHED)
    monkeypatch.setattr(board, "IS_OWN", False)
    obtain._read.cache_clear()
    assert main(["init", "mine"]) == 0
    monkeypatch.chdir(tmp_path / "mine")
    return tmp_path / "mine"


@pytest.fixture
def toy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("SKBENCH_HOME", str(tmp_path / "home"))
    (tmp_path / "own.toml").write_text(toy_track(["std_cot", "zero_shot"]))
    return str(tmp_path / "own.toml")


def small(study: Path) -> None:
    """A student of one layer and few steps: what is tried here is not what is learned."""
    text = (study / "track.toml").read_text()
    tiny = tomllib.loads(toy_track())["student"]["scratch"]["config"]
    scratch = "[student.scratch]\nvocab_size = 400\n\n[student.scratch.config]\n"
    scratch += "".join(f"{key} = {json.dumps(value)}\n" for key, value in tiny.items())
    scratch = scratch.replace("= 512", "= 1024")
    text = re.sub(r"\[student\]\npath = .*\n", scratch, text)
    text = text.replace("max_new_tokens = 128", "max_new_tokens = 4")
    (study / "track.toml").write_text(text.replace("epochs = 16", "epochs = 1"))


def test_init_writes_a_study_that_holds_what_it_promises(study: Path) -> None:
    found = [path for path in study.rglob("*") if path.is_file()]
    assert sorted(str(path.relative_to(study)) for path in found) == sorted(STUDY)
    assert len((study / "questions.jsonl").read_text().splitlines()) == 200
    assert len((study / "corpus.jsonl").read_text().splitlines()) == 240
    assert main(["task", "check", "questions.jsonl"]) == 0
    assert main(["corpus", "check", "corpus.jsonl"]) == 0
    track = load("track.toml")
    assert track.name == "mine" and set(obtain.brought(track)) == {"questions"}
    workflow = yaml.safe_load((study / ".github/workflows/regress.yml").read_text())
    steps = [step.get("run", "") for step in workflow["jobs"]["regress"]["steps"]]
    named = [s.removesuffix(" --format github") for s in steps if s.startswith("skbench")]
    readme = (study / "README.md").read_text()
    assert len(named) == 4 and all(f"    {step}" in readme for step in named)


@pytest.mark.parametrize("name", ["pocket", "my study", 'quo"ted'])
def test_init_refuses_a_folder_whose_name_no_track_can_have(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["init", name]) == 2
    assert "the folder names the study's track" in capsys.readouterr().err
    assert not (tmp_path / name).exists()


def test_init_never_overwrites(study: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (study / "track.toml").write_text("mine")
    assert main(["init", "."]) == 2
    assert "track.toml, method.py" in capsys.readouterr().err
    assert (study / "track.toml").read_text() == "mine"


def test_run_takes_the_track_and_the_method_of_the_folder(
    study: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    small(study)
    assert main(["run", "--limit", "2"]) == 0
    told = capsys.readouterr().out
    assert all(f"| {name} " in told for name in ("method", "std_cot", "zero_shot"))


def test_run_names_a_track_only_where_there_is_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["run"]) == 2
    assert "this folder has no track.toml" in capsys.readouterr().err


def test_a_board_of_ones_own_is_kept_shown_and_guarded_beside_the_study(
    study: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    small(study)
    ours = board.PUBLISHED
    own = ["--records", "leaderboard/records"]
    assert main(["run", "--methods", "std_cot,zero_shot"]) == 0
    assert main(["board", "publish", "track.toml", *own]) == 0
    records = study / "leaderboard" / "records"
    assert sorted(path.parent.name for path in records.rglob("*.json")) == ["std_cot", "zero_shot"]
    assert "| std_cot " in (study / "README.md").read_text()
    assert "## mine" in (study / "leaderboard" / "LEADERBOARD.md").read_text()
    changes = (study / "leaderboard" / "CHANGELOG.md").read_text()
    assert re.search(r"- \d{4}-\d\d-\d\d mine v1: std_cot seed 0; zero_shot seed 0\n", changes)
    local = study.parent / "home" / "records"
    local.rename(local.with_name("aside"))
    capsys.readouterr()
    assert main(["board", "show", "track.toml", "--json", *own]) == 0
    assert len(json.loads(capsys.readouterr().out)) == 2, "what is published, and nothing local"
    assert main(["board", "compare", "std_cot", "zero_shot", "--track", "track.toml", *own]) == 0
    local.with_name("aside").rename(local)
    gate = ["board", "regress", "--base", str(records), "--track", "track.toml"]
    assert main([*gate, "--local", "--common"]) == 0
    assert ours == board.PUBLISHED and not (ours / "v1" / "mine").exists()
    clean = {"dirty": False}
    tried = Trial({"learning_rate": 1e-3}, {"questions": [1.0]}, {"questions": "sha"}, clean)
    trials = Trials(1, "mine", 1, "std_cot", 0, [tried])
    trials.save(study.parent / "home" / "trials" / "v1" / "mine" / "std_cot.json")
    assert main(["board", "publish", "track.toml", *own]) == 0
    assert (study / "leaderboard" / "trials" / "v1" / "mine" / "std_cot.json").is_file()
    assert (study / "leaderboard" / "CHANGELOG.md").read_text() == changes, "no record was new"


def test_the_readme_on_ones_own_runs_as_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, make_student: Any
) -> None:
    from datasets import Dataset

    readme = (ROOT / "README.md").read_text()
    section = readme.partition("\n## Your own")[2].partition("\n## ")[0]
    first = section.partition("\n    ")[2].partition("\n\n")[0]
    commands = [line.partition(" # ")[0].strip() for line in first.splitlines()]
    assert len(commands) == 8 and "```python" in section
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("SKBENCH_HOME", raising=False)
    monkeypatch.setattr(board, "PUBLISHED", board.PUBLISHED)
    monkeypatch.setattr(board, "IS_OWN", False)
    start, enter = commands[0].split(" && ")
    assert main(shlex.split(start)[1:]) == 0
    monkeypatch.chdir(shlex.split(enter)[1])
    small(Path())
    traces = [{"problem": "1 plus 1?", "generation": "<think>one and one.</think> Answer: 2"}]
    parquet.write_table(pa.Table.from_pylist(traces), "traces.parquet")
    (importing,) = re.findall("`(skbench corpus import [^`]+)`", section)
    for command in [*commands[1:], importing]:
        program, *words = shlex.split(command)
        assert program == "skbench" and main(words) == 0, command

    student: Student = make_student("llama")
    ids = student.tokenizer("1 plus 1? 2").input_ids
    mine = {
        "model": student.model,
        "tokenizer": student.tokenizer,
        "data": Dataset.from_list([{"input_ids": ids, "labels": ids}]),
    }
    code = "".join(re.findall("```python\n(.*?)```", section, re.DOTALL))
    exec(compile(code, "README.md", "exec"), mine)
    assert set(mine["frame"]["label"]) == {"method", "std_cot", "zero_shot"}


@pytest.mark.slow
def test_the_gate_of_a_study_fails_on_quality_once_its_rationales_are_shuffled(
    study: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The study as `init` made it, its student trained for real, though its own method alone, in
    half the steps at thrice the rate, with one seed; about a minute."""
    text = (study / "track.toml").read_text()
    for usual, less in (
        ('["method", "std_cot", "zero_shot"]', '["method", "zero_shot"]'),
        ('reference = "std_cot"', 'reference = "method"'),
        ("epochs = 16", "epochs = 8"),
        ("3e-3", "9e-3"),
        ("[0, 1, 2]", "[0]"),
    ):
        assert usual in text
        text = text.replace(usual, less)
    (study / "track.toml").write_text(text)
    workflow = yaml.safe_load((study / ".github/workflows/regress.yml").read_text())
    steps = [step.get("run", "") for step in workflow["jobs"]["regress"]["steps"]]
    run, gate, rerun, confirm = (
        shlex.split(step)[1:] for step in steps if step.startswith("skbench")
    )
    assert main(run) == 0
    assert main(["board", "publish", "track.toml", "--records", "leaderboard/records"]) == 0
    assert main(gate) == 0
    rows = [json.loads(line) for line in (study / "corpus.jsonl").read_text().splitlines()]
    rationales = [row["rationale"] for row in rows]
    random.Random(0).shuffle(rationales)
    rows = [row | {"rationale": text} for row, text in zip(rows, rationales, strict=True)]
    (study / "corpus.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    assert main(run) == 0
    capsys.readouterr()
    assert main(gate) == 1
    fallen = ["mine/method id"]
    assert errors(capsys.readouterr().out) == fallen, "quality alone"
    assert main(rerun) == 0
    capsys.readouterr()
    assert main(confirm) == 1
    assert errors(capsys.readouterr().out) == fallen


def errors(told: str) -> list[str]:
    """Titles of the annotations, but those of latency: what else this machine does is no matter."""
    found = re.findall("::error .*title=(.*?)::", told)
    return [title for title in found if title.split()[-1] not in ("ttft", "tpot")]


# ---------------------------------------------------------------- from Python


def test_a_track_runs_from_python_as_from_the_command_line(toy: str) -> None:
    records = api.run(toy, methods=["std_cot"], seeds=[0, 1], limit=2)
    assert [(r.label, r.seed) for r in records] == [("std_cot", 0), ("std_cot", 1)]
    again = api.run(toy, methods=["std_cot"], limit=2)
    assert again == records[:1], "the seeds of the track, and nothing twice"
    with pytest.raises(ConfigError, match="unknown method 'std_cott'"):
        api.run(toy, methods=["std_cott"])


def test_records_are_rows_for_a_data_frame(toy: str, tmp_path: Path) -> None:
    (record,) = api.run(toy, methods=["std_cot"], limit=2)
    rows = api.load_records(tmp_path / "home" / "records")
    assert [(row["data_set"], row["item"]) for row in rows] == [
        (name, item) for name, each in record.data_sets.items() for item in each.items
    ]
    first = record.data_sets["pocket_chain"]
    assert [row["strict"] for row in rows[:2]] == list(first.strict)
    assert rows[0]["prompt_tokens"] == first.prompt_tokens[0] and rows[0]["label"] == "std_cot"


def test_a_model_in_memory_is_judged(toy: str, tokenizer: Any) -> None:
    model = tiny_model("llama")
    record = api.evaluate(model, "std_cot", toy, tokenizer=tokenizer, name="mine", limit=2)
    assert record.label.startswith("std_cot@mine-") and record.track == "own.own"
    with pytest.raises(ValueError, match="needs its tokenizer"):
        api.evaluate(model, "std_cot", toy)


def test_a_trainer_is_told_how_good_its_model_is(
    toy: str, tmp_path: Path, make_student: Any
) -> None:
    from datasets import Dataset
    from transformers import Trainer, TrainingArguments

    student: Student = make_student("llama")
    ids = student.tokenizer("1 plus 1? 2").input_ids
    data = Dataset.from_list([{"input_ids": ids, "labels": ids}] * 4)
    arguments = TrainingArguments(
        output_dir=str(tmp_path / "out"), max_steps=4, per_device_train_batch_size=1,
        report_to=[], use_cpu=True, save_strategy="no", logging_steps=100,
    )  # fmt: skip
    judge = Judge(toy, "std_cot", student.tokenizer, every=2, limit=2)
    trainer = Trainer(student.model, arguments, train_dataset=data, callbacks=[judge])
    trainer.train()
    told = [entry for entry in trainer.state.log_history if "skbench_id" in entry]
    assert [entry["step"] for entry in told] == [2, 4]
    assert all(0 <= entry[key] <= 1 for entry in told for key in ("skbench_id", "skbench_ood"))
    assert student.model.training
    folders = sorted(p.name for p in (tmp_path / "home/records/v1/own.own").iterdir())
    assert [name.rpartition("-")[0] for name in folders] == ["std_cot@step-2", "std_cot@step-4"]


def test_the_packages_of_the_wheel_are_the_folders_of_code() -> None:
    """`packages.find` takes every folder with an __init__.py; a file without one would be lost."""
    for name in ("baselines", "bench", "leaderboard", "tasks"):
        for path in (ROOT / name).rglob("*.py"):
            assert (path.parent / "__init__.py").is_file(), path
