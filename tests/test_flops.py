"""The cost of a student against FlopCounterMode on real calls, and against closed forms."""

import tomllib
from functools import cache
from pathlib import Path

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode, sdpa_flop_count
from transformers import AutoConfig, AutoModelForCausalLM, PreTrainedModel

import tasks.pocket
from bench.costs import flops
from bench.costs.flops import FlopError, FlopModel, fit_flops

SMALL = {
    "vocab_size": 96,
    "hidden_size": 32,
    "intermediate_size": 56,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "max_position_embeddings": 256,
}
CONFIGS = {
    "llama": SMALL | {"model_type": "llama", "tie_word_embeddings": False},
    "qwen2": SMALL | {"model_type": "qwen2", "tie_word_embeddings": True},
    "qwen3": SMALL | {"model_type": "qwen3", "head_dim": 16, "tie_word_embeddings": True},
    "lfm2": tomllib.loads((Path(tasks.pocket.__file__).parent / "student.toml").read_text())[
        "config"
    ],
}
TINY_LLAMA = {
    "model_type": "llama",
    "vocab_size": 32000,
    "hidden_size": 2048,
    "intermediate_size": 5632,
    "num_hidden_layers": 22,
    "num_attention_heads": 32,
    "num_key_value_heads": 4,
    "max_position_embeddings": 2048,
    "tie_word_embeddings": False,
}
families = pytest.mark.parametrize("family", sorted(CONFIGS))


@cache
def student(family: str) -> PreTrainedModel:
    config = CONFIGS[family]
    torch.manual_seed(0)
    model = AutoModelForCausalLM.from_config(AutoConfig.for_model(**config)).eval()
    assert model.generation_config is not None
    model.generation_config.eos_token_id = None  # so that the token count is the one asked for
    return model


@cache
def fitted(family: str) -> FlopModel:
    return fit_flops(student(family))


def prompt(n: int) -> torch.Tensor:
    return torch.randint(2, 90, (1, n), generator=torch.Generator().manual_seed(n))


def flash_on_cpu(
    query: torch.Size, key: torch.Size, value: torch.Size, *rest: object, **options: object
) -> int:
    return sdpa_flop_count(query, key, value)


def depthwise_backward(
    grad: torch.Size, signal: torch.Size, weight: torch.Size, *rest: object, **options: object
) -> int:
    """Gradient of input and of weight; torch's formula forgets the groups of the second."""
    n_batch, n_channels, length = grad
    return 2 * 2 * n_batch * n_channels * length * weight[1] * weight[2]


def head_dim(family: str) -> int:
    config = student(family).config
    return getattr(config, "head_dim", None) or config.hidden_size // config.num_attention_heads


