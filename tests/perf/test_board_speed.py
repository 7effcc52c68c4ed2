"""A board of 10,000 records of the published size, as its users wait for it: `make perf`."""

import gzip
import json
import os
import random
import subprocess
import sys

import pytest

from leaderboard.store.board import PUBLISHED

pytestmark = pytest.mark.slow
N_TRACKS = 85
SHARE = 0.05
"""Of the outcomes that a copy has otherwise than what it is a copy of."""


@pytest.fixture(scope="module")
def big(tmp_path_factory):
    """The published runs of pocket under other tracks' names, each with outcomes of its own."""
    root = tmp_path_factory.mktemp("big") / "records"
    bodies = [(p, json.loads(p.read_bytes())) for p in PUBLISHED.glob("v2/pocket/*/*.json")]
    draw = random.Random(0)
    for number in range(N_TRACKS):
        track = f"pocket-{number}"
        for path, body in bodies:
            body["track"] = body["snapshot"]["track"]["name"] = track
            for each in body["data_sets"].values():
                each["strict"] = [bit ^ (draw.random() < SHARE) for bit in each["strict"]]
            copy = root / "v2" / track / path.parent.name / path.name
            copy.parent.mkdir(parents=True, exist_ok=True)
            copy.write_text(json.dumps(body))
    return root


def board(*words, home):
    """The words of a verb; its peak memory in bytes, as Linux tells it."""
    environment = os.environ | {"SKBENCH_HOME": str(home)}
    command = [sys.executable, "-c", _MEASURED, "board", *map(str, words)]
    done = subprocess.run(command, env=environment, check=True, capture_output=True, text=True)
    return int(done.stderr.splitlines()[-1])


_MEASURED = """
import sys
from pathlib import Path
from bench.__main__ import main
code = main(sys.argv[1:])
sys.stdout.flush()
told = dict(line.split(":") for line in Path("/proc/self/status").read_text().splitlines())
print(1024 * int(told["VmHWM"].split()[0]), file=sys.stderr)
sys.exit(code)
"""


def test_rows_of_a_track_with_a_warm_index(benchmark, big, tmp_path):
    words = ("show", "pocket-1", "--records", big)
    memory = benchmark.pedantic(
        board, args=words, kwargs={"home": tmp_path}, rounds=5, warmup_rounds=1
    )
    benchmark.extra_info["peak_memory_bytes"] = memory


def test_rows_of_a_track_with_no_index(benchmark, big, tmp_path_factory):
    def cold():
        return board("show", "pocket-1", "--records", big, home=tmp_path_factory.mktemp("home"))

    benchmark.extra_info["peak_memory_bytes"] = benchmark.pedantic(cold, rounds=3)


def test_the_page_with_no_index_and_with_a_warm_one(benchmark, big, tmp_path):
    words = ("page", "--records", big, "--out", tmp_path / "out")
    cold = board(*words, home=tmp_path)
    (tmp_path / "out" / "index.html").unlink()
    memory = benchmark.pedantic(board, args=words, kwargs={"home": tmp_path}, rounds=1)
    size = len(gzip.compress((tmp_path / "out" / "index.html").read_bytes()))
    benchmark.extra_info.update(peak_memory_bytes=memory, cold_peak_bytes=cold, gzipped_bytes=size)
    assert size <= 5_000_000
