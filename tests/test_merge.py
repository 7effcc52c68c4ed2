"""Homes that are merged: nothing is lost, replaced, half written or followed out of its place."""

import json
import os
import shutil
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bench.__main__ import main
from bench.ground.files import locked
from bench.ground.sums import seal
from bench.run import copies, fit, stages
from leaderboard.store.generations import Generations
from leaderboard.store.probes import ProbePoint, ProbeRecord
from leaderboard.store.record import Record, Scope
from leaderboard.store.trials import SCHEMA, Trial, Trials
from tests.test_run import TRACK
from tests.tracks import in_readme, toy_track

LIMIT = ["--limit", "2", "--json"]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Two homes: seed 0 of two methods, and seed 1."""
    folder = tmp_path_factory.mktemp("made")
    (folder / "own.toml").write_text(TRACK)
    for name, words in (
        ("a", ["--methods", "std_cot,zero_shot", "--seeds", "0"]),
        ("b", ["--methods", "std_cot", "--seeds", "1"]),
    ):
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("SKBENCH_HOME", str(folder / name))
            assert main(["run", str(folder / "own.toml"), *words, *LIMIT]) == 0
    return {name: folder / name for name in ("a", "b")}


@pytest.fixture
def homes(made: dict[str, Path], tmp_path: Path) -> dict[str, Path]:
    """Copies of them, to be changed."""
    return {name: shutil.copytree(home, tmp_path / name) for name, home in made.items()}


def facts(home: Path, *kinds: str) -> dict[str, bytes]:
    kept = kinds or ("records", "generations", "trials", "probes", "runs")
    return {
        path.relative_to(home).as_posix(): path.read_bytes()
        for kind in kept
        for path in sorted((home / kind).rglob("*"))
        if path.is_file() and path.suffix != ".lock"
    }


def everything(home: Path) -> set[str]:
    return (
        {path.relative_to(home).as_posix() for path in home.rglob("*")} if home.exists() else set()
    )


def record_in(home: Path, label: str = "std_cot") -> Path:
    (path,) = (home / "records" / "v1" / "own" / label).glob("*.json")
    return path


def change(path: Path, **fields: Any) -> None:
    record = replace(Record.load(path), **fields)
    path.unlink()
    record.save(path)


def test_two_homes_become_one_whose_cells_are_found(
    homes: dict[str, Path], home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    assert main(["merge", *map(str, homes.values())]) == 0
    both = facts(homes["a"], "records", "generations") | facts(homes["b"], "records", "generations")
    assert facts(home, "records", "generations") == both and len(both) == 6
    assert "records: 3 copied, 0 here before" in capsys.readouterr().out
    track = tmp_path / "own.toml"
    track.write_text(TRACK)
    monkeypatch.setattr(stages, "_make_record", lambda _, **how: pytest.fail("made again"))
    words = ["--methods", "std_cot", "--seeds", "0,1"]
    assert main(["run", str(track), *words, *LIMIT]) == 0


def test_the_readme_s_command_is_as_written(homes: dict[str, Path], home: Path) -> None:
    for words in in_readme("merge"):
        assert main([str(homes["a"]) if word == "OTHER_HOME" else word for word in words]) == 0
        assert facts(home, "records") and list(home.rglob("trained.json"))


def test_to_merge_again_copies_nothing(homes: dict[str, Path], home: Path, capsys: Any) -> None:
    assert main(["merge", *map(str, homes.values())]) == 0
    before = facts(home)
    capsys.readouterr()
    assert main(["merge", str(homes["b"]), str(homes["a"]), str(homes["a"])]) == 0
    assert facts(home) == before
    assert "records: 0 copied, 5 here before" in capsys.readouterr().out


def test_a_student_comes_with_weights_alone_and_serves_another_scope(
    homes: dict[str, Path], home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert main(["merge", str(homes["b"])]) == 0
    assert {Path(name).name[:8] for name in facts(home, "runs")} == {"samples-"}
    assert main(["merge", str(homes["b"]), "--weights"]) == 0
    (report,) = home.rglob("trained.json")
    (own,) = homes["b"].rglob("trained.json")
    assert report.read_bytes() == own.read_bytes()
    for each in (own.parent / "weights").iterdir():
        assert (report.parent / "weights" / each.name).read_bytes() == each.read_bytes()
    track = tmp_path / "own.toml"
    track.write_text(TRACK)
    monkeypatch.setattr(fit, "train", lambda *_, **__: pytest.fail("trained again"))
    words = ["--methods", "std_cot", "--seeds", "1", "--limit", "2", "--split", "dev"]
    assert main(["run", str(track), *words]) == 0


def test_a_merged_adapter_is_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    track = tmp_path / "own.toml"
    track.write_text(toy_track(training={"lora_rank": 2}))
    words = ["run", str(track), "--limit", "2"]
    for name in ("a", "merged"):
        monkeypatch.setenv("SKBENCH_HOME", str(tmp_path / name))
        if name == "merged":
            assert main(["merge", str(tmp_path / "a"), "--weights"]) == 0
            monkeypatch.setattr(fit, "train", lambda *_, **__: pytest.fail("trained again"))
        assert main([*words, *(["--split", "dev"] if name == "merged" else [])]) == 0


def test_a_student_of_which_a_file_is_never_copied_is_left_out(
    homes: dict[str, Path], home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    weights = next(homes["b"].rglob("weights"))
    (weights / "own_model.py").write_text("x")
    seal(weights)
    assert main(["merge", str(homes["b"]), "--weights"]) == 0
    assert f"{weights.parent}: left out" in capsys.readouterr().err
    assert not list(home.rglob("trained.json")) and facts(home, "records")


def test_without_its_weights_nothing_says_that_a_student_is_trained(
    homes: dict[str, Path], home: Path
) -> None:
    shutil.rmtree(next(homes["b"].rglob("weights")))
    assert main(["merge", str(homes["b"]), "--weights"]) == 0
    assert not list(home.rglob("trained.json")) and facts(home, "records")


def test_weights_of_a_run_that_did_not_end_are_not_mixed_with_others(
    homes: dict[str, Path], home: Path
) -> None:
    folder = next(homes["b"].rglob("trained.json")).parent
    own = home / folder.relative_to(homes["b"]) / "weights"
    own.mkdir(parents=True)
    (own / "model.safetensors").write_bytes(b"mine")
    assert main(["merge", str(homes["b"]), "--weights"]) == 0
    assert [path.name for path in own.iterdir()] == ["model.safetensors"]
    assert not list(home.rglob("trained.json"))


@pytest.mark.parametrize("between", ["here", "homes"])
def test_another_run_of_a_cell_is_refused_before_anything_is_copied(
    between: str, homes: dict[str, Path], home: Path, tmp_path: Path, capsys: Any
) -> None:
    other = shutil.copytree(homes["a"], tmp_path / "other")
    path = record_in(other)
    change(path, training=replace(Record.load(path).training, seconds=1e6))
    first = homes["a"]
    if between == "here":
        first = shutil.copytree(homes["a"], home)
    before = everything(home)
    named = [str(other)] if between == "here" else [str(first), str(other)]
    assert main(["merge", *named, str(homes["b"])]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert str(path) in line and str(record_in(first)) in line
    assert everything(home) == before


def test_the_same_run_in_other_bytes_is_the_same_run(homes: dict[str, Path], home: Path) -> None:
    assert main(["merge", str(homes["a"])]) == 0
    path = record_in(homes["a"])
    path.write_text(json.dumps(json.loads(path.read_text()), indent=3))
    before = facts(home)
    assert main(["merge", str(homes["a"])]) == 0
    assert facts(home) == before


def test_texts_of_another_run_are_refused(homes: dict[str, Path], home: Path, capsys: Any) -> None:
    assert main(["merge", str(homes["a"])]) == 0
    (path, _) = sorted((homes["a"] / "generations").rglob("*.xz"))
    found = Generations.load(path)
    path.unlink()
    texts = {name: ["changed", *each[1:]] for name, each in found.data_sets.items()}
    replace(found, data_sets=texts).save(path)
    assert main(["merge", str(homes["a"])]) == 2
    assert str(path) in capsys.readouterr().err


@pytest.mark.parametrize("what", ["file", "folder", "kind", "pipe"])
def test_what_is_no_file_of_the_home_is_refused(
    what: str, homes: dict[str, Path], home: Path, tmp_path: Path, capsys: Any
) -> None:
    secret = tmp_path / "secret"
    secret.mkdir()
    place = record_in(homes["a"])
    if what == "file":
        shutil.move(place, secret / place.name)
        place.symlink_to(secret / place.name)
    elif what == "pipe":
        place = place.with_name("seed9.json")
        os.mkfifo(place)
    else:
        place = place.parent if what == "folder" else homes["a"] / "records"
        shutil.move(place, secret / "moved")
        place.symlink_to(secret / "moved")
    assert main(["merge", str(homes["b"]), str(homes["a"])]) == 2
    assert str(place) in capsys.readouterr().err
    assert not everything(home)


@pytest.mark.parametrize(
    "fields", [{"track": "other"}, {"label": "kard"}, {"seed": 7}, {"scope": Scope(limit=9)}]
)
def test_a_record_that_says_it_is_another_is_refused(
    fields: dict[str, Any], homes: dict[str, Path], home: Path, capsys: Any
) -> None:
    path = record_in(homes["a"])
    change(path, **fields)
    assert main(["merge", str(homes["a"])]) == 2
    assert f"{path}: by what it holds it belongs at " in capsys.readouterr().err
    assert not everything(home)


@pytest.mark.parametrize("value", ["../../../../escaped", "/tmp/escaped", "a/b", ".."])
@pytest.mark.parametrize("key", ["track", "label"])
def test_no_name_in_a_record_leads_out_of_the_home(
    key: str, value: str, homes: dict[str, Path], home: Path
) -> None:
    path = record_in(homes["a"])
    path.write_text(json.dumps(json.loads(path.read_text()) | {key: value}))
    before = everything(home.parent)
    assert main(["merge", str(homes["a"])]) == 2
    assert everything(home.parent) == before


def test_a_damaged_record_is_named_and_nothing_is_copied(
    homes: dict[str, Path], home: Path, capsys: Any
) -> None:
    path = record_in(homes["b"])
    path.write_text(path.read_text().replace('"seed"', '"sead"'))
    assert main(["merge", *map(str, homes.values())]) == 2
    assert str(path) in capsys.readouterr().err and not everything(home)


def test_what_is_not_of_a_home_stays_where_it_is(homes: dict[str, Path], home: Path) -> None:
    folder = next(homes["a"].rglob("trained.json")).parent
    strange = ("run.sh", "weights/evil.py", "weights/model.bin", "weights/.hidden.json.part")
    for name in (*strange, "samples-notes.jsonl"):
        (folder / name).write_text("x")
    (homes["a"] / "records" / "v1" / "own" / "std_cot" / "seed0.json.12.part").write_text("{")
    assert main(["merge", str(homes["a"]), "--weights"]) == 0
    found = everything(home)
    assert not [name for name in found if name.endswith(("sh", "py", "bin", "part", "notes.jsonl"))]
    assert any(name.endswith("weights/model.safetensors") for name in found)


@pytest.mark.parametrize(("home_of", "code"), [("nowhere", 3), ("empty", 2), ("home", 2)])
def test_what_is_no_other_home_is_refused(
    home_of: str, code: int, homes: dict[str, Path], home: Path, tmp_path: Path
) -> None:
    shutil.copytree(homes["a"], home)
    (tmp_path / "empty").mkdir()
    assert main(["merge", str(tmp_path / home_of)]) == code


def test_a_cell_that_a_process_is_making_here_is_not_merged(
    homes: dict[str, Path], home: Path, capsys: Any
) -> None:
    path = home / record_in(homes["a"]).relative_to(homes["a"])
    with locked(path):
        assert main(["merge", str(homes["a"])]) == 2
    assert "a process is making" in capsys.readouterr().err and not facts(home)


def test_a_file_that_changes_after_it_was_read_is_not_copied(
    homes: dict[str, Path], home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, real = record_in(homes["a"]), copies._copy

    def late(source: Path, *more: Any) -> None:
        path.write_text("{}")
        real(source, *more)

    monkeypatch.setattr(copies, "_copy", late)
    assert main(["merge", str(homes["a"])]) == 2
    assert not (home / path.relative_to(homes["a"])).exists()
    assert not list(home.rglob("*.part"))


SLOWLY = """
import sys, time
from bench.run import copies
def slowly(read, write):
    content = read.read()
    write.write(content[: len(content) // 2])
    write.flush()
    print("half of it", flush=True)
    time.sleep(0.3)
    write.write(content[len(content) // 2 :])
copies.shutil.copyfileobj = slowly
from bench.__main__ import main
sys.exit(main(["merge", *sys.argv[1:], "--weights"]))
"""


def test_a_merge_that_is_killed_leaves_nothing_half_written_and_goes_on(
    homes: dict[str, Path], home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    words = [sys.executable, "-c", SLOWLY, *map(str, homes.values())]
    with subprocess.Popen(words, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        for _ in range(6):
            assert process.stdout.readline() == b"half of it\n"
        process.send_signal(signal.SIGKILL)
    assert process.returncode == -signal.SIGKILL
    whole = facts(homes["a"]) | facts(homes["b"])
    for name, content in facts(home).items():
        if not name.endswith(".part") and ".part/" not in name:
            assert whole[name] == content
    assert main(["merge", *map(str, homes.values()), "--weights"]) == 0
    kept = {name for name in whole if not name.endswith((".md", "train.jsonl"))}
    assert {name for name in facts(home) if ".part" not in name} == kept


def trial(rate: float, right: int = 1) -> Trial:
    return Trial({"learning_rate": rate}, {"pocket_chain": [right, 0]}, {"pocket_chain": "x"}, {})


def tried(home: Path, *trials: Trial) -> Path:
    path = home / "trials" / "v1" / "own" / "std_cot.json"
    Trials(SCHEMA, "own", 1, "std_cot", 0, list(trials)).save(path)
    return path


def test_trials_of_two_homes_come_together(home: Path, tmp_path: Path) -> None:
    tried(tmp_path / "a", trial(1e-3), trial(3e-3))
    tried(tmp_path / "b", trial(9e-3))
    path = tried(home, trial(3e-3))
    assert main(["merge", str(tmp_path / "a"), str(tmp_path / "b")]) == 0
    assert Trials.load(path).trials == [trial(1e-3), trial(3e-3), trial(9e-3)]
    before = path.stat().st_mtime_ns
    assert main(["merge", str(tmp_path / "a"), str(tmp_path / "b")]) == 0
    assert path.stat().st_mtime_ns == before


@pytest.mark.parametrize("where", ["here", "homes"])
def test_other_trials_of_the_same_settings_are_refused(
    where: str, home: Path, tmp_path: Path, capsys: Any
) -> None:
    one = tried(home if where == "here" else tmp_path / "a", trial(1e-3))
    other = tried(tmp_path / "b", trial(1e-3, right=0), trial(3e-3))
    before = one.read_bytes()
    named = [tmp_path / "b"] if where == "here" else [tmp_path / "a", tmp_path / "b"]
    assert main(["merge", *map(str, named)]) == 2
    assert str(other) in capsys.readouterr().err
    assert one.read_bytes() == before and (where == "here" or not everything(home))


def probed(home: Path, right: int = 1) -> Path:
    path = home / "probes" / "v1" / "own" / "std_cot" / "seed0.json"
    point = ProbePoint(1.0, 4, [[right]], [1])
    ProbeRecord(1, "own", "std_cot", "std_cot", 0, ["i"], [1.0], [point], ["f"], {}).save(path)
    return path


def test_probes_are_copied_and_another_is_refused(home: Path, tmp_path: Path, capsys: Any) -> None:
    own = probed(tmp_path / "a")
    assert main(["merge", str(tmp_path / "a")]) == 0
    assert (home / own.relative_to(tmp_path / "a")).read_bytes() == own.read_bytes()
    other = probed(tmp_path / "b", right=0)
    assert main(["merge", str(tmp_path / "b")]) == 2
    assert str(other) in capsys.readouterr().err
