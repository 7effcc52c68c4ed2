"""Scores of words against the llmlingua package, closed forms and the model itself."""

import json
import math
import os
import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tiktoken
import torch
from hypothesis import given
from hypothesis import strategies as st
from transformers import (
    AutoTokenizer,
    BertConfig,
    BertForTokenClassification,
    BertTokenizer,
    LlamaConfig,
    LlamaForCausalLM,
    XLMRobertaConfig,
    XLMRobertaForTokenClassification,
    XLMRobertaModel,
    XLMRobertaTokenizer,
)

from bench.corpora import importance, word_scores
from bench.corpora.importance import keep_probabilities, llmlingua2, self_information
from bench.corpora.scorers import scorer
from bench.corpora.word_scores import Scored, Token, by_word, cache_key, cached
from bench.percentile import kept_by_percentile
from bench.students.student import Student
from bench.track import ConfigError

RATES = (0.9, 2 / 3, 0.5, 1 / 3, 0.1, 0.02)
WHOLE = ("the", "adds", "takes", "result", "is", "cups", "then", "and", "12", "rule", "number")
PARTS = ("se", "ko", "ra", "mu", "vi", "ta", "ing", "ed")
MARKS = ".,:;!?()\"'-/%"
LETTERS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789é“”"

# ------------------------------------------------------------ tiny classifiers


def bert_tokenizer() -> Any:
    pieces = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *WHOLE, *PARTS, *MARKS, *LETTERS]
    pieces += [f"##{piece}" for piece in (*PARTS, *LETTERS)]
    vocab = {piece: i for i, piece in enumerate(dict.fromkeys(pieces))}
    return BertTokenizer(vocab=vocab, do_lower_case=False, model_max_length=512)


def xlmr_tokenizer() -> Any:
    special = ["<s>", "<pad>", "</s>", "<unk>"]
    pieces = {f"▁{word}": -3.0 for word in WHOLE}
    pieces |= {part: -4.0 for part in PARTS} | {f"▁{part}": -4.5 for part in PARTS}
    pieces |= {mark: -5.0 for mark in MARKS} | {f"▁{mark}": -5.5 for mark in MARKS}
    pieces |= {letter: -7.0 for letter in LETTERS} | {"▁": -6.0, "()": -5.0, "<mask>": -99.0}
    vocab = [*((piece, 0.0) for piece in special), *pieces.items()]
    return XLMRobertaTokenizer(vocab=vocab, model_max_length=512)


def save_classifier(name: str, folder: Path) -> str:
    """Random weights, wide enough that words differ; the package knows models by name."""
    bert = "bert" in name.split("-")
    tokenizer = bert_tokenizer() if bert else xlmr_tokenizer()
    shape: dict[str, Any] = {
        "vocab_size": len(tokenizer),
        "hidden_size": 32,
        "intermediate_size": 48,
        "num_hidden_layers": 2,
        "num_attention_heads": 2,
        "num_labels": 2,
        "initializer_range": 0.3,
    }
    torch.manual_seed(0)
    if bert:
        config = BertConfig(**shape, max_position_embeddings=512)
        model: Any = BertForTokenClassification(config)
    else:
        ids = {"pad_token_id": 1, "bos_token_id": 0, "eos_token_id": 2}
        config = XLMRobertaConfig(**shape, max_position_embeddings=514, **ids)
        model = XLMRobertaForTokenClassification(config)
    model.save_pretrained(folder / name)
    tokenizer.save_pretrained(folder / name)
    return str(folder / name)


NAMES = ("bert-base-multilingual-cased", "xlm-roberta-large")


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("classifiers")
    for name in NAMES:
        save_classifier(name, folder)
    return folder


@pytest.fixture(params=NAMES)
def checkpoint(request: pytest.FixtureRequest, folder: Path) -> str:
    return str(folder / request.param)


# ------------------------------------------------------------ the package as an oracle


class Lengths:
    """In place of GPT-3.5's tokenizer, whose file is downloaded: half a token to a byte."""

    def encode(self, text: str) -> list[int]:
        return list(text.encode())[::2]


