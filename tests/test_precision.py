"""A device without units for bf16 is found out by measuring, told of before training, recorded."""

import json
import os
import platform
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from bench.__main__ import main
from bench.cli import doctor
from bench.run import jobs, precision
from bench.run.precision import Speeds
from bench.track import Student, Track, Training, load
from tests.test_layers import ROOT
from tests.test_run import TRACK

BF16 = TRACK.replace("[training]", '[training]\nprecision = "bf16"')
NO_UNITS = {"ONEDNN_MAX_CPU_ISA": "AVX2", "ATEN_CPU_CAPABILITY": "avx2"}
"""Keeps the libraries from what a processor has beyond these."""
SLOW = Speeds(fp32=62.0, bf16=0.75)


def on_cpu(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *arguments],
        env=os.environ | {"CUDA_VISIBLE_DEVICES": "", "OMP_NUM_THREADS": "1"} | environment,
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )


def measured(**environment: str) -> Speeds:
    code = "from bench.run.precision import speeds as s; print(s().fp32, s().bf16)"
    return Speeds(*map(float, on_cpu("-c", code, **environment).stdout.split()))


def processor_has(*flags: str) -> bool:
    path = Path("/proc/cpuinfo")
    return path.is_file() and bool(set(flags) & set(path.read_text().split()))


x86 = pytest.mark.skipif(platform.machine() != "x86_64", reason="units are turned off on x86 alone")


@pytest.fixture
def track(tmp_path: Path) -> Callable[[str], str]:
    def write(text: str) -> str:
        (tmp_path / "own.toml").write_text(text)
        return str(tmp_path / "own.toml")

    return write


@pytest.fixture
def slow(monkeypatch: pytest.MonkeyPatch) -> None:
    precision._say.cache_clear()
    monkeypatch.setattr(precision, "speeds", lambda: SLOW)


@pytest.fixture
def never_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(precision, "speeds", lambda: pytest.fail("measured"))


def provenance(home: Path) -> dict[str, Any]:
    (path,) = (home / "records").rglob("*.json")
    found = json.loads(path.read_text())["provenance"]
    return {name: found[name] for name in ("precision", "precision_units")}


# ------------------------------------------------------------ measured


@x86
def test_a_processor_kept_from_its_units_is_found_to_have_none() -> None:
    found = measured(**NO_UNITS)
    assert not found.has_units and found.fp32 > 3 * found.bf16 > 0


@pytest.mark.skipif(
    not processor_has("avx512_bf16", "amx_bf16"), reason="this processor has no units for bf16"
)
def test_a_processor_that_names_units_is_found_to_have_them() -> None:
    assert measured().has_units


def test_measuring_leaves_the_number_of_threads_as_it_was() -> None:
    import torch

    torch.set_num_threads(2)
    precision.speeds.__wrapped__()
    assert torch.get_num_threads() == 2


# ------------------------------------------------------------ told before training


@x86
def test_a_run_says_once_before_training_that_bf16_is_slow_and_records_it(
    track: Callable[[str], str], home: Path
) -> None:
    words = ["-m", "bench", "run", track(BF16), "--limit", "2", "--jobs", "2"]
    told = on_cpu(*words, **NO_UNITS).stderr
    assert told.count("asks for bf16") == 1
    assert told.index("asks for bf16") < told.index(": running")
    assert "track 'own' asks for bf16" in told
    assert 'training.precision = "fp32"' in told and "bf16_weights" not in told
    assert provenance(home) == {"precision": "bf16", "precision_units": False}


