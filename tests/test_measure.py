"""What a record says of a run, beyond what its parts are tested for."""

from types import SimpleNamespace

import pytest

from bench import latency, measure, registry
from bench.types import Needs

WRITTEN = {"rationale": 100, "further": 70, "knowledge": 30}


@pytest.mark.parametrize(
    ("name", "tokens"),
    [
        ("zero_shot", 0),
        ("few_shot", 100),
        ("answer_only", 0),
        ("std_cot", 100),
        ("kard", 100),
        ("skintern", 130),
        ("std_cot[rationales=2]", 170),
        ("kaft", 0),
        ("knowledge_target", 130),
        ("zero_shot_cot", 0),
    ],
)
def test_a_method_is_charged_for_what_it_was_given_of_the_teachers_writing(name, tokens):
    method = registry.configure_named(name)
    cell = SimpleNamespace(
        method=method, corpus=SimpleNamespace(manifest={"teacher_tokens": WRITTEN})
    )
    assert measure._teacher_tokens(cell) == tokens


def test_a_method_that_needs_no_rationale_cannot_see_one(toy_corpus):
    from bench.attach import examples

    assert all(e.rationales for e in examples(toy_corpus, Needs(), 0))
    assert not any(e.rationales for e in examples(toy_corpus, Needs(rationales=0), 0))


def test_the_peak_of_memory_begins_anew_after_a_reset():
    import torch

    cpu = torch.device("cpu")
    if not latency.CLEAR_PEAK.exists():
        pytest.skip("this system cannot reset the peak")
    held = torch.ones(50_000_000)
    high = latency.peak_memory_bytes(cpu)
    del held
    latency.reset_peak_memory(cpu)
    assert latency.peak_memory_bytes(cpu) < high - 100_000_000