@pytest.fixture
def seeds_kept() -> Iterator[None]:
    """The package seeds everything with 42 when it is made."""
    states = random.getstate(), np.random.get_state(), torch.get_rng_state()
    cudnn = torch.backends.cudnn
    flags = cudnn.deterministic, cudnn.benchmark
    hash_seed = os.environ.get("PYTHONHASHSEED")
    yield
    random.setstate(states[0])
    np.random.set_state(states[1])
    torch.set_rng_state(states[2])
    cudnn.deterministic, cudnn.benchmark = flags
    os.environ.pop("PYTHONHASHSEED", None)
    if hash_seed is not None:
        os.environ["PYTHONHASHSEED"] = hash_seed


@dataclass(frozen=True, slots=True)
class Oracle:
    """What llmlingua 0.2.2 decides about a text."""

    compressor: Any

    def decide(self, text: str, rate: float) -> tuple[list[str], list[bool]]:
        answer = self.compressor.compress_prompt([text], rate=rate, return_word_label=True)
        lines = [line for line in answer["fn_labeled_original_prompt"].split("\t\t|\t\t") if line]
        pairs = [line.rpartition(" ") for line in lines]
        return [word for word, _, _ in pairs], [label == "1" for _, _, label in pairs]


@pytest.fixture
def oracle(checkpoint: str, monkeypatch: pytest.MonkeyPatch, seeds_kept: None) -> Oracle:
    from llmlingua import PromptCompressor

    monkeypatch.setattr(tiktoken, "encoding_for_model", lambda _: Lengths())
    return Oracle(
        PromptCompressor(
            checkpoint,
            device_map="cpu",
            model_config={"trust_remote_code": False},
            use_llmlingua2=True,
        )
    )


def words_of_the_package(
    text: str, tokens: list[Token], checkpoint: str, special: set[str]
) -> tuple[list[str], Scored]:
    """The finer words that the package decides on, from our tokens and with our arithmetic."""
    from llmlingua.utils import get_pure_token, is_begin_of_new_word

    words, scores, chunks = list[str](), list[list[float]](), list[int]()
    for token in tokens:
        if token.piece in special:
            continue
        if is_begin_of_new_word(token.piece, checkpoint, [], {}):
            words.append(token.piece)
            scores.append([token.score])
            chunks.append(token.chunk)
        else:
            words[-1] += get_pure_token(token.piece, checkpoint)
            scores[-1].append(token.score)
    lengths = tuple(len(Lengths().encode(word)) for word in words)
    sizes = tuple(chunks.count(chunk) for chunk in range(max(chunks) + 1))
    means = tuple(sum(values) / len(values) for values in scores)
    return [word.lstrip("▁") for word in words], Scored(means, lengths, sizes)


def sentence(rng: random.Random) -> str:
    words = rng.choices([*WHOLE, "seko", "ramu", "vitaing", "47", "1093", "Koed", "éa"], k=9)
    marks = rng.choices([",", ";", "", "", "!", ":", "%", "'s", " -", "()", '"'], k=9)
    return " ".join(word + mark for word, mark in zip(words, marks, strict=True)) + "."


def paragraph(seed: int, n: int) -> str:
    rng = random.Random(seed)
    return " ".join(sentence(rng) for _ in range(n))


TEXTS = {
    "one word": "seko",
    "a sentence": paragraph(1, 1),
    "three sentences": paragraph(2, 3),
    "numbers": "3.5 adds 12, then 1093/47 (12%): 0.25-7.5 is 8!",
    "blanks": "  the \n\n result\tis  12.\n seko ",
    "quotes": "“ramu” takes 'seko': \"the rule\" is-ed (and so) it is?",
    "unknown signs": "the ☃ result is ☃☃ 12 é ☃.",
    "two chunks": paragraph(3, 40),
    "many chunks": paragraph(4, 120),
    "no full stop": " ".join(random.Random(5).choices(WHOLE, k=1200)),
    "a full stop one token too late": " ".join([*["the"] * 510, ".", *["adds"] * 9]),
    "two full stops, one of them there": ".".join(["the " * 200, " is" * 309, " adds" * 9]),
    "one token too many": ".".join(["the " * 200, " is" * 310]),
}


