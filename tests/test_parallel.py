"""Several processes train one student: the same steps as one alone, and none left when one dies."""

import json
import os
import pickle
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import replace
from functools import partial
from itertools import chain, repeat
from pathlib import Path
from typing import Any, cast

import pytest
import torch
from safetensors.torch import load_file
from torch import Tensor

from bench import registry
from bench.__main__ import main
from bench.run import fit
from bench.run.cell import Cell
from bench.run.jobs import ChangedError
from bench.track import ConfigError
from bench.training import parallel
from bench.training import train as training_module
from bench.training.parallel import LostError, together
from tests import parallel_work
from tests.tracks import toy_track

TRACK = toy_track(training={"checkpoint_steps": 1})


class Killed(BaseException):
    """As a kill -9."""


def losses(folder: Path) -> list[float]:
    return [json.loads(line)["loss"] for line in (folder / "train.jsonl").read_text().splitlines()]


def weights(folder: Path) -> dict[str, Tensor]:
    (path,) = (folder / "weights").glob("*.safetensors")
    return load_file(path)


# ------------------------------------------------------------ the same steps

KINDS: dict[str, tuple[str, dict[str, Any]]] = {
    "plain": ("std_cot", {}),
    "objectives": ("mt_cot", {}),
    "lora": ("mt_cot", {"lora_rank": 4}),
    "one sequence a step": ("std_cot", {"batch_size": 1, "epochs": 1}),
    "frozen teacher": ("context_distillation", {}),
    "own texts": ("on_policy_kd", {}),
    "starved": ("mt_cot", {}),
    "resumed": ("std_cot", {"checkpoint_steps": 2}),
}
QUICK = {"plain", "objectives"}


def work_of(cell: Cell, out: Path) -> tuple[Any, ...]:
    student = fit.fresh(cell)
    fit._taught(cell, student)
    examples = fit.attached(cell, student, None)
    return (cell, examples, fit.total_steps(cell, student, examples), out, ())


