"""Cells as an array of jobs on a real Slurm of one node."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from bench.__main__ import main
from bench.run.executors import slurm as executor
from leaderboard.store.trials import Trials
from tests.slurm_node import NoSlurmError, empty_queue, node
from tests.test_run import TRACK
from tests.tracks import in_readme, toy_track

WORDS = ["--methods", "answer_only,std_cot", "--seeds", "0,1", "--limit", "2"]
SLURM = ["--executor", "slurm", "--slurm", "time=5"]
LONG = toy_track(training={"epochs": 10_000, "checkpoint_steps": 1})


@pytest.fixture(scope="module")
def slurm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    pytest.importorskip("submitit", reason="submitit is not installed: the extra [slurm]")
    try:
        with node(tmp_path_factory.mktemp("slurm")):
            yield
    except NoSlurmError as error:
        pytest.skip(str(error))


@pytest.fixture
def track(tmp_path: Path) -> Path:
    path = tmp_path / "own.toml"
    path.write_text(TRACK)
    return path


@pytest.fixture
def command(tmp_path: Path) -> Iterator[Callable[..., "subprocess.Popen[bytes]"]]:
    """Starts `skbench` beside the test, its stderr in a file; with the test all of it ends."""
    begun = list[Any]()

    def command(*words: object, err: Path) -> "subprocess.Popen[bytes]":
        heard = partial(
            signal.signal, signal.SIGINT, signal.SIG_DFL
        )  # what `&` in a script ignores
        with err.open("wb") as told:
            begun.append(
                subprocess.Popen(
                    [sys.executable, "-m", "bench", *map(str, words)],
                    stdout=subprocess.DEVNULL,
                    stderr=told,
                    preexec_fn=heard,
                )
            )
        return begun[-1]

    yield command
    for each in begun:
        each.kill()
        each.wait()
    empty_queue()


def until(what: Callable[[], object], process: "subprocess.Popen[bytes]", err: Path) -> None:
    while not what():
        assert process.poll() is None, err.read_text()
        time.sleep(0.1)


def numbers(home: Path) -> dict[str, Any]:
    """What the records hold that is the same wherever they were made."""
    found = {}
    for path in sorted((home / "records").rglob("*.json")):
        record = json.loads(path.read_text())
        del record["latency"], record["provenance"]["date"]
        del record["training"]["seconds"], record["training"]["peak_memory_bytes"]
        found[str(path.relative_to(home))] = json.dumps(record)
    return found


def outcomes(home: Path) -> list[Any]:
    """What each trial was and came to."""
    files = sorted((home / "trials").rglob("*.json"))
    return [(path.name, t.settings, t.outcomes) for path in files for t in Trials.load(path).trials]


def runs(home: Path) -> int:
    """How often a cell was made by a task, by the logs of all tasks."""
    return sum(path.read_text().count(": running") for path in (home / "slurm").glob("*.err"))


def checkpoints(home: Path) -> int:
    return len(list(home.glob("runs/*/*/*/checkpoint")))


def running() -> list[str]:
    """The tasks that have a node now."""
    words = ["squeue", "--array", "--noheader", "--states=RUNNING", "--format=%i"]
    return subprocess.run(words, capture_output=True, text=True, check=True).stdout.split()


@pytest.mark.slow
@pytest.mark.usefixtures("slurm")
def test_an_array_makes_the_records_that_a_local_run_makes(
    track: Path, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: Any
) -> None:
    assert main(["run", str(track), *WORDS, *SLURM]) == 0
    out, err = capfd.readouterr()
    assert "4 tasks; logs: " in err and "std_cot" in out
    assert runs(home) == 4
    monkeypatch.setenv("SKBENCH_HOME", str(tmp_path / "local"))
    assert main(["run", str(track), *WORDS]) == 0
    assert len(numbers(home)) == 4
    assert numbers(home) == numbers(tmp_path / "local")


@pytest.mark.slow
@pytest.mark.usefixtures("slurm")
def test_an_array_makes_the_trials_of_each_row_its_knob_at_the_best_rate(
    track: Path, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: Any
) -> None:
    words = ["tune", str(track), "--methods", "std_cot,mt_cot", "--rates", "1,3"]
    assert main([*words, *SLURM]) == 0
    assert "2 tasks; logs: " in capfd.readouterr().err
    assert runs(home) == 6
    monkeypatch.setenv("SKBENCH_HOME", str(tmp_path / "local"))
    assert main(words) == 0
    assert len(outcomes(home)) == 6
    assert outcomes(home) == outcomes(tmp_path / "local")


@pytest.mark.slow
@pytest.mark.usefixtures("slurm")
def test_no_cell_is_made_twice_by_an_array_and_two_other_commands(
    track: Path, home: Path, tmp_path: Path, command: Callable[..., Any]
) -> None:
    files = [tmp_path / f"err{number}" for number in range(3)]
    more = [SLURM, [], []]
    begun = [
        command("run", track, *WORDS, *words, err=err)
        for words, err in zip(more, files, strict=True)
    ]
    assert [each.wait() for each in begun] == [0, 0, 0], [err.read_text() for err in files]
    local = sum(err.read_text().count(": running") for err in files)
    assert runs(home) + local == 4
    assert len(numbers(home)) == 4


@pytest.mark.slow
@pytest.mark.usefixtures("slurm")
@pytest.mark.parametrize("told", ["scontrol requeue", "scancel --signal=USR2"])
def test_a_task_that_is_queued_again_goes_on_and_ends(
    told: str, track: Path, home: Path, tmp_path: Path, command: Callable[..., Any]
) -> None:
    track.write_text(toy_track(training={"epochs": 40, "checkpoint_steps": 1}))
    words, err = ["run", track, "--methods", "std_cot", "--seeds", "0,1"], tmp_path / "err"
    process = command(*words, *SLURM, err=err)
    until(lambda: checkpoints(home) == 2, process, err)
    subprocess.run([*told.split(), running()[0]], check=True)
    assert process.wait() == 0, err.read_text()
    logs = [path.read_text() for path in (home / "slurm").glob("*.err")]
    assert sorted(log.count(": running") for log in logs) == [1, 2]
    assert len(numbers(home)) == 2


@pytest.mark.slow
@pytest.mark.usefixtures("slurm")
def test_a_task_whose_process_is_killed_fails_the_command_and_the_same_command_goes_on(
    track: Path, home: Path, tmp_path: Path, command: Callable[..., Any]
) -> None:
    track.write_text(LONG)
    words, err = ["run", track, "--methods", "std_cot", "--seeds", "0,1"], tmp_path / "err"
    process = command(*words, *SLURM, err=err)
    until(lambda: checkpoints(home) == 2, process, err)
    first, second = running()
    subprocess.run(["scancel", first], check=True)
    track.write_text(TRACK)
    subprocess.run(["scancel", "--signal=KILL", second], check=True)
    assert process.wait() == 3
    assert err.read_text().count("its log: ") == 2
    assert not numbers(home)
    assert main(["run", *map(str, words[1:]), "--limit", "2", *SLURM]) == 0
    assert len(numbers(home)) == 2


@pytest.mark.slow
@pytest.mark.usefixtures("slurm")
def test_ctrl_c_cancels_the_tasks(
    track: Path, home: Path, tmp_path: Path, command: Callable[..., Any]
) -> None:
    track.write_text(LONG)
    err = tmp_path / "err"
    process = command("run", track, "--methods", "std_cot", *SLURM, err=err)
    until(lambda: checkpoints(home), process, err)
    process.send_signal(signal.SIGINT)
    assert process.wait() == 130
    assert ": cancelled" in err.read_text()
    assert not running()


@pytest.mark.slow
@pytest.mark.usefixtures("slurm")
def test_the_worst_exit_code_is_that_of_the_command(
    track: Path, home: Path, monkeypatch: pytest.MonkeyPatch, capfd: Any
) -> None:
    real = executor.share
    monkeypatch.setattr(executor, "share", lambda work: real(replace(work, cells="another")))
    assert main(["run", str(track), *WORDS, *SLURM]) == 3
    err = capfd.readouterr().err
    assert err.count("were edited since it began") == 4 and "its log: " in err
    assert not numbers(home)


@pytest.mark.slow
@pytest.mark.usefixtures("slurm")
def test_the_readme_s_command_is_as_written(home: Path) -> None:
    (words,) = [words for words in in_readme("run") if "slurm" in words]
    assert main([*words, "--limit", "2"]) == 0
    assert len(numbers(home)) == 6


@pytest.mark.slow
@pytest.mark.usefixtures("slurm")
def test_what_sbatch_refuses_is_told_in_a_line(track: Path, capfd: Any) -> None:
    assert main(["run", str(track), *WORDS, *SLURM, "--slurm", "partition=none"]) == 2
    err = capfd.readouterr().err
    assert "sbatch refused" in err and "partition" in err and "Traceback" not in err


@pytest.mark.parametrize("option", ["", "=5", "Time=5", "array=0-3", "comment=a\nb"])
def test_what_is_no_option_of_sbatch_is_refused(
    option: str, track: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["run", str(track), "--limit", "2", "--executor", "slurm", "--slurm", option]
    assert main(words) == 2
    assert f"--slurm {option}: " in capsys.readouterr().err


def test_a_machine_without_slurm_says_so(
    track: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert main(["run", str(track), "--limit", "2", "--executor", "slurm"]) == 3
    assert "no sbatch here" in capsys.readouterr().err
    assert not list(tmp_path.rglob("slurm"))


def test_tasks_that_slurm_does_not_cancel_are_not_called_cancelled(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    def interrupted(*_: object) -> list[int]:
        raise KeyboardInterrupt

    work: Any = None
    job = SimpleNamespace(job_id="7_0", paths=SimpleNamespace(stderr=tmp_path / "log"))
    monkeypatch.setattr(executor, "_submit", lambda work: [job])
    monkeypatch.setattr(executor, "_codes", interrupted)
    scancel = tmp_path / "scancel"
    scancel.write_text("#!/bin/sh\nexit 1\n")
    scancel.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(KeyboardInterrupt):
        executor.share(work)
    assert "slurm job 7: Slurm did not cancel it: scancel 7" in capsys.readouterr().err


def test_slurm_is_started_from_programs_that_are_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shutil, "which", lambda name, path=None: None)
    before = dict(os.environ)
    with (
        pytest.raises(NoSlurmError, match=r"no munged, slurmctld, .*apt-get install"),
        node(tmp_path),
    ):
        pass
    assert os.environ == before


def test_an_option_without_a_value_is_a_flag() -> None:
    assert executor._options(["exclusive", "partition=gpu"]) == {
        **executor.DEFAULTS,
        "exclusive": True,
        "partition": "gpu",
    }