@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS)
def test_decisions_are_the_package_s_on_its_own_words(
    text: str, checkpoint: str, oracle: Oracle
) -> None:
    (tokens,) = keep_probabilities(checkpoint, [text])
    special = oracle.compressor.special_tokens
    words, own = words_of_the_package(text, tokens, checkpoint, special)
    for rate in RATES:
        names, labels = oracle.decide(text, rate)
        kept = kept_by_percentile(own.importance, own.n_tokens, rate, chunks=own.chunks)
        assert (words, kept) == (names, labels), rate


PLAIN = {
    "words": "the result is seko and vitaing then ramu adds 1093",
    "marks apart": "seko adds 12 , ramu takes 1093 ; the rule : is ( then ) 47 !",
    "two chunks": " ".join(random.Random(6).choices([*WHOLE, "Koed", "seko"], k=700)),
}


@pytest.mark.parametrize("text", PLAIN.values(), ids=PLAIN)
def test_decisions_are_the_package_s_where_blanks_surround_its_words(
    text: str, checkpoint: str, oracle: Oracle
) -> None:
    sign = "▁" if "xlm" in checkpoint else ""

    def length(word: str) -> int:
        return len(Lengths().encode(sign + word))

    (own,) = llmlingua2(checkpoint, [text], length=length)
    for rate in RATES:
        names, labels = oracle.decide(text, rate)
        assert names == text.split()
        kept = kept_by_percentile(own.importance, own.n_tokens, rate, chunks=own.chunks)
        assert kept == labels, rate


def test_the_package_keeps_all_at_one_and_has_no_zero(checkpoint: str, oracle: Oracle) -> None:
    text = PLAIN["words"]
    assert oracle.decide(text, 1.0) == (text.split(), [True] * len(text.split()))
    with pytest.raises(ValueError, match="Percentiles"):
        oracle.decide(text, 0.0)


# ------------------------------------------------------------ words


def test_there_is_a_score_for_every_word_between_blanks(checkpoint: str) -> None:
    for text, own in zip(TEXTS.values(), llmlingua2(checkpoint, [*TEXTS.values()]), strict=True):
        n = len(text.split())
        assert len(own.importance) == len(own.n_tokens) == sum(own.chunks) == n
        assert all(0 < score < 1 for score in own.importance)
        assert min(own.n_tokens) > 0


def test_a_mark_at_a_word_counts_with_it_and_a_word_counts_its_tokens(checkpoint: str) -> None:
    (tokens,) = keep_probabilities(checkpoint, ["the seko, is"])
    (own,) = llmlingua2(checkpoint, ["the seko, is"])
    assert [t.piece.strip("▁#") for t in tokens if t.piece != "▁"] == ["the", "se", "ko", ",", "is"]
    assert own.importance[1] == pytest.approx(sum(t.score for t in tokens[1:-1]) / 3)
    assert own.n_tokens == (1, 3, 1) and own.chunks == (3,)


def test_neighbours_in_a_batch_do_not_matter(checkpoint: str) -> None:
    together = llmlingua2(checkpoint, [*TEXTS.values()])
    for text, own in zip(TEXTS.values(), together, strict=True):
        (alone,) = llmlingua2(checkpoint, [text])
        assert alone.importance == pytest.approx(own.importance, abs=1e-6)
        assert (alone.n_tokens, alone.chunks) == (own.n_tokens, own.chunks)


