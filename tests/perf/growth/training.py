"""Seconds and memory of training, each measurement in a process of its own."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path

from bench.ground.bars import Bar
from tests.perf.growth.child import LORA_RANK, Case, Spent
from tests.perf.growth.sizes import Section, Sizes

ROOT = Path(__file__).parents[3]
MICRO_BATCH, BATCH, TOKENS = 1024, 8, 64
HELD = f"LoRA of rank {LORA_RANK} in fp32"
MB = 10**6


def by_parameters(sizes: Sizes, home: Path) -> Section:
    spent = _all([Case(4, MICRO_BATCH, shape) for shape in sizes.shapes], home)
    held = f"{HELD}, 4 steps of {BATCH} sequences of {TOKENS} tokens, one micro-batch each."
    rows = [(each.n_parameters, _costs(each)) for each in spent]
    return Section("Training against parameters", held, "parameters", rows)


def by_sequences(sizes: Sizes, home: Path) -> Section:
    spent = _all([Case(n // BATCH, MICRO_BATCH, sizes.base) for n in sizes.sequences], home)
    held = f"{_student(spent)}, {BATCH} sequences of {TOKENS} tokens a step."
    rows = [(n, _costs(each)) for n, each in zip(sizes.sequences, spent, strict=True)]
    return Section("Training against sequences", held, "sequences", rows)


def by_tokens(sizes: Sizes, home: Path) -> Section:
    cases = [Case(4, MICRO_BATCH, sizes.base, n_tokens=n) for n in sizes.tokens]
    spent = _all(cases, home)
    held = (
        f"{_student(spent)}, 4 steps of {BATCH} sequences in micro-batches of at most"
        f" {MICRO_BATCH:,} tokens."
    )
    rows = [(n, _costs(each)) for n, each in zip(sizes.tokens, spent, strict=True)]
    return Section("Training against tokens of a sequence", held, "tokens of a sequence", rows)


def by_micro_batch(sizes: Sizes, home: Path) -> Section:
    n_tokens, most = min(sizes.micro_batches) // 2, max(sizes.micro_batches)
    cases = [
        Case(1, n, sizes.base, batch_size=most // n_tokens, n_tokens=n_tokens)
        for n in sizes.micro_batches
    ]
    spent = _all(cases, home)
    held = f"{_student(spent)}, one step of {most:,} tokens in sequences of {n_tokens:,}."
    rows = [(n, _costs(each)) for n, each in zip(sizes.micro_batches, spent, strict=True)]
    title = "Training against tokens of a micro-batch"
    return Section(title, held, "tokens of a micro-batch", rows)


def rows_of_pocket(sizes: Sizes, home: Path) -> list[tuple[Case, Spent]]:
    """A row with short prompts and the one with the longest, in micro-batches of several sizes."""
    cases = [
        Case(sizes.row_steps, n, row=row)
        for n in sizes.row_micro_batches
        for row in ("std_cot", "skintern")
    ]
    return list(zip(cases, _all(cases, home), strict=True))


def _student(spent: Sequence[Spent]) -> str:
    return f"A student of {spent[0].n_parameters / MB:.1f} M parameters, {HELD}"


def _costs(spent: Spent) -> Mapping[str, float]:
    """Of what the libraries and the student hold before, nothing is counted as the step's."""
    return {
        "seconds": spent.seconds,
        "MB that steps add": step_bytes(spent) / MB,
        "peak MB of the process": spent.peak_bytes / MB,
    }


def step_bytes(spent: Spent) -> int:
    """Peak memory beyond the loaded student: adapter, moments, gradients and activations."""
    return max(1, spent.peak_bytes - spent.loaded_bytes)


def _all(cases: Sequence[Case], home: Path) -> list[Spent]:
    return [_apart(case, home) for case in Bar(cases, what="training", unit="run")]


def _apart(case: Case, home: Path) -> Spent:
    command = [sys.executable, "-m", "tests.perf.growth.child", json.dumps(asdict(case))]
    known = os.environ | {"SKBENCH_HOME": str(home)}
    done = subprocess.run(command, cwd=ROOT, env=known, capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(f"{' '.join(command)}\n{done.stderr}")
    return Spent(**json.loads(done.stdout.splitlines()[-1]))
