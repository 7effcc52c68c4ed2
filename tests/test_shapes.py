"""Students' shapes against closed forms and published sums, and the costs stored for them."""

import json
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from bench import registry, track
from bench.corpora.corpus import TASKS
from bench.costs.flops import FlopModel, fit_flops
from bench.estimates import per_question
from bench.estimates.walk import Ruler
from bench.students.shapes import config_of, meta_model, shape_of
from bench.track import ConfigError
from leaderboard.store.costs import COSTS, CostRecord, stored_costs

PARAMETERS = {
    "tinyllama": 1_100_048_384,
    "llama2-7b": 6_738_415_616,
    "llama3-8b": 8_030_261_248,
    "qwen2-0.5b": 494_032_768,
    "qwen2-1.5b": 1_543_714_304,
    "qwen2-7b": 7_615_616_512,
    "qwen3-0.6b": 596_049_920,
    "smollm2-360m": 361_821_120,
    "smollm2-135m": 134_515_008,
}
GIGA_MACS = {
    "tinyllama": (519.76, 1.0806),
    "qwen2-0.5b": (194.62, 0.5160),
    "llama2-7b": (3384.6, 6.7416),
}
"""Of a prefill of 512 tokens with logits at the last, and of one decode step behind them."""
students = pytest.mark.parametrize("name", sorted(PARAMETERS))


def shape(name: str, layers: int | None = None) -> dict[str, Any]:
    return shape_of(track.load(name)) | ({"num_hidden_layers": layers} if layers else {})


@cache
def fitted(name: str, layers: int) -> FlopModel:
    return fit_flops(meta_model(shape(name, layers)))


def linear_weights(config: Any) -> int:
    """MACs of one position: attention, the gated MLP, and the logits."""
    head = getattr(config, "head_dim", None) or config.hidden_size // config.num_attention_heads
    attention = 2 * config.num_attention_heads + 2 * config.num_key_value_heads
    layer = config.hidden_size * (attention * head + 3 * config.intermediate_size)
    return config.num_hidden_layers * layer + config.hidden_size * config.vocab_size


@students
def test_a_shape_has_the_parameters_of_its_student(name: str) -> None:
    model = meta_model(shape(name))
    assert {weight.device.type for weight in model.parameters()} == {"meta"}
    assert sum(weight.numel() for weight in model.parameters()) == PARAMETERS[name]


def closed_form(config: Any, n_prompt: int, n_generated: int) -> tuple[int, int]:
    """FLOPs of prefill and decode: linear layers, logits where they are needed, attention."""
    head = getattr(config, "head_dim", None) or config.hidden_size // config.num_attention_heads
    attention = 2 * config.num_hidden_layers * config.num_attention_heads * head
    linear, logits = linear_weights(config), config.hidden_size * config.vocab_size
    prefill = linear * n_prompt - logits * (n_prompt - 1) + attention * n_prompt**2
    seen = sum(range(n_prompt + 1, n_prompt + n_generated))
    return 2 * prefill, 2 * (linear * (n_generated - 1) + attention * seen)


@students
def test_prefill_and_decode_follow_the_closed_form(name: str) -> None:
    found, config = fitted(name, 2), config_of(shape(name, 2))
    for n_prompt, n_generated in ((64, 2), (512, 2), (300, 40)):
        prefill, decode = closed_form(config, n_prompt, n_generated)
        assert found.prefill_flops(n_prompt) == pytest.approx(prefill, rel=1e-3)
        assert found.decode_flops(n_prompt, n_generated) == pytest.approx(decode, rel=1e-3)
        assert found.prompt_only_flops(n_prompt) == 2 * linear_weights(config) * n_prompt


