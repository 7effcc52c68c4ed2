"""Batched greedy decoding against `generate()` of transformers, one prompt at a time."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from random import Random
from typing import Any

import pytest
import torch
from conftest import WIDTHS
from transformers import AutoConfig, AutoModelForCausalLM, StoppingCriteriaList

from bench.batch import encode
from bench.corpora.corpus import Corpus
from bench.students import generate, prefill
from bench.students.generate import Completion, Generator
from bench.students.student import Student
from bench.track import ConfigError, Decoding
from tasks.pocket.world import NAMES
from tests.whole_suite import TRACK, margin_where_they_part, untrained
from tests.whole_suite import prompts as prompts_of_pocket

N_NEW = 16
FREE = Decoding(max_new_tokens=N_NEW)


@pytest.fixture
def writer(family: str, make_student: Callable[..., Student]) -> Student:
    """Wide random weights do not repeat themselves; a louder <eos> ends some of their texts."""
    student = make_student(family, spread=1.0)
    with torch.no_grad():
        student.model.get_input_embeddings().weight[1] *= 2.2
    return student


@pytest.fixture
def shapes(writer: Student) -> list[tuple[int, int]]:
    """Rows and columns of ids of each of the writer's forward passes so far."""
    found = list[tuple[int, int]]()
    writer.model.get_input_embeddings().register_forward_hook(
        lambda _, args, __: found.append(tuple(args[0].shape))
    )
    return found


@pytest.fixture(scope="module")
def prompts(toy_corpus: Corpus) -> list[str]:
    """Ragged: one question, or up to three in a row."""
    texts = [f"\n\nQuestion: {row['question']}\nAnswer:" for row in toy_corpus.rows]
    return ["".join(texts[i : i + 1 + i % 3]) for i in range(len(texts))]


def reference(
    student: Student, prompts: Sequence[str], stop: Sequence[str] = (), *, n_new: int = N_NEW
) -> list[list[int]]:
    """Generated ids by transformers, <eos> and stop strings included, each prompt by itself."""
    found = []
    for prompt in prompts:
        ids = torch.tensor([encode(student.tokenizer, prompt)])
        start = ids.shape[1]

        def stopped(so_far: torch.Tensor, _: object, start: int = start) -> torch.Tensor:
            text = student.tokenizer.decode(so_far[0, start:])
            return torch.tensor([any(each in text for each in stop)])

        out = student.model.generate(
            ids,
            attention_mask=torch.ones_like(ids),
            max_new_tokens=n_new,
            do_sample=False,
            eos_token_id=student.tokenizer.eos_token_id,
            pad_token_id=student.tokenizer.pad_token_id,
            stopping_criteria=StoppingCriteriaList([stopped]),
        )
        found.append(out[0, start:].tolist())
    return found


def text_of(student: Student, ids: Sequence[int], stop: Sequence[str] = ()) -> str:
    """The text before <eos> and before the first stop string."""
    ids = list(ids)[:-1] if ids[-1] == student.tokenizer.eos_token_id else list(ids)
    text = student.tokenizer.decode(ids)
    for each in stop:
        text = text.partition(each)[0]
    return text


def test_a_ragged_batch_writes_what_generate_writes_for_each_prompt(
    writer: Student, prompts: list[str]
) -> None:
    expected = reference(writer, prompts)
    ended = [ids[-1] == 1 for ids in expected]
    assert any(ended) and not all(ended) and len({len(ids) for ids in expected}) > 2
    found = Generator(writer, FREE).complete(prompts)
    for prompt, ids, completion in zip(prompts, expected, found, strict=True):
        n_prompt = len(encode(writer.tokenizer, prompt))
        cut = ids[-1] != writer.tokenizer.eos_token_id
        assert completion == Completion(text_of(writer, ids), n_prompt, len(ids), cut=cut)


def test_a_ragged_batch_writes_what_generate_writes_for_the_padded_batch(
    writer: Student, prompts: list[str]
) -> None:
    writer.tokenizer.padding_side = "left"
    encoded = writer.tokenizer(prompts, return_tensors="pt", padding=True)
    out = writer.model.generate(
        encoded.input_ids,
        attention_mask=encoded.attention_mask,
        max_new_tokens=N_NEW,
        do_sample=False,
        eos_token_id=1,
        pad_token_id=0,
    )
    found = Generator(writer, FREE).complete(prompts)
    for row, completion in zip(out[:, encoded.input_ids.shape[1] :].tolist(), found, strict=True):
        ids = row[: row.index(1) + 1] if 1 in row else row
        assert (completion.text, completion.n_generated) == (text_of(writer, ids), len(ids))


