"""Which work is timed, in which order; never how long it takes."""

import math
from collections.abc import Iterator

import pytest
import torch
from transformers import LlamaConfig, LlamaForCausalLM

from bench.costs import latency

PROMPTS = [[5, 6, 7], [8, 9], [10, 11, 12, 13, 14]]
NEVER = -1


@pytest.fixture
def student() -> LlamaForCausalLM:
    torch.manual_seed(0)
    return LlamaForCausalLM(
        LlamaConfig(
            vocab_size=64,
            hidden_size=16,
            intermediate_size=24,
            num_hidden_layers=2,
            num_attention_heads=2,
            initializer_range=1.0,  # wide, so that a greedy text does not repeat one token
        )
    ).eval()


@pytest.fixture
def forwarded(student: LlamaForCausalLM, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[int]]:
    """Tokens of each forward pass so far; the clock shows their sum, one second a token."""
    lengths: list[int] = []
    handle = student.model.embed_tokens.register_forward_hook(
        lambda _, args, __: lengths.append(args[0].shape[1])
    )
    monkeypatch.setattr(latency, "clock", lambda: float(sum(lengths)))
    yield lengths
    handle.remove()


def test_each_prompt_is_timed_once_in_order_after_a_warm_up_that_leaves_no_trace(
    student: LlamaForCausalLM, forwarded: list[int]
) -> None:
    times = latency.time_prompts(student, PROMPTS, max_new_tokens=4, eos_id=NEVER, n_warmup=4)
    assert times == [(3.0, 1.0, 4), (2.0, 1.0, 4), (5.0, 1.0, 4)]
    warm_up, timed = [3, 2, 5, 3], [3, 2, 5]
    assert forwarded == [n for p in warm_up + timed for n in (p, 1, 1, 1)]


def test_the_cache_is_used_and_the_text_is_that_of_generate(student: LlamaForCausalLM) -> None:
    ids = torch.tensor([PROMPTS[0]])
    out = student.generate(  # pyright: ignore[reportAttributeAccessIssue]
        ids,
        attention_mask=torch.ones_like(ids),
        max_new_tokens=8,
        do_sample=False,
        eos_token_id=None,
        pad_token_id=0,
    )
    tokens = out[0, 3:].tolist()
    assert len(set(tokens)) > 3
    for eos in set(tokens):
        (timing,) = latency.time_prompts(student, PROMPTS[:1], 8, eos, n_warmup=0)
        assert timing.n_generated == tokens.index(eos) + 1
    (timing,) = latency.time_prompts(student, PROMPTS[:1], 8, NEVER, n_warmup=0)
    assert timing.n_generated == 8


def test_a_single_token_has_no_time_per_output_token(
    student: LlamaForCausalLM, forwarded: list[int]
) -> None:
    (timing,) = latency.time_prompts(student, PROMPTS[:1], 1, NEVER, n_warmup=0)
    assert (timing.ttft_s, timing.n_generated) == (3.0, 1) and math.isnan(timing.tpot_s)
    assert forwarded == [3]


def test_the_device_is_waited_for_before_every_reading_of_the_clock(
    student: LlamaForCausalLM, monkeypatch: pytest.MonkeyPatch
) -> None:
    events: list[str] = []

    def read(device: torch.device) -> float:
        events.append(f"now {device.type}")
        return 0.0

    student.model.embed_tokens.register_forward_hook(lambda *_: events.append("forward"))
    monkeypatch.setattr(latency, "_now", read)
    latency.time_prompts(student, PROMPTS[:1], 3, NEVER, n_warmup=0)
    assert events == ["now cpu", "forward", "now cpu", "forward", "forward", "now cpu"]
    monkeypatch.undo()

    events.clear()
    monkeypatch.setattr(torch.cuda, "synchronize", lambda device: events.append(str(device)))
    monkeypatch.setattr(latency, "clock", lambda: events.append("clock") or 1.0)
    latency._now(torch.device("cuda:0"))
    latency._now(torch.device("cpu"))
    assert events == ["cuda:0", "clock", "clock"]


def test_the_summary_leaves_prompts_of_one_token_out_of_tpot() -> None:
    times = [(1.0, 0.5, 3), (3.0, math.nan, 1), (2.0, 0.7, 2)]
    found = latency.summarise(times)
    assert found == pytest.approx(
        {"ttft_s_p50": 2.0, "ttft_s_p95": 2.9, "tpot_s_p50": 0.6, "tpot_s_p95": 0.69}
    )
    assert math.isnan(latency.summarise(times[1:2])["tpot_s_p50"])


def test_the_reference_loop_is_timed_right_before_each_prompt_but_no_warm_up(
    student: LlamaForCausalLM, forwarded: list[int]
) -> None:
    seen: list[int] = []
    latency.time_prompts(
        student, PROMPTS, 2, NEVER, n_warmup=2, before=lambda: seen.append(len(forwarded))
    )
    assert seen == [4, 6, 8], "two passes a prompt"
    state, cpu = torch.random.get_rng_state(), torch.device("cpu")
    assert latency.reference_s(cpu) == 0.0, "on the clock of tokens, none of which it reads"
    assert torch.equal(torch.random.get_rng_state(), state)


def test_nothing_to_time_is_an_error(student: LlamaForCausalLM) -> None:
    for prompts, n in (([], 4), ([[]], 4), (PROMPTS, 0)):
        with pytest.raises(ValueError, match="at least one prompt"):
            latency.time_prompts(student, prompts, n, NEVER)


def test_peak_memory_holds_at_least_what_is_alive() -> None:
    alive = torch.ones(2**22)
    assert latency.peak_memory_bytes(torch.device("cpu")) > alive.nbytes