def test_more_texts_than_are_read_at_once_keep_their_order(
    checkpoint: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    texts = ["the rule", "", "seko adds 12", " ", "then", "ramu is"]
    expected = llmlingua2(checkpoint, texts)
    assert [len(own.importance) for own in expected] == [2, 0, 3, 0, 1, 2]
    monkeypatch.setattr(importance, "TEXTS_AT_ONCE", 2)
    monkeypatch.setattr(importance, "CHUNKS_AT_ONCE", 1)
    for own, other in zip(llmlingua2(checkpoint, texts), expected, strict=True):
        assert own.importance == pytest.approx(other.importance, abs=1e-6)
    assert llmlingua2(checkpoint, []) == []


def test_a_chunk_ends_at_the_last_full_stop_it_has_room_for(folder: Path) -> None:
    text = ". ".join(" ".join(["the"] * 200) for _ in range(5))
    (own,) = llmlingua2(str(folder / NAMES[0]), [text])
    assert own.chunks == (400, 400, 200)


def test_words_are_made_of_the_tokens_that_begin_in_them() -> None:
    text = " one  twothree \u2028four"
    tokens = [
        Token("▁", 0, 1.0, 0),
        Token("one", 1, 2.0, 0),
        Token("two", 6, 3.0, 0),
        Token("three", 9, 5.0, 1),
        Token("▁", 14, 7.0, 1),
    ]
    own = by_word(text, tokens, sum)
    assert own == Scored((3.0, 8.0, 7.0), (2, 2, 1), (2, 1))
    assert by_word(text, tokens, max, len).n_tokens == (3, 8, 4)


def test_a_word_that_the_tokenizer_dropped_counts_for_nothing(folder: Path) -> None:
    text = "the \ufffd\ufffd rule"
    (own,) = llmlingua2(str(folder / NAMES[0]), [text], length=len)
    assert own.importance[1] == 0 and own.n_tokens == (3, 0, 4)
    assert kept_by_percentile(own.importance, own.n_tokens, 0.9)[1] is False


# ------------------------------------------------------------ what is refused


def test_a_checkpoint_without_a_trained_head_is_refused(folder: Path, tmp_path: Path) -> None:
    tokenizer = AutoTokenizer.from_pretrained(folder / NAMES[1])
    config = XLMRobertaConfig.from_pretrained(folder / NAMES[1])
    XLMRobertaModel(config).save_pretrained(tmp_path)
    tokenizer.save_pretrained(tmp_path)
    with pytest.raises(ConfigError, match="is no token classifier of two labels"):
        llmlingua2(str(tmp_path), ["the rule"])


def test_three_labels_are_refused(folder: Path, tmp_path: Path) -> None:
    config = XLMRobertaConfig.from_pretrained(folder / NAMES[1], num_labels=3)
    XLMRobertaForTokenClassification(config).save_pretrained(tmp_path)
    AutoTokenizer.from_pretrained(folder / NAMES[1]).save_pretrained(tmp_path)
    with pytest.raises(ConfigError, match="is no token classifier of two labels"):
        llmlingua2(str(tmp_path), ["the rule"])


@pytest.mark.parametrize("name", ["not/there", "tasks/pocket/student"])
def test_what_is_no_classifier_or_is_missing_is_named(name: str) -> None:
    with pytest.raises(ConfigError, match=f"classifier '{name}' cannot be loaded: .*safetensors"):
        llmlingua2(name, ["the rule"])


def test_a_tokenizer_that_knows_no_places_is_refused(folder: Path) -> None:
    class Slow:
        is_fast = False

    with pytest.raises(ConfigError, match="Slow does not say where its tokens stand"):
        self_information(torch.nn.Linear(1, 1), Slow(), ["the rule"])


# ------------------------------------------------------------ the percentile


def test_a_share_of_one_keeps_all_and_of_zero_none() -> None:
    scores, lengths = (0.1, 0.0, 1.0), (1, 0, 2)
    assert kept_by_percentile(scores, lengths, 1.0) == [True] * 3
    assert kept_by_percentile(scores, lengths, 0.0) == [False] * 3
    assert kept_by_percentile((), (), 0.5) == []


def test_the_threshold_is_interpolated_and_weighted_by_tokens() -> None:
    scores = (0.0, 0.2, 0.4, 0.6, 0.8)
    # Percentile 51 of five is at rank 2.04, just above 0.4; the last word's weight moves it.
    assert kept_by_percentile(scores, (1, 1, 1, 1, 1), 0.5) == [False, False, False, True, True]
    assert kept_by_percentile(scores, (1, 1, 1, 1, 9), 0.5) == [False] * 5
    assert kept_by_percentile(scores, (9, 1, 1, 1, 1), 0.5) == [False, True, True, True, True]


def test_a_rank_that_falls_on_a_word_leaves_that_word_out() -> None:
    scores = [n / 128 for n in range(101)]
    for share, percent in ((0.72, 29), (0.44, 57), (0.5, 51), (0.9, 10)):
        kept = kept_by_percentile(scores, [1] * 101, share)
        assert sum(kept) == 100 - percent and int(100 * (1 - share) + 1) == percent


def test_equal_words_all_go_except_certain_ones() -> None:
    assert kept_by_percentile((0.7, 0.7, 0.7), (1, 2, 3), 0.9) == [False] * 3
    assert kept_by_percentile((1.0, 0.5, 1.0), (1, 1, 1), 0.5) == [True, False, True]


def test_percentile_101_is_100() -> None:
    tiny = 1e-18
    assert int(100 * (1 - tiny) + 1) == 101
    assert kept_by_percentile((0.1, 0.2, 0.9), (1, 1, 1), tiny) == [False] * 3
    assert kept_by_percentile((0.1, 1.0), (1, 1), tiny) == [False, True]
    assert kept_by_percentile([n / 256 for n in range(256)], [1] * 256, tiny) == [False] * 256


def test_every_chunk_has_its_own_threshold() -> None:
    scores, lengths = (0.1, 0.2, 0.8, 0.9), (1,) * 4
    assert kept_by_percentile(scores, lengths, 0.5) == [False, False, True, True]
    assert kept_by_percentile(scores, lengths, 0.5, chunks=(2, 2)) == [False, True, False, True]


@given(
    words=st.lists(st.tuples(st.integers(0, 64), st.integers(0, 4)), min_size=1, max_size=60),
    percent=st.integers(1, 99),
)
def test_the_threshold_is_numpy_s_percentile(words: list[tuple[int, int]], percent: int) -> None:
    scores, lengths = [n / 64 for n, _ in words], [n for _, n in words]
    share = percent / 100
    spread = np.repeat(np.array(scores, dtype=np.float32), lengths)
    kept = kept_by_percentile(scores, lengths, share)
    if len(spread) == 0:
        assert not any(kept)
        return
    threshold = np.percentile(spread, int(100 * (1 - share) + 1))
    assert kept == [bool(s > threshold or s == threshold == 1.0) for s in scores]


@pytest.mark.parametrize(
    ("lengths", "share", "chunks", "fault"),
    [
        ((1,), 0.5, None, "2 scores, 1 lengths: give one of each to a word"),
        ((1, 1), 0.5, (1,), "2 scores, 2 lengths and chunks of 1"),
        ((1, 1), 1.5, None, "keep_ratio 1.5: give a share between 0 and 1"),
        ((1, 1), math.nan, None, "keep_ratio nan"),
    ],
)
def test_what_does_not_fit_is_refused(
    lengths: tuple[int, ...], share: float, chunks: tuple[int, ...] | None, fault: str
) -> None:
    with pytest.raises(ValueError, match=fault):
        kept_by_percentile((0.1, 0.2), lengths, share, chunks=chunks)


# ------------------------------------------------------------ self-information


def log_p(student: Student, ids: list[int]) -> torch.Tensor:
    """(T,): log p of each token but the first, given all before it."""
    with torch.no_grad():
        logits = student.model(input_ids=torch.tensor([ids])).logits[0, :-1]
    return logits.log_softmax(-1).gather(-1, torch.tensor(ids[1:])[:, None])[:, 0]


@pytest.fixture
def reader(folder: Path) -> Student:
    """A tiny causal model over word pieces with a bos, and a context of 64."""
    tokenizer = AutoTokenizer.from_pretrained(folder / NAMES[1])
    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=len(tokenizer),
        hidden_size=32,
        intermediate_size=48,
        num_hidden_layers=2,
        num_attention_heads=2,
        max_position_embeddings=64,
        initializer_range=0.3,
    )
    return Student(LlamaForCausalLM(config), tokenizer)