def stops_that_occur(student: Student, prompts: Sequence[str]) -> list[str]:
    """A word, two words in a row, and the middle of two words, out of three different texts."""
    written = [ids for ids in reference(student, prompts) if len(ids) > 8]
    words = [[student.tokenizer.decode([i]) for i in ids] for ids in written]
    return [words[0][4], words[1][2] + words[1][3], words[2][5][2:] + words[2][6][:3]]


def test_stop_strings_end_a_text_as_in_generate(writer: Student, prompts: list[str]) -> None:
    free = Generator(writer, FREE).complete(prompts)
    for stop in (s := stops_that_occur(writer, prompts), s[:1], s[1:2], s[2:]):
        expected = reference(writer, prompts, stop)
        found = Generator(writer, replace(FREE, stop=stop)).complete(prompts)
        assert found != free, "a stop string that stops nothing tests nothing"
        for ids, completion in zip(expected, found, strict=True):
            assert completion.text == text_of(writer, ids, stop)
            assert completion.n_generated == len(ids)
            assert not any(each in completion.text for each in stop)


def test_of_two_stop_strings_in_one_token_the_first_ends_the_text(
    writer: Student, prompts: list[str]
) -> None:
    free = [completion.text for completion in Generator(writer, FREE).complete(prompts)]
    name = next(name for name in NAMES if any(name in text for text in free))
    stop = [name[2:], name[:2]]
    found = Generator(writer, replace(FREE, stop=stop)).complete(prompts)
    assert [c.text for c in found] == [re.split("|".join(stop), text)[0] for text in free]


def test_results_depend_neither_on_order_nor_on_batch_size(
    writer: Student, prompts: list[str]
) -> None:
    decoding = replace(FREE, stop=stops_that_occur(writer, prompts))
    expected = Generator(writer, decoding).complete(prompts)
    for size in (1, 2, 5):
        generator = Generator(writer, replace(decoding, batch_size=size))
        assert generator.complete(prompts) == expected
    shuffled = Random(0).sample(range(len(prompts)), len(prompts))
    found = Generator(writer, decoding).complete([prompts[i] for i in shuffled])
    assert found == [expected[i] for i in shuffled]


def test_a_prompt_that_occurs_twice_is_answered_twice(writer: Student, prompts: list[str]) -> None:
    generator = Generator(writer, FREE)
    once = generator.complete(prompts[:2])
    assert generator.complete([*prompts[:2], *prompts[:2]]) == [*once, *once]
    assert generator.complete([]) == []


@pytest.fixture
def read_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """All prompts of a batch, however unlike in length."""
    monkeypatch.setattr(prefill, "SPREAD", float("inf"))


@pytest.mark.usefixtures("read_at_once")
def test_finished_rows_leave_the_batch_and_only_new_tokens_are_run(
    writer: Student, prompts: list[str], shapes: list[tuple[int, int]]
) -> None:
    found = Generator(writer, FREE).complete(prompts)
    widest = max(c.n_prompt for c in found)
    alive = [sum(c.n_generated > n for c in found) for n in range(N_NEW)]
    expected = [(len(prompts), widest), *((n, 1) for n in alive[1:] if n)]
    assert shapes == expected and len(set(alive)) > 2


@pytest.mark.usefixtures("read_at_once")
def test_prompts_of_like_length_share_a_batch(
    writer: Student, prompts: list[str], shapes: list[tuple[int, int]]
) -> None:
    found = Generator(writer, replace(FREE, batch_size=4, max_new_tokens=1)).complete(prompts)
    lengths = sorted(c.n_prompt for c in found)
    assert [width for _, width in shapes] == [lengths[3], lengths[7], lengths[11]]