@pytest.mark.parametrize("name", sorted(GIGA_MACS))
def test_the_published_sums_are_reached_layer_by_layer(name: str) -> None:
    one, two, depth = fitted(name, 1), fitted(name, 2), shape(name)["num_hidden_layers"]

    def at_depth(shallow: int, deeper: int) -> float:
        return (shallow + (deeper - shallow) * (depth - 1)) / 2e9

    prefill, decode = GIGA_MACS[name]
    assert at_depth(one.prefill_flops(512), two.prefill_flops(512)) == pytest.approx(prefill, 1e-4)
    assert at_depth(one.decode_flops(512, 2), two.decode_flops(512, 2)) == pytest.approx(
        decode, 1e-4
    )


@pytest.mark.slow
def test_a_whole_student_is_counted_without_its_weights() -> None:
    found = fit_flops(meta_model(shape_of(track.load("qwen2-0.5b"))))
    assert found.prefill_flops(512) / 2e9 == pytest.approx(194.62, 1e-4)
    assert found.decode_flops(512, 2) / 2e9 == pytest.approx(0.5160, 1e-4)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"hidden_sise": 64}, "unknown key 'hidden_sise'; did you mean 'hidden_size'"),
        ({"model_type": "lama"}, "no architecture 'lama'"),
        ({"hidden_size": "wide"}, "'hidden_size'.*'wide'"),
        ({"hidden_size": 577}, "577.*9"),
    ],
)
def test_a_shape_that_is_none_is_refused(wrong: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        config_of(shape("smollm2-135m") | wrong)


def test_a_track_without_a_shape_says_what_to_add() -> None:
    with pytest.raises(ConfigError, match=r"'pocket' does not say.*add \[student.shape\]"):
        shape_of(track.load("pocket"))


def test_a_student_from_scratch_has_the_shape_of_its_config() -> None:
    spec = track.load("bbh-scratch").student.scratch
    assert spec is not None
    assert shape_of(track.load("bbh-scratch")) == {**spec.config, "vocab_size": spec.vocab_size}


def test_every_student_is_stored_and_their_sums_fit_their_shapes() -> None:
    stored = {record.track: record for record in stored_costs(COSTS)}
    assert stored.keys() == PARAMETERS.keys()
    for name, record in stored.items():
        assert record.n_parameters == PARAMETERS[name]
        assert [each.label for each in record.methods] == track.load(name).methods
        linear = 2 * linear_weights(config_of(shape(name)))
        for each in record.methods:
            assert each.prompt_only_flops == linear * each.prompt_tokens


def test_the_stored_costs_are_of_today_s_corpus() -> None:
    for record in stored_costs(COSTS):
        pinned = json.loads((TASKS / "corpora" / f"{record.provenance['corpus']}.json").read_text())
        for stored, key in (("corpus_sha256", "sha256"), ("passages_sha256", "passages_sha256")):
            assert record.provenance[stored] == pinned[key], f"{record.track}: count it again"


@pytest.mark.slow
def test_the_stored_costs_are_those_of_today_s_prompts(data: Path) -> None:
    chosen = track.load("smollm2-360m")
    stored = CostRecord.load(COSTS / "smollm2-360m.json")
    if stored.tokenizer == "student":
        pytest.skip("counted with the student's tokenizer, which is not part of the project")
    methods = [registry.configure_named(name) for name in ("std_cot", "cascod")]
    corpus = per_question.corpora.obtain(chosen.corpus, per_question.home(), world=0, data_dir=data)
    ruler = Ruler(per_question.tokenizer_of(chosen, corpus)[0], chosen.decoding.max_new_tokens)
    questions = per_question.solved("skb_bbh", data)
    assert len(questions) == stored.n == 1304
    calls = per_question.all_calls(chosen, methods, questions, corpus, ruler)
    expected = {each.label: each for each in stored.methods}
    config = config_of(shape_of(chosen))
    for label, found in calls.items():
        every = [call for each in found for call in each]
        assert sum(p for p, _ in every) == expected[label].prompt_tokens
        assert sum(n for _, n in every) == expected[label].generated_tokens
        prefill, decode = map(
            sum, zip(*(closed_form(config, *call) for call in every), strict=True)
        )
        assert expected[label].prefill_flops == pytest.approx(prefill, rel=1e-3)
        assert expected[label].decode_flops == pytest.approx(decode, rel=1e-3)
