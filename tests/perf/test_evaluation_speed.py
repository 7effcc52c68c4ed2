"""Speed of evaluation beside lm-eval's own HFLM: `make perf`, never a pass or fail on time."""

import pytest

from bench.students.generate import Generator
from tests.whole_suite import TRACK, margin_where_they_part, prompts, untrained

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def student(tmp_path_factory):
    return untrained(tmp_path_factory.mktemp("home"))


def requests(texts):
    from lm_eval.api.instance import Instance

    decoding = {"until": TRACK.decoding.stop, "max_gen_toks": TRACK.decoding.max_new_tokens}
    decoding |= {"do_sample": False}
    return [
        Instance("generate_until", doc={}, arguments=(text, dict(decoding)), idx=i)
        for i, text in enumerate(texts)
    ]


def test_our_generator_on_all_pocket_questions(benchmark, student):
    texts = prompts()
    generator = Generator(student, TRACK.decoding)
    benchmark.pedantic(generator.complete, args=(texts,), rounds=3, warmup_rounds=1)
    benchmark.extra_info["questions"] = len(texts)


def hflm(student, batch_size):
    from lm_eval.models.huggingface import HFLM

    return HFLM(
        pretrained=student.model,
        tokenizer=student.tokenizer,
        batch_size=batch_size,
        max_length=student.context_tokens,
    )


@pytest.mark.parametrize("batch_size", [1, 16, 64])
def test_hflm_on_all_pocket_questions(benchmark, student, batch_size):
    texts, model = prompts(), hflm(student, batch_size)
    benchmark.pedantic(
        lambda: model.generate_until(requests(texts), disable_tqdm=True),
        rounds=1 if batch_size == 1 else 3,
    )
    benchmark.extra_info["questions"] = len(texts)


def test_both_write_the_same_texts_but_for_ties(student):
    texts = prompts()
    ours = [c.text for c in Generator(student, TRACK.decoding).complete(texts)]
    theirs = hflm(student, 64).generate_until(requests(texts), disable_tqdm=True)
    differing = [i for i, (a, b) in enumerate(zip(ours, theirs, strict=True)) if a != b]
    print(f"{len(differing)} of {len(texts)} texts differ, each at a tie")
    for i in differing:
        assert margin_where_they_part(student, texts[i], ours[i], theirs[i]) < 1e-4