def ids_of(reader: Student, text: str) -> list[int]:
    return reader.tokenizer(text, add_special_tokens=False).input_ids


def test_a_word_costs_what_its_tokens_cost_together(reader: Student) -> None:
    text = "the seko, is 12"
    (own,) = self_information(reader.model, reader.tokenizer, [text])
    ids = ids_of(reader, text)
    pieces = reader.tokenizer.convert_ids_to_tokens(ids)
    assert pieces == ["▁the", "▁se", "ko", ",", "▁is", "▁12"]
    costs = -log_p(reader, [reader.tokenizer.bos_token_id, *ids])
    expected = [costs[0], costs[1:4].sum(), costs[4], costs[5]]
    assert own.importance == pytest.approx([float(c) for c in expected], rel=1e-5)
    assert own.n_tokens == (1, 3, 1, 1) and own.chunks == (4,)


def test_the_words_of_a_text_cost_what_the_text_costs(
    make_student: Callable[..., Student], family: str
) -> None:
    student = make_student(family, spread=0.5)
    texts = ["start 1, do seko? seko adds 1.", "read the words in turn.", ""]
    scored = self_information(student.model, student.tokenizer, texts)
    for text, own in zip(texts, scored, strict=True):
        assert student.tokenizer.bos_token_id is None
        ids = [student.tokenizer.eos_token_id, *ids_of(student, text)]
        assert len(own.importance) == len(text.split())
        assert sum(own.importance) == pytest.approx(-float(log_p(student, ids).sum()), rel=1e-5)


