"""What is published is not made again, and what a run depends on is read when it starts."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from bench.__main__ import main
from bench.ground import sources
from bench.run import stages
from bench.run.cell import Cell
from bench.run.executors import local
from leaderboard.store import board
from leaderboard.store.record import Record
from tests.test_run import TRACK

METHODS = "std_cot,null_model"


OWN = TRACK.replace("seeds = [0]", "seeds = [0, 1]\nversion = 2")


@pytest.fixture
def track(tmp_path: Path) -> Path:
    path = tmp_path / "own.toml"
    path.write_text(OWN)
    return path


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """All three cells of the track, made once."""
    folder = tmp_path_factory.mktemp("made")
    (folder / "own.toml").write_text(OWN)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SKBENCH_HOME", str(folder / "home"))
        words = ["run", str(folder / "own.toml"), "--methods", METHODS, "--seeds", "0,1", "--json"]
        assert main(words) == 0
    return folder / "home" / "records"


@pytest.fixture
def published(made: Path, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The three records published; the home is empty."""
    root = tmp_path / "published"
    monkeypatch.setattr(board, "PUBLISHED", root)
    shutil.copytree(made / "v2", root / "v2")
    return root / "v2" / "own"


def test_nothing_is_made_where_all_is_published(
    track: Path,
    published: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert len(list(published.rglob("*.json"))) == 3
    capsys.readouterr()
    monkeypatch.setattr(stages, "run_cells", lambda _: pytest.fail("made"))
    assert main(["run", str(track), "--methods", METHODS, "--missing"]) == 0
    assert capsys.readouterr().err.splitlines()[-4:] == [
        "std_cot seed 0: published",
        "std_cot seed 1: published",
        "null_model seed 0: published",
        "nothing to do: all 3 cells are published",
    ]
    assert main(["run", str(track), "--methods", METHODS, "--missing", "--dry-run"]) == 0
    assert "nothing to do" in capsys.readouterr().err


def test_only_what_is_not_published_is_made(
    track: Path, published: Path, home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (published / "std_cot" / "seed1.json").unlink()
    words = ["run", str(track), "--methods", METHODS, "--missing", "--dry-run", "--json"]
    assert main(words) == 0
    (planned,) = json.loads(capsys.readouterr().out)["cells"]
    assert (planned["method"], planned["seed"]) == ("std_cot", 1)
    assert main(["run", str(track), "--methods", METHODS, "--missing"]) == 0
    (made,) = (home / "records").rglob("*.json")
    assert made.parts[-3:] == ("own", "std_cot", "seed1.json")


def test_several_processes_make_what_is_missing(track: Path, home: Path) -> None:
    assert main(["run", str(track), "--methods", METHODS, "--missing", "--jobs", "2"]) == 0
    assert len(list((home / "records").rglob("*.json"))) == 3


def test_another_version_counts_as_nothing(track: Path, published: Path, home: Path) -> None:
    track.write_text(track.read_text().replace("version = 2", "version = 3"))
    assert main(["run", str(track), "--methods", "null_model", "--missing"]) == 0
    assert (home / "records" / "v3" / "own" / "null_model" / "seed0.json").is_file()


@pytest.mark.parametrize(
    ("change", "what"),
    [
        (lambda r: r.snapshot["track"]["training"].update(epochs=9), "setting"),
        (lambda r: r.snapshot["method"].update(restarts=2), "method"),
        (lambda r: r.snapshot["track"].update(reranker={"epochs": 9}), "reranker"),
        (lambda r: r.provenance.update(corpus_sha256="else"), "corpus"),
    ],
)
def test_a_published_record_of_other_settings_stops_the_run(
    track: Path,
    published: Path,
    capsys: pytest.CaptureFixture[str],
    change: object,
    what: str,
) -> None:
    path = published / "std_cot" / "seed0.json"
    record = Record.load(path)
    change(record)  # type: ignore[operator]
    path.unlink()
    record.save(path)
    assert main(["run", str(track), "--methods", METHODS, "--missing"]) == 2
    assert f"std_cot/seed0.json: published with another {what} " in capsys.readouterr().err


@pytest.mark.parametrize("words", [["--limit", "3"], ["--world", "1"], ["--split", "dev"]])
def test_what_is_never_published_cannot_be_missing(
    track: Path, capsys: pytest.CaptureFixture[str], words: list[str]
) -> None:
    assert main(["run", str(track), "--missing", *words]) == 2
    assert "--missing: " in capsys.readouterr().err


def test_a_source_that_is_edited_during_a_run_changes_nothing_of_what_is_recorded(
    track: Path, home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    real, made = stages._make_record, list[Cell]()

    def edited(cell: Cell, **how: bool) -> Record:
        # From here on every source reads as another.
        monkeypatch.setattr(sources, "sources_sha256", lambda _: "edited")
        made.append(cell)
        return real(cell, **how)

    monkeypatch.setattr(stages, "_make_record", edited)
    words = ["run", str(track), "--seeds", "0,1", "--limit", "2", "--json"]
    assert main(words) == 0
    monkeypatch.undo()
    monkeypatch.setenv("SKBENCH_HOME", str(home))
    for path in (home / "records").rglob("*.json"):
        told = json.loads(path.read_text())["provenance"]
        cell = next(c for c in made if c.record_path.name == path.name)
        again = replace(cell)  # reads them as they are
        assert (told["key"], told["train_key"]) == (again.key, again.train_key)


def test_a_process_that_sees_other_sources_than_the_command_that_began_stops(
    track: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], home: Path
) -> None:
    real = local.share
    monkeypatch.setattr(local, "share", lambda work: real(replace(work, cells="another")))
    assert main(["run", str(track), "--limit", "2", "--jobs", "2"]) == 3
    assert "were edited since it began" in capfd.readouterr().err
    assert not list((home / "records").rglob("*.json"))
