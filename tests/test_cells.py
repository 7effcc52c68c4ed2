"""`plan` and `status`: which cells a command has, and how far each is."""

import json
import shutil
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bench.__main__ import main
from bench.cli import run
from bench.ground.files import is_held, locked
from bench.run import executors, fit, stages
from bench.run.cell import Cell
from bench.track import Critic, Probe
from bench.training import train as training
from leaderboard.store import board
from tests.test_run import TRACK, ClockThatKills, Killed
from tests.tracks import in_readme

WORDS = ["--methods", "std_cot,null_model", "--seeds", "0,1", "--limit", "2"]


@pytest.fixture
def track(tmp_path: Path) -> Path:
    path = tmp_path / "own.toml"
    path.write_text(TRACK)
    return path


@pytest.fixture
def told(capsys: pytest.CaptureFixture[str]) -> Callable[..., Any]:
    def told(*words: object) -> Any:
        capsys.readouterr()
        assert main([*map(str, words), "--json"]) == 0
        return json.loads(capsys.readouterr().out)

    return told


def states(found: Any) -> dict[tuple[str, int], str]:
    return {(each["label"], each["seed"]): each["state"] for each in found["cells"]}


def cells_of(track: Path, monkeypatch: pytest.MonkeyPatch, *words: str) -> list[Cell]:
    """What `run` would make, without making it."""
    found = list[Cell]()
    with monkeypatch.context() as patch:
        patch.setattr(stages, "run_cells", lambda cells: found.extend(cells) or [])
        assert main(["run", str(track), *words]) == 0
    return found


@contextmanager
def killed(monkeypatch: pytest.MonkeyPatch, n_reads: int) -> Iterator[None]:
    """Whatever trains in here is killed when it reads the clock for the n-th time."""
    with monkeypatch.context() as patch:
        patch.setattr(training, "clock", ClockThatKills(n_reads))
        with pytest.raises(Killed):
            yield