def test_without_bos_and_eos_the_first_token_is_a_uniform_guess(reader: Student) -> None:
    text = "seko is 12"
    (given,) = self_information(reader.model, reader.tokenizer, [text])
    reader.tokenizer.bos_token = None
    (after_eos,) = self_information(reader.model, reader.tokenizer, [text])
    reader.tokenizer.eos_token = None
    (alone,) = self_information(reader.model, reader.tokenizer, [text, ""])[:1]
    costs = -log_p(reader, ids_of(reader, text))
    assert alone.importance[0] == pytest.approx(
        math.log(len(reader.tokenizer)) + float(costs[0]), rel=1e-5
    )
    assert alone.importance[1:] == pytest.approx([float(c) for c in costs[1:]], rel=1e-5)
    assert len({given.importance, after_eos.importance, alone.importance}) == 3


def test_only_what_stands_left_of_a_word_matters(reader: Student) -> None:
    both = ["the rule is seko and 12", "the rule is seko takes ramu"]
    one, other = self_information(reader.model, reader.tokenizer, both)
    assert one.importance[:4] == pytest.approx(other.importance[:4], rel=1e-5)
    assert one.importance[4] != pytest.approx(other.importance[4], rel=1e-3)


def test_a_text_beyond_the_context_is_read_in_windows_that_overlap_by_half(
    reader: Student,
) -> None:
    text = " ".join(random.Random(7).choices(WHOLE, k=150))
    (own,) = self_information(reader.model, reader.tokenizer, [text])
    ids = [reader.tokenizer.bos_token_id, *ids_of(reader, text)]
    assert len(ids) == 151
    for at, start in ((1, 0), (63, 0), (64, 32), (95, 32), (96, 64), (127, 64), (150, 96)):
        cost = -float(log_p(reader, ids[start : at + 1])[-1])
        assert own.importance[at - 1] == pytest.approx(cost, rel=1e-4), at


def test_a_model_in_training_is_read_without_dropout_and_left_in_training(
    reader: Student,
) -> None:
    expected = self_information(reader.model.eval(), reader.tokenizer, ["the rule is"])
    reader.model.train()
    for layer in reader.model.model.layers:
        layer.self_attn.attention_dropout = 0.9
    assert self_information(reader.model, reader.tokenizer, ["the rule is"]) == expected
    assert reader.model.training