def test_the_warning_has_the_factor_and_both_speeds(
    slow: None, track: Callable[[str], str], capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["run", track(BF16), "--limit", "2"]
    assert main(words) == 0
    told = capsys.readouterr().err
    assert "83 times slower than fp32 (0.75 against 62 GFLOP/s)" in told
    precision._say.cache_clear()
    assert main(words) == 0
    assert "bf16" not in capsys.readouterr().err, "all is done"


def test_units_of_the_machine_that_submits_say_nothing_of_those_that_train(
    slow: None, track: Callable[[str], str], capsys: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SKBENCH_DEVICE", "cuda")
    cell: Any = SimpleNamespace(track=load(track(BF16)), method=SimpleNamespace(trains=True))
    precision.warn([cell])
    assert "bf16" not in capsys.readouterr().err


def test_processes_that_share_a_command_leave_the_warning_to_the_one_that_started_them(
    slow: None,
    track: Callable[[str], str],
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv(jobs.POSITION, "0")
    monkeypatch.setattr(jobs, "_end_with_parent", lambda: None)  # this process began no command
    assert main(["run", track(BF16), "--limit", "2"]) == 0
    assert "bf16" not in capsys.readouterr().err


def test_weights_in_bf16_are_named_in_what_to_change() -> None:
    asked: Any = SimpleNamespace(name="own", student=Student(path="x", bf16_weights=True))
    assert "and student.bf16_weights = false" in precision._warning(asked, SLOW)


# ------------------------------------------------------------ recorded


def test_what_is_not_trained_is_of_fp32_and_needs_no_units(
    never_measured: None, track: Callable[[str], str], home: Path
) -> None:
    assert main(["run", track(BF16), "--methods", "zero_shot", "--limit", "2"]) == 0
    assert provenance(home) == {"precision": "fp32", "precision_units": True}


def test_what_is_trained_in_fp32_is_recorded_so_and_nothing_is_measured(
    never_measured: None, track: Callable[[str], str], home: Path
) -> None:
    assert main(["run", track(TRACK), "--limit", "2"]) == 0
    assert provenance(home) == {"precision": "fp32", "precision_units": True}


def test_a_checkpoint_trained_elsewhere_is_not_filed_under_the_tracks_precision(
    slow: None, track: Callable[[str], str], home: Path
) -> None:
    path = track(BF16)
    assert main(["run", path, "--limit", "2"]) == 0
    (run,) = (home / "runs" / "own" / "std_cot").glob("seed0-*[!k]")
    student = home / "student"
    assert main(["export-student", str(run), str(student)]) == 0
    (made,) = (home / "records").rglob("*.json")
    made.unlink()
    words = ["--student", str(student), "--method", "std_cot", "--track", path, "--limit", "2"]
    assert main(["evaluate", *words]) == 0
    assert provenance(home) == {"precision": "fp32", "precision_units": True}


@pytest.mark.parametrize("trains", [True, False])
def test_weights_held_in_bf16_make_a_row_of_bf16(trains: bool, slow: None) -> None:
    training = Training(epochs=1, batch_size=1, learning_rate=1.0, lora_rank=1)
    student = Student(path="x", bf16_weights=True)
    held: Track = SimpleNamespace(training=training, student=student)  # type: ignore[assignment]
    assert precision.told(held, trains=trains) == {"precision": "bf16", "precision_units": False}


# ------------------------------------------------------------ doctor, and who does not ask


def test_doctor_shows_what_the_device_does_with_bf16(
    slow: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    (found,) = (each for each in doctor.examine() if each["what"] == "bf16")
    assert found["found"] == "no units, 83 times slower than fp32"
    assert not found["ok"] and not found["required"] and "tinyllama trains in it" in found["advice"]
    monkeypatch.setattr(precision, "speeds", lambda: Speeds(fp32=100.0, bf16=180.0))
    (found,) = (each for each in doctor.examine() if each["what"] == "bf16")
    assert found["found"] == "units, 1.8 times as fast as fp32"
    assert found["ok"] and not found["advice"]


@pytest.mark.parametrize(
    "words", [["list", "tracks"], ["board", "show", "pocket"], ["run", "pocket", "--dry-run"]]
)
def test_what_trains_nothing_measures_nothing(words: list[str], never_measured: None) -> None:
    assert main(words) == 0