def begun(cell: Cell, out: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A run of one process that was killed after its checkpoint at step 2."""
    real = training_module._Loop.step

    def deadly(loop: Any, at: int, sequences: Any) -> float:
        if at == 3:
            raise Killed
        return real(loop, at, sequences)

    with monkeypatch.context() as patch:
        patch.setattr(training_module._Loop, "step", deadly)
        with pytest.raises(Killed):
            fit.fit(cell, fit.fresh(cell), out)


@pytest.mark.parametrize(
    "kinds", [QUICK, pytest.param(KINDS.keys() - QUICK, marks=pytest.mark.slow)]
)
def test_two_processes_take_the_very_steps_of_one(
    kinds: set[str],
    make_cell: Callable[..., Cell],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Whatever the method is: a share of a step is weighted by the counts of the whole step."""
    cells = {kind: make_cell(KINDS[kind][0], **KINDS[kind][1]) for kind in sorted(kinds)}
    for kind, cell in cells.items():
        fit.fit(cell, fit.fresh(cell), tmp_path / "one" / kind)
    if "resumed" in kinds:
        begun(cells["resumed"], tmp_path / "two" / "resumed", monkeypatch)
    jobs = [
        (60 if kind == "starved" else None, work_of(cell, tmp_path / "two" / kind))
        for kind, cell in cells.items()
    ]
    together(2, parallel_work.train_each, jobs)
    for kind in kinds:
        one, two = tmp_path / "one" / kind, tmp_path / "two" / kind
        assert losses(two) == pytest.approx(losses(one), rel=1e-5), kind
        first, second = weights(one), weights(two)
        assert first.keys() == second.keys()
        for name, weight in first.items():
            torch.testing.assert_close(second[name], weight, rtol=0, atol=2e-4, msg=kind)


def test_sequences_are_dealt_out_evenly(monkeypatch: pytest.MonkeyPatch) -> None:
    sequences: list[Any] = [[0] * n for n in (3, 9, 1, 7, 5)]
    assert list(map(len, parallel.share(sequences))) == [9, 7, 5, 3, 1]
    monkeypatch.setattr(parallel.dist, "is_initialized", lambda: True)
    monkeypatch.setattr(parallel.dist, "get_world_size", lambda: 2)
    for rank, lengths in enumerate(([9, 5, 1], [7, 3])):
        monkeypatch.setattr(parallel.dist, "get_rank", lambda rank=rank: rank)
        assert list(map(len, parallel.share(sequences))) == lengths


def test_sums_are_of_all_processes() -> None:
    together(2, parallel_work.sums)


# ------------------------------------------------------------ what goes wrong


@pytest.mark.parametrize("how", ["killed", "raised"])
def test_a_process_that_ends_ends_the_others(how: str) -> None:
    error, said = (
        (LostError, r"process 2 of 2 of a training was lost: killed \(SIGKILL\)")
        if how == "killed"
        else (ValueError, "the last one's own fault")
    )
    began = time.monotonic()
    with pytest.raises(error, match=said) as raised:
        together(2, parallel_work.last_fails, how)
    assert time.monotonic() - began < parallel_work.LONG_S / 2
    assert how == "killed" or "in last_fails" in "".join(raised.value.__notes__)


def test_a_process_that_is_still_ending_when_it_is_looked_at_is_not_forgotten(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its sentinel tells of its end before its exit code does."""

    class Dying:
        sentinel, codes = 0, chain([None], repeat(-signal.SIGKILL))

        @property
        def exitcode(self) -> int | None:
            return next(self.codes)

    monkeypatch.setattr(parallel, "wait", lambda _: None)
    with pytest.raises(LostError, match="process 1 of 1"):
        parallel._watch([cast(Any, Dying())], tmp_path)


def children(pid: int) -> dict[int, str]:
    """The processes that another began, and their commands."""
    told = Path(f"/proc/{pid}/task/{pid}/children").read_text()
    return {int(each): Path(f"/proc/{each}/cmdline").read_text() for each in told.split()}


def all_end(pids: list[int]) -> bool:
    for _ in range(200):
        if not any(Path(f"/proc/{pid}/cmdline").exists() for pid in pids):
            return True
        time.sleep(0.1)
    return False


@pytest.mark.slow
@pytest.mark.parametrize("victim", ["worker", "command", "interrupted"])
def test_a_command_that_dies_or_loses_a_process_leaves_none(
    victim: str, tmp_path: Path, home: Path
) -> None:
    track, err = tmp_path / "own.toml", tmp_path / "err"
    track.write_text(toy_track(training={"epochs": 10_000, "checkpoint_steps": 1}))
    words = [sys.executable, "-m", "bench", "run", str(track), "--processes", "2"]
    env = os.environ | {"TMPDIR": str(tmp_path)}  # what is killed clears nothing away
    heard = partial(signal.signal, signal.SIGINT, signal.SIG_DFL)  # what `&` in a script ignores
    with (
        err.open("wb") as told,
        subprocess.Popen(words, stderr=told, env=env, preexec_fn=heard) as began,
        ExitStack() as last,
    ):
        last.callback(began.kill)  # whatever fails: else it is waited for
        while not list(home.glob("runs/*/*/*/checkpoint")):
            assert began.poll() is None, err.read_text()
            time.sleep(0.1)
        workers = [pid for pid, line in children(began.pid).items() if "spawn_main" in line]
        assert len(workers) == 2
        if victim == "worker":
            os.kill(workers[1], signal.SIGKILL)
        else:
            began.send_signal(signal.SIGKILL if victim == "command" else signal.SIGINT)
        code = began.wait(timeout=60)
    assert all_end(workers)
    assert code == {"worker": 3, "command": -signal.SIGKILL, "interrupted": 130}[victim]
    if victim == "worker":
        assert "skbench: process 2 of 2 of a training was lost: killed" in err.read_text()


def test_no_more_processes_than_gpus(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parallel.torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(parallel.torch.cuda, "device_count", lambda: 1)
    parallel.check(1)
    with pytest.raises(ConfigError, match="--processes 2: each needs a GPU, and 1 are visible"):
        parallel.check(2)


def test_a_process_that_sees_other_inputs_refuses(make_cell: Callable[..., Cell]) -> None:
    cell = make_cell("std_cot")
    with pytest.raises(ChangedError, match="edited since the command began"):
        fit._part("a title", replace(cell, seed=1).train_key, cell)


# ------------------------------------------------------------ the command


def test_a_method_of_a_file_is_read_by_another_process(tmp_path: Path) -> None:
    source = Path(registry.__file__).parent / "cli" / "study" / "method.py"
    shutil.copyfile(source, tmp_path / "mine.py")
    method = registry.discover(tmp_path / "mine.py")["mine"]
    (tmp_path / "sent").write_bytes(pickle.dumps(method))
    code = f"import pickle; print(pickle.load(open({str(tmp_path / 'sent')!r}, 'rb')).label)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == method.label == "mine"


def test_processes_are_in_no_key(make_cell: Callable[..., Cell]) -> None:
    cell = make_cell("on_policy_kd")
    several = replace(cell, n_processes=2)
    assert (several.key, several.train_key) == (cell.key, cell.train_key)
    assert several.teacher is not None and several.teacher.n_processes == 2


@pytest.mark.slow
def test_the_command_trains_by_several_processes_and_its_record_says_so(
    tmp_path: Path, home: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    track = tmp_path / "own.toml"
    track.write_text(TRACK)
    words = ["run", str(track), "--limit", "3", "--json"]
    rows = list[Any]()
    for n in (1, 2):
        assert main([*words, "--processes", str(n)]) == 0
        rows += json.loads(capfd.readouterr().out)
        (path,) = (home / "records").rglob("*.json")
        record = json.loads(path.read_text())
        assert record["provenance"]["processes"] == n
        assert record["training"]["peak_memory_bytes"] > 0
        measured = ("seconds", "peak_memory_bytes")
        rows.append({k: v for k, v in record["training"].items() if k not in measured})
        shutil.rmtree(home)
    assert rows[3]["loss_curve"] == pytest.approx(rows[1]["loss_curve"], rel=1e-5)
    assert {**rows[3], "loss_curve": 0, "final_loss": 0} == {
        **rows[1], "loss_curve": 0, "final_loss": 0
    }  # fmt: skip
    assert rows[2]["method"] == rows[0]["method"]
