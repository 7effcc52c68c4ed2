"""Several processes at one command share its cells and do none twice."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from bench.__main__ import main
from bench.ground.files import BusyError, locked
from bench.run import jobs, stages
from bench.run.executors import local
from bench.run.jobs import Work
from tests.test_run import TRACK
from tests.tracks import toy_track


@pytest.fixture
def track(tmp_path: Path) -> Path:
    path = tmp_path / "own.toml"
    path.write_text(TRACK)
    return path


def test_two_jobs_make_every_record_once(track: Path, capfd: pytest.CaptureFixture[str]) -> None:
    words = ["run", str(track), "--methods", "answer_only,std_cot", "--seeds", "0,1"]
    assert main([*words, "--limit", "2", "--json", "--jobs", "2"]) == 0
    out, err = capfd.readouterr()
    assert [row["n_seeds"] for row in json.loads(out)] == [2, 2]
    assert err.count(": running") == 4


def test_two_commands_at_once_make_every_cell_once(track: Path, tmp_path: Path) -> None:
    words = ["run", str(track), "--methods", "answer_only,mt_cot", "--seeds", "0,1", "--limit", "2"]
    files = [tmp_path / "first", tmp_path / "second"]
    begun = list["subprocess.Popen[bytes]"]()
    for path in files:
        with path.open("wb") as told:
            command = [sys.executable, "-m", "bench", *words]
            begun.append(subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=told))
    assert [each.wait() for each in begun] == [0, 0]
    told = [path.read_text() for path in files]
    assert sum(text.count(": running") for text in told) == 4


def test_the_processes_of_a_command_end_with_it(track: Path, tmp_path: Path) -> None:
    track.write_text(toy_track(training={"epochs": 10_000}))
    words = ["run", str(track), "--methods", "std_cot", "--seeds", "0,1", "--jobs", "2"]
    err = tmp_path / "err"
    with (
        err.open("wb") as told,
        subprocess.Popen([sys.executable, "-m", "bench", *words], stderr=told) as began,
    ):
        while err.read_bytes().count(b": running") < 2:
            assert began.poll() is None, err.read_text()
        children = Path(f"/proc/{began.pid}/task/{began.pid}/children").read_text()
        began.kill()
    workers = [Path(f"/proc/{pid}/cmdline") for pid in children.split()]
    assert len(workers) == 2
    for _ in range(100):
        if not any(each.exists() and each.read_bytes() for each in workers):
            return
        time.sleep(0.1)
    for each in workers:
        os.kill(int(each.parent.name), signal.SIGKILL)
    pytest.fail("they went on alone")


LOST = """#!/bin/sh
test "$TQDM_POSITION" = 0 || exit $OTHER
kill -9 $$
"""


@pytest.mark.parametrize(("other", "code"), [("0", 0), ("3", 3)])
def test_what_a_killed_process_was_at_is_left_to_the_others(
    other: str,
    code: int,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    (tmp_path / "lost").write_text(LOST)
    (tmp_path / "lost").chmod(0o755)
    monkeypatch.setattr(jobs.sys, "executable", str(tmp_path / "lost"))
    monkeypatch.setenv("OTHER", other)
    assert local.share(Work(["run"], "cells", n_jobs=2)) == code
    assert "1 of 2 processes were killed (SIGKILL)" in capsys.readouterr().err


def test_a_fault_is_told_once_and_before_any_job_starts(
    track: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    assert main(["run", str(track), "--methods", "std_cott", "--jobs", "2"]) == 2
    assert capfd.readouterr().err.count("std_cott") == 1


def test_what_another_process_is_at_comes_last(
    track: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    order = list[int]()
    real = stages._make_record

    def watched(cell: Any, **how: bool) -> Any:
        order.append(cell.seed)
        if cell.seed == 1:
            held.set()
        return real(cell, **how)

    held, cells = threading.Event(), list[Any]()
    monkeypatch.setattr(stages, "_make_record", watched)
    real_cells = stages.run_cells
    monkeypatch.setattr(stages, "run_cells", lambda found: cells.extend(found) or real_cells([]))
    main(["run", str(track), "--seeds", "0,1", "--limit", "2"])
    other = threading.Thread(target=hold_until, args=(cells[0].folder, held))
    other.start()
    while not _busy(cells[0].folder):
        pass
    records = real_cells(cells)
    other.join()
    assert order == [1, 0] and [record.seed for record in records] == [0, 1]
    assert "seed 0: another process is at it" in capsys.readouterr().err


def hold_until(folder: Path, released: threading.Event) -> None:
    with locked(folder):
        released.wait(timeout=60)


def _busy(folder: Path) -> bool:
    try:
        with locked(folder, wait=False):
            return False
    except BusyError:
        return True