def rotary(family: str) -> int:
    """MACs per position of the rotary angles: a matmul in some releases of transformers."""
    with counter() as counted:
        student(family).model.rotary_emb(torch.zeros(1, 1), torch.arange(10)[None])
    assert counted.get_total_flops() in (0, 2 * 10 * head_dim(family) // 2)
    return counted.get_total_flops() // (2 * 10)


def counter() -> FlopCounterMode:
    """FlopCounterMode, taught the two operators that it misses or miscounts on CPU."""
    return FlopCounterMode(
        display=False,
        custom_mapping={
            torch.ops.aten._scaled_dot_product_flash_attention_for_cpu: flash_on_cpu,
            torch.ops.aten.convolution_backward: depthwise_backward,
        },
    )


def generate_flops(model: PreTrainedModel, n_prompt: int, n_generated: int) -> int:
    ids = prompt(n_prompt)
    with counter() as counted:
        out = model.generate(  # pyright: ignore[reportCallIssue]
            ids,
            attention_mask=torch.ones_like(ids),
            max_new_tokens=n_generated,
            do_sample=False,
            pad_token_id=0,
        )
    assert out.shape[1] == n_prompt + n_generated
    return counted.get_total_flops()


@families
@pytest.mark.parametrize("attention", ["eager", "sdpa"])
def test_prefill_and_decode_equal_a_counted_greedy_generation_to_the_integer(
    family: str, attention: str
) -> None:
    model, cost = student(family), fitted(family)
    model.set_attn_implementation(attention)
    for n_prompt in (5, 16, 77):
        for n_generated in (1, 2, 9):
            expected = generate_flops(model, n_prompt, n_generated)
            found = cost.prefill_flops(n_prompt) + cost.decode_flops(n_prompt, n_generated)
            assert found == expected, (n_prompt, n_generated)


@families
def test_training_is_three_times_the_forward_and_equals_a_counted_backward(family: str) -> None:
    model, cost = student(family), fitted(family)
    model.set_attn_implementation("eager")  # fused attention recomputes scores in its backward
    ids = prompt(33)
    with counter() as forward, torch.no_grad():
        model(ids, use_cache=False)
    with counter() as both:
        model(ids, labels=ids, use_cache=False).loss.backward()
    model.zero_grad()
    assert 3 * forward.get_total_flops() == cost.training_flops([33])
    assert both.get_total_flops() == cost.training_flops([33]) - 2 * 2 * rotary(family) * 33
    assert cost.training_flops([33, 5]) == cost.training_flops([33]) + cost.training_flops([5])


@families
def test_attention_is_two_matmuls_per_layer_and_head_and_nothing_is_left_out(family: str) -> None:
    config, cost = student(family).config, fitted(family)
    kinds = getattr(config, "layer_types", None) or ["full_attention"] * config.num_hidden_layers
    per_pair = 2 * kinds.count("full_attention") * config.num_attention_heads * head_dim(family)
    taps = kinds.count("conv") * config.hidden_size * getattr(config, "conv_L_cache", 0)
    linear = cost.linear_per_token + rotary(family)
    assert cost.prefill_per_pair == cost.decode_per_cached == per_pair > 0
    assert cost.prefill_per_token == linear - cost.head_per_token + taps
    assert cost.decode_constant - linear - per_pair in {0, 2 * taps}  # as product and sum, or conv


@families
def test_the_closed_form_of_a_decoder_holds_within_one_percent(family: str) -> None:
    model, cost = student(family), fitted(family)
    config = model.config
    weights = sum(m.weight.numel() for m in model.modules() if isinstance(m, torch.nn.Linear))
    head = config.vocab_size * config.hidden_size
    per_pair = cost.prefill_per_pair
    for n in (32, 128):
        prefill = weights * n + per_pair * n**2 - head * (n - 1)
        decode = weights + per_pair * (n + 1)
        assert cost.prefill_flops(n) == pytest.approx(2 * prefill, rel=0.01)
        assert cost.decode_flops(n, 2) == pytest.approx(2 * decode, rel=0.01)
    assert cost.prompt_only_flops(128) == 2 * weights * 128


def test_layers_of_gpt_2_are_linear_though_they_are_called_otherwise() -> None:
    shape = {"n_embd": 16, "n_layer": 2, "n_head": 2, "vocab_size": 32, "n_positions": 64}
    config = AutoConfig.for_model("gpt2", **shape)
    found = fit_flops(AutoModelForCausalLM.from_config(config).eval())
    assert found.prompt_only_flops(1) == 2 * (2 * 12 * 16 * 16 + 16 * 32)


def test_decode_sums_the_steps_after_the_first_token() -> None:
    cost = fitted("llama")
    steps = [cost.decode_flops(t, 2) for t in range(10, 14)]
    assert cost.decode_flops(10, 5) == sum(steps)
    assert cost.decode_flops(10, 1) == cost.decode_flops(10, 0) == 0 < steps[0] < steps[1]
    assert cost.prefill_flops(0) == cost.training_flops([]) == cost.training_flops([0]) == 0


def test_tiny_llama_without_weights_costs_what_is_published_for_its_shape() -> None:
    with torch.device("meta"):
        model = AutoModelForCausalLM.from_config(AutoConfig.for_model(**TINY_LLAMA))
    cost = fit_flops(model)
    assert cost.prefill_flops(512) / 2e9 == pytest.approx(519.76, abs=0.005)
    assert cost.decode_flops(512, 2) / 2e9 == pytest.approx(1.0806, abs=0.00005)
    assert cost.linear_per_token == 1_100_048_384 - 32000 * 2048 - 2048 * 45


def test_an_operator_without_a_handle_stops_the_count(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(flops, "_FITTED", {})
    monkeypatch.delitem(flops.HANDLES, "aten::scaled_dot_product_attention")
    with pytest.raises(FlopError, match="scaled_dot_product_attention"):
        fit_flops(student("llama"))


def test_a_sliding_window_is_refused_since_its_cost_is_not_affine() -> None:
    window = {"use_sliding_window": True, "sliding_window": 64, "max_window_layers": 0}
    config = AutoConfig.for_model(**CONFIGS["qwen2"], **window)
    with pytest.raises(FlopError, match="decode is no polynomial of degree 1"):
        fit_flops(AutoModelForCausalLM.from_config(config))


def test_a_model_that_its_config_does_not_describe_is_refused() -> None:
    model = AutoModelForCausalLM.from_config(AutoConfig.for_model(**CONFIGS["llama"]))
    model.model.layers[0].mlp.lora = torch.nn.Linear(4, 4)
    with pytest.raises(FlopError, match=r"layers\.0\.mlp\.lora.*merge adapters"):
        fit_flops(model)