@pytest.mark.parametrize("n_shots", [0, 3])
def test_prompts_of_a_batch_are_read_with_little_padding_and_answered_together(
    n_shots: int, writer: Student, toy_corpus: Corpus, shapes: list[tuple[int, int]]
) -> None:
    texts = [f"\n\nQuestion: {row['question']}\nAnswer:" for row in toy_corpus.rows]
    prompts = ["".join(texts[:n_shots]) + " red" * k + text for k, text in enumerate(texts)]
    expected = reference(writer, prompts)
    shapes.clear()
    found = Generator(writer, FREE).complete(prompts)
    assert [c.text for c in found] == [text_of(writer, ids) for ids in expected]
    reads = [(n, width) for n, width in shapes if width > 1]
    n_tokens = sum(c.n_prompt for c in found)
    if writer.shares_beginnings and not n_shots:
        assert len(reads) > 1 and sum(n for n, _ in reads) == len(prompts)
        assert n_tokens <= sum(n * width for n, width in reads) <= prefill.SPREAD * n_tokens
    assert max(n for n, width in shapes if width == 1) == sum(c.n_generated > 1 for c in found)


def test_a_prompt_without_room_is_marked_and_the_others_are_answered(
    writer: Student, prompts: list[str]
) -> None:
    room = writer.context_tokens - N_NEW
    full, over = " red" * room, " red" * (room + 1)
    alone = Generator(writer, FREE).complete([prompts[0], full])
    found = Generator(writer, FREE).complete([over, prompts[0], full])
    assert found[0] == Completion("", room + 1, 0, overflow=True)
    assert found[1:] == alone and not any(c.overflow for c in alone)


def test_the_number_of_new_tokens_is_bounded(writer: Student, prompts: list[str]) -> None:
    long = Generator(writer, FREE).complete(prompts)
    for n in (1, 3):
        short = Generator(writer, replace(FREE, max_new_tokens=n)).complete(prompts)
        for one, other in zip(long, short, strict=True):
            assert other.n_generated == min(n, one.n_generated)
            assert one.text.startswith(other.text)


def test_decoding_is_greedy_whatever_the_student_would_rather(
    writer: Student, prompts: list[str]
) -> None:
    """Sampling options that a checkpoint carries do not reach the decoder, nor does dropout."""
    expected = Generator(writer, FREE).complete(prompts)
    writer.model.generation_config.update(do_sample=True, temperature=9.0, top_k=50)
    writer.model.train()
    assert Generator(writer, FREE).complete(prompts) == expected
    assert not writer.model.training
    assert not any(parameter.grad is not None for parameter in writer.model.parameters())


def test_prompts_with_one_beginning_share_it_and_write_what_they_write_alone(
    writer: Student, toy_corpus: Corpus, shapes: list[tuple[int, int]]
) -> None:
    """Two beginnings of different length, and prompts that share nothing, in one batch."""
    texts = [f"\n\nQuestion: {row['question']}\nAnswer:" for row in toy_corpus.rows]
    shots = ["".join(texts[:4]), "".join(texts[4:10])]
    mixed = [shots[i % 3] + text if i % 3 < 2 else text for i, text in enumerate(texts * 2)]
    expected = reference(writer, mixed)
    longest = max(len(encode(writer.tokenizer, prompt)) for prompt in mixed)
    shapes.clear()
    found = Generator(writer, FREE).complete(mixed)
    for prompt, ids, completion in zip(mixed, expected, found, strict=True):
        n_prompt = len(encode(writer.tokenizer, prompt))
        cut = ids[-1] != writer.tokenizer.eos_token_id
        assert completion == Completion(text_of(writer, ids), n_prompt, len(ids), cut=cut)
    has_convolution = "conv" in (getattr(writer.model.config, "layer_types", None) or [])
    assert (max(width for _, width in shapes) == longest) == has_convolution, (
        "all but convolutions compute it once"
    )
    assert max(n for n, width in shapes if width == 1) == sum(c.n_generated > 1 for c in found)


