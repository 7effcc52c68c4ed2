"""How long one question takes: batch 1, greedy with KV cache, warmed up, synchronised."""

import math
import os
import re
import resource
import sys
from collections.abc import Callable, Sequence
from itertools import cycle, islice
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor
from transformers import PreTrainedModel

from bench.ground.bars import Bar
from bench.ground.clock import clock


class Timing(NamedTuple):
    """One prompt: seconds to the first token, mean seconds for each one after it."""

    ttft_s: float
    tpot_s: float
    """nan when only one token was generated."""
    n_generated: int
    """The end-of-text token included."""


def time_prompts(
    model: PreTrainedModel,
    prompts_ids: Sequence[list[int]],
    max_new_tokens: int,
    eos_id: int,
    n_warmup: int = 3,
    before: Callable[[], None] | None = None,
) -> list[Timing]:
    """One timing per prompt, in order; the first `n_warmup` prompts run once more before, unseen.

    `before` is called right before each that is timed. The time to the first token includes moving
    the prompt to the device. `model` is in eval mode.
    """
    if not prompts_ids or not all(prompts_ids) or max_new_tokens < 1:
        raise ValueError("timing needs at least one prompt, no empty prompt, max_new_tokens >= 1")
    runs = [*islice(cycle(prompts_ids), n_warmup), *prompts_ids]
    bar = Bar(runs, what="timing", unit="prompt")
    times = list[Timing]()
    for number, ids in enumerate(bar):
        if before is not None and number >= n_warmup:
            before()
        times.append(_time_one(model, ids, max_new_tokens, eos_id))
    return times[n_warmup:]


def summarise(times: Sequence[tuple[float, float, int]]) -> dict[str, float]:
    """p50 and p95 of ttft_s and tpot_s; tpot_s over prompts with two tokens or more, else nan."""
    columns = {
        "ttft_s": [ttft_s for ttft_s, _, _ in times],
        "tpot_s": [tpot_s for _, tpot_s, n_generated in times if n_generated >= 2],
    }
    return {
        f"{name}_p{q}": float(np.percentile(values, q)) if values else math.nan
        for name, values in columns.items()
        for q in (50, 95)
    }


N_PRODUCTS, N_ROWS, WIDTH = 400, 16, 256
"""Of the reference loop: products of (N_ROWS, WIDTH) by (WIDTH, WIDTH), as long as a small
student's prompt."""


@torch.inference_mode()
def reference_s(device: torch.device) -> float:
    """Seconds of a fixed loop of fp32 matrix products on the device. Nothing random is drawn."""
    weights = torch.full((WIDTH, WIDTH), 1 / WIDTH, device=device)
    state = torch.ones(N_ROWS, WIDTH, device=device)
    start_s = _now(device)
    for _ in range(N_PRODUCTS):
        state = state @ weights
    return _now(device) - start_s


CLEAR_PEAK = Path("/proc/self/clear_refs")


def reset_peak_memory(device: torch.device) -> None:
    """Let the peak begin anew: of a CUDA device, or of the process where Linux allows it."""
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(device)
    elif os.access(CLEAR_PEAK, os.W_OK):
        CLEAR_PEAK.write_text("5")  # see proc(5): resets VmHWM


def peak_memory_bytes(device: torch.device) -> int:
    """Most memory held at once since the reset: tensors on a CUDA device, else the process."""
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device)
    status = Path("/proc/self/status")
    if status.is_file():
        found = re.search(r"VmHWM:\s+(\d+) kB", status.read_text())
        if found is not None:
            return int(found[1]) * 1024
    unit = 1 if sys.platform == "darwin" else 1024  # ru_maxrss: bytes on macOS, KiB on Linux
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit


@torch.inference_mode()
def _time_one(
    model: PreTrainedModel, prompt_ids: list[int], max_new_tokens: int, eos_id: int
) -> Timing:
    start_s = _now(model.device)
    input_ids = torch.tensor([prompt_ids], device=model.device)
    output = model(input_ids=input_ids, use_cache=True, logits_to_keep=1)
    token = _greedy(output.logits)
    n_generated, stopped = 1, int(token) == eos_id
    first_s = _now(model.device)
    while not stopped and n_generated < max_new_tokens:
        output = model(input_ids=token, past_key_values=output.past_key_values, use_cache=True)
        token = _greedy(output.logits)
        n_generated, stopped = n_generated + 1, int(token) == eos_id
    end_s = _now(model.device)
    tpot_s = (end_s - first_s) / (n_generated - 1) if n_generated > 1 else math.nan
    return Timing(first_s - start_s, tpot_s, n_generated)


def _greedy(logits: Tensor) -> Tensor:
    """The next token, (1, 1), from logits (1, T, V)."""
    return logits[:, -1:].argmax(dim=-1)


def _now(device: torch.device) -> float:
    """The clock, after all work queued on the device."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    return clock()