def test_a_plan_names_the_cells_that_the_same_run_makes(
    track: Path, told: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    found = told("plan", track, *WORDS)
    made = cells_of(track, monkeypatch, *WORDS)
    assert [(each["label"], each["seed"], each["folder"]) for each in found["cells"]] == [
        (cell.label, cell.seed, str(cell.folder.resolve())) for cell in made
    ]
    assert found["totals"] == {"to do": 3}


def test_a_plan_makes_nothing(track: Path, told: Callable[..., Any], home: Path) -> None:
    told("plan", track, *WORDS)
    assert [path.name for path in home.iterdir()] == ["corpora"]


def test_a_plan_tells_what_is_here_what_is_published_and_what_another_process_is_at(
    track: Path,
    told: Callable[..., Any],
    home: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    public = ["--methods", "std_cot,null_model", "--seeds", "0,1"]
    assert main(["run", str(track), "--methods", "null_model"]) == 0
    assert states(told("plan", track, *public))["null_model", 0] == "done"
    monkeypatch.setattr(board, "PUBLISHED", tmp_path / "published")
    shutil.move(home / "records", tmp_path / "published")
    first, second, _ = cells_of(track, monkeypatch, *public)
    with locked(first.folder):
        found = told("plan", track, *public)
    assert states(found) == {
        ("std_cot", 0): "running",
        ("std_cot", 1): "to do",
        ("null_model", 0): "published",
    }
    assert found["totals"] == {"running": 1, "to do": 1, "published": 1}
    with locked(second.record_path):
        assert states(told("plan", track, *public))["std_cot", 1] == "running"
    track.write_text(TRACK.replace("max_new_tokens = 4", "max_new_tokens = 5"))
    assert states(told("plan", track, *public))["null_model", 0] == "to do"
    assert main(["plan", str(track), *public, "--missing"]) == 2


@pytest.mark.parametrize("verb", ["plan", "status"])
def test_what_run_takes_is_taken(verb: str, track: Path, told: Callable[..., Any]) -> None:
    more = ["--jobs", "2", "--executor", "slurm", "--slurm", "partition=gpu"]
    assert len(told(verb, track, *WORDS, *more)["cells"]) == 3


def test_status_tells_how_far_each_cell_is(
    track: Path, told: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    words = ["run", str(track), "--methods", "std_cot", "--limit", "3"]
    assert set(states(told("status", *words[1:])).values()) == {"to do"}
    with killed(monkeypatch, 2):
        main(words)
    assert set(states(told("status", *words[1:])).values()) == {"left"}
    with killed(monkeypatch, 5):
        main(words)
    for asked in (words[1:], ()):
        (found,) = told("status", *asked)["cells"]
        assert (found["state"], found["step"], found["total"]) == ("begun", 2, 3)
    (cell,) = cells_of(track, monkeypatch, *words[2:])
    for asked in (words[1:], ()):
        with locked(cell.folder):
            (found,) = told("status", *asked)["cells"]
        assert (found["state"], found["step"], found["total"]) == ("running", 2, 3)
    assert main(words) == 0
    for asked in (words[1:], ()):
        assert states(told("status", *asked)) == {("std_cot", 0): "done"}
    cell.record_path.unlink()
    for asked in (words[1:], ()):
        assert states(told("status", *asked)) == {("std_cot", 0): "trained"}


def test_a_run_that_is_killed_before_it_notes_what_it_spent_goes_on_from_its_checkpoint(
    track: Path, told: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    words = ["run", str(track), "--methods", "std_cot", "--limit", "3"]

    def killed(*_: object) -> None:
        raise Killed

    with monkeypatch.context() as patch, pytest.raises(Killed):
        patch.setattr(fit, "write_atomically", killed)
        main(words)
    (found,) = told("status", *words[1:])["cells"]
    assert (found["state"], found["step"], found["total"]) == ("begun", 2, 3)
    with monkeypatch.context() as patch:
        patch.setattr(training, "clock", ClockThatKills(3))  # two reads a step
        assert main(words) == 0
    assert not list(Path(found["folder"]).glob("checkpoint*"))


def test_a_damaged_record_is_named_and_the_others_are_told_of(
    track: Path, told: Callable[..., Any], home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = [str(track), "--methods", "std_cot", "--seeds", "0,1", "--limit", "2"]
    assert main(["run", *words]) == 0
    next(home.glob("records/*/*/std_cot/seed0*.json")).write_text("{")
    assert states(told("status")) == {("std_cot", 0): "trained", ("std_cot", 1): "done"}
    assert main(["status"]) == 0
    assert "not JSON" in capsys.readouterr().err
    assert main(["status", *words]) == 0
    assert "made again" not in capsys.readouterr().err
    assert main(["run", *words]) == 0
    assert capsys.readouterr().err.count("made again") == 1
    assert main(["run", *words]) == 0
    assert "made again" not in capsys.readouterr().err


@pytest.mark.parametrize("words", [["--methods", "std_cot"], ["--set", "a.b=1"], ["--seeds", "0"]])
def test_words_that_choose_cells_need_a_track(
    words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["status", *words]) == 2
    assert f"status {words[0]}: of which track?" in capsys.readouterr().err


def test_what_stands_in_another_table_is_made_again(
    track: Path, told: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    words = ["--methods", "std_cot", "--limit", "2"]
    assert main(["run", str(track), *words]) == 0
    (cell,) = cells_of(track, monkeypatch, *words)
    for other in (
        replace(cell.track, reference="skintern"),
        replace(cell.track, critic=Critic()),
        replace(cell.track, probe=None if cell.track.probe else Probe("pocket", "std_cot")),
    ):
        assert replace(cell, track=other).found() is None
        assert replace(cell, track=other).train_key == cell.train_key
    more = replace(cell.track, methods=[*cell.track.methods, "kard"], seeds=[7])
    assert replace(cell, track=more).found() is not None
    assert replace(cell, point={"axis": "noise", "value": 1}).found() is None


def test_a_run_that_has_a_lock_and_no_folder_yet_is_told_of(
    track: Path, told: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    (cell,) = cells_of(track, monkeypatch, "--methods", "std_cot", "--limit", "3")
    assert told("status") == {"cells": [], "totals": {}}
    with locked(cell.folder):
        assert told("status")["totals"] == {"running": 1}
    assert not cell.folder.exists()
    assert told("status")["totals"] == {}


def test_tables_for_people_have_totals(
    track: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    with killed(monkeypatch, 5):
        main(["run", str(track), "--methods", "std_cot", "--limit", "3"])
    assert main(["status"]) == 0
    assert "begun, step 2 of 3" in capsys.readouterr().out
    assert main(["plan", str(track), *WORDS]) == 0
    assert capsys.readouterr().out.endswith("3 cells: 3 to do\n")


@pytest.mark.parametrize("verb", ["plan", "status"])
def test_the_readme_s_commands_are_as_written(verb: str, told: Callable[..., Any]) -> None:
    for words in in_readme(verb):
        found = told(*words)
        assert (len(found["cells"]) > 0) == (len(words) > 1)
        assert sum(found["totals"].values()) == len(found["cells"])


def test_to_ask_for_a_lock_makes_no_file_and_holds_nothing(tmp_path: Path) -> None:
    folder = tmp_path / "seed0"
    assert not is_held(folder) and not list(tmp_path.iterdir())
    with locked(folder):
        assert is_held(folder)
    assert not is_held(folder)
    with locked(folder, wait=False):
        pass


def test_executors_are_found_by_listing() -> None:
    assert executors.names() == ["local", "slurm"]
    assert all(callable(executors.load(name).share) for name in executors.names())


def test_options_of_slurm_need_its_executor(
    track: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["run", str(track), "--limit", "2", "--slurm", "time=5"]) == 2
    assert "--slurm time=5: goes with --executor slurm" in capsys.readouterr().err


def test_cells_that_are_trained_alike_are_one_task(
    track: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    methods = "mt_cot,std_cot,mt_cot[inference=cot]"
    cells = cells_of(track, monkeypatch, "--methods", methods, "--seeds", "0,1", "--limit", "2")
    tasks = run._tasks(cells, cells[1:])
    assert Counter(number for task in tasks for number in task.numbers) == Counter(range(1, 6))
    for task in tasks:
        assert len({cells[number].folder for number in task.numbers}) == 1
    assert [len(task.numbers) for task in tasks] == [2, 1, 1, 1]
