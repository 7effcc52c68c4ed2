"""A loop of matrix products timed around each benchmark, as a run does before each question."""

import statistics

import pytest
import torch

from bench.costs import latency

N_LOOPS = 20
CPU = torch.device("cpu")


@pytest.fixture(autouse=True)
def calibrated(request):
    if "benchmark" not in request.fixturenames:
        yield
        return
    benchmark = request.getfixturevalue("benchmark")
    latency.reference_s(CPU)  # the first of a process loads what it runs on
    loops = [latency.reference_s(CPU) for _ in range(N_LOOPS)]
    yield
    loops += [latency.reference_s(CPU) for _ in range(N_LOOPS)]
    benchmark.extra_info["calibration_s"] = statistics.median(loops)
