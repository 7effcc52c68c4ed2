"""A board of 10,000 records of the published size, as its users wait for it: `make perf`."""

import gzip

import pytest

from tests.perf.made_records import board, make

pytestmark = pytest.mark.slow
N_TRACKS = 41
"""Of pocket's 246 runs each: 10,086 records."""


@pytest.fixture(scope="module")
def big(tmp_path_factory):
    root = tmp_path_factory.mktemp("big") / "records"
    make(root, range(N_TRACKS))
    return root


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
