"""Whole commands, as a user waits for them: `make perf`, never a pass or fail on time."""

import os
import subprocess
import sys

import pytest

pytestmark = pytest.mark.slow


def run(*arguments, home=None):
    environment = os.environ | ({"SKBENCH_HOME": str(home)} if home else {})
    command = [sys.executable, "-m", "bench", *arguments]
    subprocess.run(command, env=environment, check=True, capture_output=True)


@pytest.mark.parametrize("arguments", [("--help",), ("board", "show", "pocket")], ids=" ".join)
def test_what_must_answer_at_once(benchmark, arguments):
    benchmark.pedantic(run, args=arguments, rounds=5, warmup_rounds=1)


def test_six_methods_at_one_seed_and_then_the_same_again(benchmark, tmp_path):
    run("run", "pocket", home=tmp_path)
    benchmark.pedantic(run, args=("run", "pocket"), kwargs={"home": tmp_path}, rounds=3)


def test_six_methods_at_one_seed(benchmark, tmp_path):
    benchmark.pedantic(run, args=("run", "pocket"), kwargs={"home": tmp_path}, rounds=1)
