"""How long a model of the student's shape takes, with random weights: what it writes is nothing,
but an accelerator works as long on it as on the trained one.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from statistics import median
from typing import Any

import torch
from transformers import AutoModelForCausalLM, PreTrainedModel

from bench.costs import latency
from bench.estimates.walk import Calls
from bench.ground import bars
from bench.ground.provenance import device_name
from bench.students import student
from bench.students.shapes import config_of, meta_model
from bench.track import ConfigError
from leaderboard.store.costs import CostRecord, MethodCost, Timing

QUESTIONS = 8
"""Timed per method, spread evenly over all."""
TOKENS = 32
"""Timed per call; a longer completion is taken to go on at that pace."""
LARGEST_ON_CPU = 2 * 10**9
"""Bytes of weights."""
NEVER = -1
"""No token has this id, so no timing ends early."""


def timed(
    record: CostRecord, shape: Mapping[str, Any], calls: Mapping[str, Sequence[Calls]]
) -> CostRecord:
    """The record with a timing for each method; `check` the shape before it is counted."""
    with bars.stage("making a model of random weights"):
        model = _random_model(shape)
    methods = list[MethodCost]()
    for method in record.methods:
        asked = any(calls[method.label])  # a row without a student has nothing to time
        with bars.about(method.label):
            timing = _timing(model, calls[method.label]) if asked else None
            methods.append(replace(method, timing=timing))
    known = {**record.provenance, "device": device_name(), "weights": "random"}
    return replace(record, methods=methods, provenance=known)


def check(shape: Mapping[str, Any]) -> None:
    """ConfigError for a shape that is too large to be timed on a CPU, where there is no GPU."""
    n_bytes = 4 * sum(weight.numel() for weight in meta_model(shape).parameters())
    if student.device().type == "cpu" and n_bytes > LARGEST_ON_CPU:
        raise ConfigError(
            f"--time: {n_bytes / 1e9:.1f} GB of fp32 weights are too much to time on a CPU"
            f" (at most {LARGEST_ON_CPU / 1e9:.0f} GB): run it where there is a GPU"
        )


def _random_model(shape: Mapping[str, Any]) -> PreTrainedModel:
    """On the accelerator in bf16, else on the CPU in fp32."""
    device = student.device()
    dtype = torch.float32 if device.type == "cpu" else torch.bfloat16
    with device:
        return AutoModelForCausalLM.from_config(config_of(shape), dtype=dtype).eval()


def _timing(model: PreTrainedModel, calls: Sequence[Calls]) -> Timing:
    """Each call of some questions at its own prompt length, with random tokens."""
    n = min(QUESTIONS, len(calls))
    chosen = [calls[i * len(calls) // n] for i in range(n)]
    flat = [call for each in chosen for call in each]
    draw = torch.Generator().manual_seed(0)
    size = model.config.vocab_size
    prompts = [torch.randint(size, (p,), generator=draw).tolist() for p, _ in flat]
    latency.reset_peak_memory(model.device)
    found = latency.time_prompts(model, prompts, TOKENS, NEVER)
    seconds = sum(
        each.ttft_s + each.tpot_s * (n_generated - 1)
        for each, (_, n_generated) in zip(found, flat, strict=True)
    )
    return Timing(
        n=n,
        ttft_s_p50=median(each.ttft_s for each in found),
        tpot_s_p50=median(each.tpot_s for each in found),
        tokens_per_s=sum(n_generated for _, n_generated in flat) / seconds,
        peak_memory_bytes=latency.peak_memory_bytes(model.device),
    )
