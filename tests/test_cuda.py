"""A GPU takes the steps and writes the answers of a CPU, and makes do with the memory it has."""

import gc
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import torch

from bench.__main__ import main
from bench.costs import latency
from tests import cuda_work
from tests.tracks import toy_track

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no GPU")
ROOT = Path(__file__).parents[1]


def found(devices: str) -> Any:
    """What a process finds that sees these GPUs."""
    env = os.environ | {"CUDA_VISIBLE_DEVICES": devices, "PYTHONPATH": f"{ROOT}:{ROOT}/tests"}
    words = [sys.executable, "-m", "tests.cuda_work"]
    done = subprocess.run(words, env=env, cwd=ROOT, capture_output=True, text=True, check=True)
    return json.loads(done.stdout)


@pytest.fixture(scope="module")
def both() -> tuple[Any, Any]:
    cpu, gpu = found(""), found("0")
    assert (cpu["device"], gpu["device"]) == ("cpu", "cuda")
    return cpu, gpu


def test_a_gpu_takes_the_steps_of_a_cpu(both: tuple[Any, Any]) -> None:
    cpu, gpu = both
    for name, losses in cpu["losses"].items():
        near = 2e-2 if "bf16" in name else 1e-3
        assert gpu["losses"][name] == pytest.approx(losses, rel=near), name


def test_a_gpu_writes_the_answers_of_a_cpu(both: tuple[Any, Any]) -> None:
    cpu, gpu = both
    for family, texts in cpu["answers"].items():
        same = sum(one == other for one, other in zip(gpu["answers"][family], texts, strict=True))
        assert same >= 0.9 * len(texts), "a tie may be broken otherwise"
        assert len(set(texts)) > len(texts) / 2


@pytest.fixture
def within() -> Iterator[Callable[[int], None]]:
    """Lets this process have so many bytes of the GPU, and all again afterwards."""
    total = torch.cuda.get_device_properties(0).total_memory

    def limit(n_bytes: int) -> None:
        gc.collect()
        torch.cuda.empty_cache()
        torch.cuda.set_per_process_memory_fraction(n_bytes / total)

    yield limit
    torch.cuda.set_per_process_memory_fraction(1.0)


WORK = {
    "training": partial(
        cuda_work.losses, "llama", cuda_work.examples(64), 2, micro_batch_tokens=10**9
    ),
    "answering": partial(cuda_work.answers, "llama", 20),
}


@pytest.mark.parametrize("what", WORK)
def test_where_memory_runs_out_the_same_is_done_in_smaller_batches(
    what: str, within: Callable[[int], None], capsys: pytest.CaptureFixture[str]
) -> None:
    work: Callable[[], Any] = WORK[what]
    work()  # what the first use of a library holds, it holds from here on
    held = torch.cuda.memory_allocated()
    latency.reset_peak_memory(torch.device("cuda"))
    rich = work()
    needed = latency.peak_memory_bytes(torch.device("cuda")) - held
    capsys.readouterr()
    within(held + needed // 2)
    assert work() == pytest.approx(rich, rel=1e-3) if what == "training" else work() == rich
    assert "out of memory: " in capsys.readouterr().err


def test_memory_is_that_of_the_gpu() -> None:
    gpu = torch.device("cuda")
    latency.reset_peak_memory(gpu)
    before = latency.peak_memory_bytes(gpu)
    block = torch.zeros(2**28, dtype=torch.uint8, device=gpu)
    assert latency.peak_memory_bytes(gpu) >= before + len(block)


def test_a_run_says_which_gpu_it_had(
    tmp_path: Path, home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "own.toml"
    path.write_text(toy_track(training={"precision": "bf16"}))
    assert main(["run", str(path), "--limit", "3", "--json"]) == 0
    (record,) = (json.loads(p.read_text()) for p in (home / "records").rglob("*.json"))
    told = record["provenance"]
    assert told["device"] == torch.cuda.get_device_name()
    assert (told["precision"], told["precision_units"]) == ("bf16", True)
    too_many = str(torch.cuda.device_count() + 1)
    assert main(["run", str(path), "--limit", "2", "--processes", too_many]) == 2