@pytest.mark.usefixtures("read_at_once")
def test_a_batch_holds_no_more_tokens_than_it_may(
    writer: Student,
    prompts: list[str],
    shapes: list[tuple[int, int]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    free = Generator(writer, FREE).complete(prompts)
    assert max(n * (width + N_NEW) for n, width in shapes) > 300
    shapes.clear()
    monkeypatch.setattr(generate, "BATCH_TOKENS", 300)
    assert Generator(writer, FREE).complete(prompts) == free
    assert max(n * (width + N_NEW) for n, width in shapes) <= 300


@pytest.mark.usefixtures("read_at_once")
def test_prompts_of_a_batch_differ_in_length_by_no_more_than_they_may(
    writer: Student,
    prompts: list[str],
    shapes: list[tuple[int, int]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    once = replace(FREE, max_new_tokens=1)
    free = Generator(writer, once).complete(prompts)
    shapes.clear()
    monkeypatch.setattr(generate, "MOST_PADDING", 5)
    assert Generator(writer, once).complete(prompts) == free
    lengths, cuts = sorted(c.n_prompt for c in free), [0]
    for k, length in enumerate(lengths):
        if length > lengths[cuts[-1]] + 5:
            cuts.append(k)
    ends = [*cuts[1:], len(lengths)]
    assert shapes == [(b - a, lengths[b - 1]) for a, b in zip(cuts, ends, strict=True)]
    assert len(shapes) > 2


@dataclass
class Counted:
    """Greedy, counting its choices."""

    n: int = 0

    def __call__(self, logits: torch.Tensor, rows: Sequence[int]) -> torch.Tensor:
        self.n += len(rows)
        return generate.greedy(logits, rows)


def starved(monkeypatch: pytest.MonkeyPatch, most: int) -> list[int]:
    """A device with memory for `most` rows; how many each new token was asked for at once."""
    real, asked = generate.forward, list[int]()

    def forward(student: Student, ids: torch.Tensor, *given: Any) -> Any:
        asked.append(len(ids))
        if len(ids) > most:
            raise torch.OutOfMemoryError
        return real(student, ids, *given)

    monkeypatch.setattr(generate, "forward", forward)
    return asked


def test_where_memory_is_too_small_batches_are_halved_and_every_token_is_chosen_once(
    writer: Student,
    prompts: list[str],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    rich = Generator(writer, FREE).complete(prompts)
    asked, counted = starved(monkeypatch, 3), Counted()
    poor = Generator(writer, replace(FREE, batch_size=7)).complete(prompts, counted)
    assert poor == rich and counted.n == sum(c.n_generated for c in rich)
    n_refused = sum(n > 3 for n in asked)
    assert capsys.readouterr().err.count("out of memory: batches of") == n_refused > 0
    assert max(asked[len(asked) // 2 :]) <= 3, "it does not try the larger ones again"


def test_long_texts_of_few_wait_for_those_of_other_batches(
    writer: Student,
    prompts: list[str],
    shapes: list[tuple[int, int]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(generate, "LONG_TOKENS", 4)
    monkeypatch.setattr(generate, "FEW", 3 / 4)
    batched, counted = replace(FREE, batch_size=4), Counted()
    found = Generator(writer, batched).complete(prompts, counted)
    n_steps = sum(width == 1 for _, width in shapes)
    shapes.clear()
    monkeypatch.setattr(generate, "FEW", 0)
    assert found == Generator(writer, batched).complete(prompts)
    assert counted.n == sum(c.n_generated for c in found)
    assert n_steps < sum(width == 1 for _, width in shapes)


def test_a_text_that_memory_cannot_hold_is_told(
    writer: Student, prompts: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    starved(monkeypatch, 0)
    with pytest.raises(ConfigError, match=r"the memory is too small for a text of \d+ tokens"):
        Generator(writer, FREE).complete(prompts)


def test_a_student_of_windows_writes_what_it_writes_alone(tokenizer: Any) -> None:
    torch.manual_seed(0)
    shape = WIDTHS | {"vocab_size": len(tokenizer), "initializer_range": 1.0}
    config = AutoConfig.for_model("mistral", **shape, sliding_window=6)
    student = Student(AutoModelForCausalLM.from_config(config).eval(), tokenizer)
    prompts = [" red" * n + " mulu fada" for n in (1, 3, 8, 20)]
    found = Generator(student, FREE).complete(prompts)
    assert [c.text for c in found] == [text_of(student, x) for x in reference(student, prompts)]


@pytest.mark.slow
def test_no_answer_of_the_whole_suite_depends_on_the_batch_size(tmp_path: Path) -> None:
    """Where the two best tokens are as good as tied, the order of a sum may decide."""
    student, asked = untrained(tmp_path), prompts_of_pocket()
    found = [
        [c.text for c in Generator(student, replace(TRACK.decoding, batch_size=n)).complete(asked)]
        for n in (16, 512)
    ]
    for prompt, first, other in zip(asked, *found, strict=True):
        assert other == first or margin_where_they_part(student, prompt, first, other) < 1e-4