# ------------------------------------------------------------ kept on disk

SCORED = [Scored((0.1, 1 / 3, 5e-324), (1, 2, 3), (2, 1)), Scored((), (), ())]


def test_scores_are_computed_once_and_read_back_bit_for_bit(home: Path) -> None:
    assert cached(home, "key", lambda: SCORED) == SCORED
    assert cached(home, "key", lambda: pytest.fail("computed again")) == SCORED
    assert (home / "importance" / "key.json").is_file()
    assert cached(home, "other", lambda: []) == []


@pytest.mark.parametrize(
    "content", [b"", b'[{"importance": [', b'[{"n_tokens": []}]', b"3", b"\xff"]
)
def test_damaged_scores_are_told_and_computed_again(
    home: Path, content: bytes, capsys: pytest.CaptureFixture[str]
) -> None:
    cached(home, "key", lambda: SCORED)
    assert not capsys.readouterr().err
    path = home / "importance" / "key.json"
    path.write_bytes(content)
    assert cached(home, "key", lambda: SCORED) == SCORED
    assert capsys.readouterr().err == f"{path}: damaged: made again\n"
    assert len(json.loads(path.read_bytes())) == 2


def test_a_computation_that_fails_leaves_nothing(home: Path) -> None:
    with pytest.raises(ZeroDivisionError):
        cached(home, "key", lambda: [SCORED[1 // 0]])
    assert cached(home, "key", lambda: SCORED) == SCORED


def test_the_key_is_of_method_code_checkpoint_and_texts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "config.json").write_text("{}")
    (tmp_path / "sub").mkdir()
    keys = [cache_key("m", str(tmp_path), ["a", "b"])]
    assert cache_key("m", str(tmp_path), ("a", "b")) == keys[0]
    keys.append(cache_key("n", str(tmp_path), ["a", "b"]))
    keys.append(cache_key("m", str(tmp_path), ["ab"]))
    (tmp_path / "model.safetensors").write_bytes(b"1")
    keys.append(cache_key("m", str(tmp_path), ["a", "b"]))
    (tmp_path / "model.safetensors").write_bytes(b"2")
    keys.append(cache_key("m", str(tmp_path), ["a", "b"]))
    monkeypatch.setattr(word_scores.sources, "sha256", lambda *_: "another")
    keys.append(cache_key("m", str(tmp_path), ["a", "b"]))
    assert len(set(keys)) == len(keys)


def test_a_checkpoint_of_the_hub_is_known_by_its_commit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path))
    repo = tmp_path / "models--someone--classifier"
    keys = list[str]()
    for commit in ("a" * 40, "b" * 40):
        (repo / "snapshots" / commit).mkdir(parents=True)
        (repo / "snapshots" / commit / "config.json").write_text("{}")
        (repo / "refs").mkdir(exist_ok=True)
        (repo / "refs" / "main").write_text(commit)
        assert word_scores._commit("someone/classifier") == commit
        keys.append(cache_key("m", "someone/classifier", ["a"]))
    assert keys[0] != keys[1]
    with pytest.raises(ConfigError, match="'someone/other' is no folder here and no model"):
        cache_key("m", "someone/other", ["a"])


def test_what_the_student_says_of_the_texts_is_computed_once_and_kept_by_its_hash(
    make_student: Callable[..., Student], tmp_path: Path
) -> None:
    student, texts = make_student("llama", spread=0.3), ["the rule is", "seko adds 7"]
    expected = [*self_information(student.model, student.tokenizer, texts)] * 2
    read = list[int]()
    student.model.register_forward_hook(lambda *_: read.append(1))

    def said(identity: str | None) -> Sequence[Scored]:
        read.clear()
        return scorer("self_information", student, tmp_path, identity)(["chain"] * 4, texts * 2)

    for identity, n_read in (("one", 2), ("one", 0), ("other", 2), (None, 2), (None, 2)):
        assert said(identity) == expected
        assert len(read) == n_read
