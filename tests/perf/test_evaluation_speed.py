"""Speed of evaluation beside lm-eval's own HFLM: `make perf`, never a pass or fail on time."""

import pytest

from bench import registry, track
from bench.corpora import attach
from bench.corpora.corpus import Corpus
from bench.run.evaluate import task_manager
from bench.students.generate import Generator
from bench.students.student import load

pytestmark = pytest.mark.slow
TRACK = track.load("pocket")
NAMES = [*TRACK.tasks.id, *TRACK.tasks.ood]
METHOD = registry.discover()["std_cot"]


@pytest.fixture(scope="module")
def student(tmp_path_factory):
    return load(TRACK.student, texts=(), home=tmp_path_factory.mktemp("home"), seed=0)


def prompts():
    docs = [
        doc for task in task_manager({}).load(NAMES)["tasks"].values() for doc in task.test_docs()
    ]
    none = Corpus((), (), {})
    ask = attach.asker(none, METHOD.needs, 0)
    return [METHOD.prompt(ask(doc)) for doc in docs]


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


def margin_where_they_part(student, prompt, one, other):
    """Gap of the two best logits at the first token in which two completions differ."""
    import torch

    start, *written = (student.tokenizer(text).input_ids for text in (prompt, one, other))
    n = next(k for k, (a, b) in enumerate(zip(*written, strict=False)) if a != b)
    with torch.inference_mode():
        logits = student.model(torch.tensor([start + written[0][:n]])).logits[0, -1]
    best, second = logits.topk(2).values.tolist()
    return best - second
