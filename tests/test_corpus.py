"""Corpora: what is refused, what is noticed, and what is attached to examples and questions."""

import json
import math
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bench.corpora import attach, importance
from bench.corpora import corpus as corpora
from bench.corpora.corpus import Corpus
from bench.corpora.retrieve import Retriever
from bench.corpora.rows import CorpusError, Row, read_rows
from bench.track import ConfigError
from bench.types import Needs, Question
from tasks.in_domain.knowledge import PASSAGE_WORDS

REQUIRED = [name for name, field in Row.model_fields.items() if field.is_required()]
ROW: dict[str, Any] = {
    "id": "a",
    "task": "chain",
    "question": "start 1, do seko?",
    "options": [],
    "rationale": "seko adds 1: 1 becomes 2.",
    "answer": "2",
    "summary": "read the words in turn.",
    "supplementary": "seko adds 1.",
}


@pytest.fixture
def file(tmp_path: Path) -> Callable[..., Path]:
    def write(*lines: Any) -> Path:
        path = tmp_path / "own.jsonl"
        texts = [line if isinstance(line, str) else json.dumps(line) for line in lines]
        path.write_text("".join(f"{text}\n" for text in texts), encoding="utf-8")
        return path

    return write


def without(key: str) -> dict[str, Any]:
    return {k: v for k, v in ROW.items() if k != key} | ({} if key == "id" else {"id": "b"})


# ------------------------------------------------------------ malformed files


@pytest.mark.parametrize(
    ("line", "fault"),
    [
        ("{", "not JSON"),
        ("", "not JSON"),
        ([1], "expected an object, got list"),
        (without("id"), "missing key 'id'"),
        (without("question"), "missing key 'question'"),
        (without("rationale"), "missing key 'rationale'"),
        (without("answer"), "missing key 'answer'"),
        (without("task"), "missing key 'task'"),
        (ROW | {"id": "b", "answer": 2}, "answer must"),
        (ROW | {"id": "b", "question": " \n"}, "question must"),
        (ROW | {"id": "b", "options": "yes"}, "options must"),
        (ROW | {"id": "b", "options": [1, 2]}, "options.0 must"),
        (ROW | {"id": "b", "rationales": "one"}, "rationales must"),
        (ROW | {"id": "b", "facts": [None]}, "facts.0 must"),
        (ROW | {"id": "b", "summary": 3}, "summary must"),
        (ROW | {"id": "b", "supplementary": ["a"]}, "supplementary must"),
        (ROW, "id 'a' occurs twice"),
    ],
)
def test_a_malformed_line_is_named_with_file_line_and_fault(
    file: Callable[..., Path], line: Any, fault: str
) -> None:
    path = file(ROW, line)
    with pytest.raises(CorpusError) as caught:
        read_rows(path)
    assert str(caught.value).startswith(f"{path}:2: ") and fault in str(caught.value)


def test_an_empty_and_a_missing_file_are_named(file: Callable[..., Path], tmp_path: Path) -> None:
    with pytest.raises(CorpusError, match=r"own\.jsonl: no rows"):
        read_rows(file())
    with pytest.raises(CorpusError, match=r"none\.jsonl: no such file"):
        read_rows(tmp_path / "none.jsonl")


def test_a_file_that_is_no_text_is_named(tmp_path: Path) -> None:
    path = tmp_path / "own.jsonl"
    path.write_bytes(b"\xff\xfe")
    with pytest.raises(CorpusError, match=r"own\.jsonl"):
        read_rows(path)


def test_rows_need_neither_options_nor_knowledge(file: Callable[..., Path]) -> None:
    bare = {key: ROW[key] for key in REQUIRED}
    null = ROW | {"id": "b", "options": None, "summary": None, "supplementary": None}
    corpus = corpora.obtain(str(file(bare, null)), Path("unused"), world=0, data_dir=None)
    made = attach.examples(corpus, Needs(), 0)
    assert [e.id for e in made] == ["a", "b"] and all(e.options == () for e in made)


def test_a_line_ends_where_json_lines_end(file: Callable[..., Path]) -> None:
    """Separators that only Unicode knows stand inside a text, as other writers leave them."""
    rows = [
        ROW | {"id": str(n), "question": f"one{mark}two"}
        for n, mark in enumerate("\u2028\u2029\x85")
    ]
    path = file(*(json.dumps(row, ensure_ascii=False) for row in rows))
    assert read_rows(path) == rows


# ------------------------------------------------------------ needs


def test_missing_knowledge_and_missing_passages_are_told_with_a_remedy() -> None:
    bare = Corpus([without("summary")], (), {})
    assert corpora.check_needs(bare, Needs()) is None
    assert corpora.check_needs(bare, Needs(train_demos=3, test_demos=3)) is None
    knowledge = corpora.check_needs(bare, Needs(train_knowledge=True))
    assert knowledge == (
        "needs symbolic knowledge on every row, and the corpus has rows without: add summary"
    )
    passages = corpora.check_needs(bare, Needs(passages=3))
    assert passages is not None and "needs passages" in passages and "passages.jsonl" in passages
    full = Corpus([ROW], ("a passage",), {})
    assert corpora.check_needs(full, Needs(train_knowledge=True, passages=1)) is None


def test_what_the_newer_needs_ask_of_a_corpus_is_told_where_it_is_missing() -> None:
    two_tasks = [ROW, ROW | {"id": "b", "task": "hop"}]
    full = [row | {"rationales": ["another"], "facts": ["seko adds 1."]} for row in two_tasks]
    bare, rich = Corpus(two_tasks, ("a",), {}), Corpus(full, ("a",), {})
    asked_for = {
        "needs 2 rationales per question, and the corpus has 1": Needs(rationales=2),
        "needs the facts behind each question": Needs(passages=1, train_query="oracle"),
    }
    for reason, needs in asked_for.items():
        told = corpora.check_needs(bare, needs)
        assert told is not None and reason in told
        assert corpora.check_needs(rich, needs) is None
        # One row without is enough.
        assert corpora.check_needs(Corpus([full[0], two_tasks[1]], ("a",), {}), needs) is not None
    shown, single = Needs(test_knowledge="summary"), full[0] | {"id": "c", "summary": "another"}
    assert corpora.check_needs(rich, shown) is None
    told = corpora.check_needs(Corpus([*full, single], ("a",), {}), shown)
    assert told == "needs what is known of a whole task, and the corpus says it of single rows"
    told = corpora.check_needs(Corpus([ROW], ("a",), {}), Needs(decoy=True))
    assert told == "needs knowledge of another task, and the corpus has only one"
    assert corpora.check_needs(bare, Needs(decoy=True)) is None


def test_knowledge_that_one_row_lacks_is_missing() -> None:
    corpus = Corpus([ROW, without("summary")], (), {})
    assert corpora.check_needs(corpus, Needs(train_knowledge=True)) is not None


# ------------------------------------------------------------ what is attached


def test_there_is_one_importance_for_each_word_of_knowledge(toy_corpus: Corpus) -> None:
    for example in attach.examples(toy_corpus, Needs(train_knowledge=True), 0):
        assert example.knowledge is not None
        assert len(example.knowledge.importance) == len(example.knowledge.text.split())
        row = next(row for row in toy_corpus.rows if row["id"] == example.id)
        assert example.knowledge.text == f"{row['summary']} {row['supplementary']}"


def test_rare_words_are_important_and_case_and_punctuation_do_not_count() -> None:
    scores = importance.frequency({"t": ["The cat. the dog", "THE end"], "u": ["cat"]})
    assert scores["t"] == pytest.approx(
        {"the": -math.log(1 / 2), "cat": math.log(6), "dog": math.log(6), "end": math.log(6)}
    )
    assert scores["u"] == {"cat": 0.0}


def test_importance_is_counted_within_a_task() -> None:
    rows = [
        ROW | {"id": "a", "task": "x", "summary": "one one", "supplementary": ""},
        ROW | {"id": "b", "task": "y", "summary": "one two", "supplementary": None},
    ]
    first, second = attach.examples(Corpus(rows, (), {}), Needs(train_knowledge=True), 0)
    assert first.knowledge is not None and second.knowledge is not None
    assert first.knowledge.importance == (0.0, 0.0)
    assert second.knowledge.importance == pytest.approx((math.log(2), math.log(2)))


def test_demos_are_other_questions_the_most_similar_first(toy_corpus: Corpus) -> None:
    made = attach.examples(toy_corpus, Needs(train_demos=2), 0)
    assert all(len(e.demos) == 2 for e in made)
    assert all(demo.question != e.text for e in made for demo in e.demos)
    nearest = Retriever([e.text for e in made]).nearest(made[0].text, 3)
    assert nearest[0] == 0
    assert [d.question for d in made[0].demos] == [made[i].text for i in nearest[1:]]


def test_a_question_asked_twice_is_no_demo_of_itself() -> None:
    texts = ["start 1, do seko?", "start 1, do seko?", "start 2, do ramu?", "start 3, do vita?"]
    rows = [ROW | {"id": str(n), "question": text} for n, text in enumerate(texts)]
    made = attach.examples(Corpus(rows, (), {}), Needs(train_demos=2), 0)
    assert {demo.question for demo in made[0].demos} == set(texts[2:])
    assert len(made[2].demos) == 2


def test_a_seed_is_of_the_run_and_the_example(toy_corpus: Corpus) -> None:
    def seeds(run: int) -> list[int]:
        return [e.seed for e in attach.examples(toy_corpus, Needs(), run)]

    assert seeds(0) == seeds(0) and len({*seeds(0), *seeds(1)}) == 2 * len(toy_corpus.rows)


def test_shots_are_the_same_for_every_question_of_a_task_and_of_that_task(
    toy_corpus: Corpus,
) -> None:
    made = attach.examples(toy_corpus, Needs(), 0)
    shots = attach.fixed_shots(made, "hop", 2, 0)
    assert shots == attach.fixed_shots(made, "hop", 2, 0)
    assert {d.question for d in shots} <= {e.text for e in made if e.task == "hop"}
    assert len(attach.fixed_shots(made, "unheard of", 2, 0)) == 2
    drawn = {attach.fixed_shots(made, "hop", 2, seed) for seed in range(20)}
    assert len(drawn) > 1


def document(question: str) -> dict[str, Any]:
    """A test document, as a task hands it over."""
    return {"id": "q", "task": "chain", "question": question, "options": [], "target": "2"}


def test_knowledge_in_sight_is_the_tasks_or_all_that_a_question_needs(toy_corpus: Corpus) -> None:
    row = next(row for row in toy_corpus.rows if row["task"] == "chain")
    facts = ["mulu adds 1.", "mulu adds 1.", "fada adds 5."]
    doc = {"id": "q", "task": "chain", "question": "?", "options": [], "facts": facts}

    def seen(wanted: Any, **changes: Any) -> str:
        return attach.asker(toy_corpus, Needs(test_knowledge=wanted), 0)(doc | changes).knowledge

    assert seen("none") == "" and seen("summary") == row["summary"]
    assert seen("all") == f"{row['summary']} mulu adds 1. fada adds 5.", "each fact once"
    assert seen("summary", task="never taught") == "", "nothing is known of it"
    assert seen("all", task="never taught") == "mulu adds 1. fada adds 5."
    with pytest.raises(ConfigError, match="question q has no facts"):
        seen("all", facts=[])
    bare = Corpus([{**row, "summary": ""}], [], {})
    reason = corpora.check_needs(bare, Needs(test_knowledge="summary"))
    assert reason is not None and "add summary" in reason


def test_passages_are_cut_to_128_words() -> None:
    passages = ["seko " + "word " * 200, "ramu adds 1."]
    ask = attach.asker(Corpus([], passages, {}), Needs(passages=1), 0)
    assert ask(document("seko")).passages == (" ".join(["seko"] + ["word"] * 127),)
    assert ask(document("ramu")).passages == ("ramu adds 1.",)


# ------------------------------------------------------------ recall


def asked(*passages: str) -> Question:
    return Question("q", "chain", "", passages=passages)


def test_recall_is_the_mean_share_of_relevant_passages_that_were_found() -> None:
    corpus = Corpus([], ["ramu adds 1. x", "seko adds 2. y", "also ramu adds 1.", "none"], {})
    docs = [
        {"facts": ["ramu adds 1.", "seko adds 2."]},
        {"facts": ["seko adds 2."]},
        {"facts": ["ramu adds 1."]},
        {"facts": ["nobody says so."]},
        {},
    ]
    found = [
        asked("ramu adds 1. x", "none"),
        asked("none"),
        asked("also ramu adds 1.", "ramu adds 1. x"),
        asked("none"),
        asked("none"),
    ]
    assert attach.recall(docs, found, corpus) == pytest.approx((1 / 3 + 0 + 1) / 3)
    assert attach.recall(docs[3:], found[3:], corpus) is None


def test_a_passage_that_was_cut_still_counts_as_found() -> None:
    corpus = Corpus([], ["ramu adds 1. " + "word " * 200, "none"], {})
    shown = attach.asker(corpus, Needs(passages=1), 0)(document("ramu adds"))
    assert len(shown.passages[0].split()) == PASSAGE_WORDS
    assert attach.recall([{"facts": ["ramu adds 1."]}], [shown], corpus) == 1.0


def test_equal_scores_keep_the_order_of_the_texts() -> None:
    retriever = Retriever(["red cup", "blue cup", "blue cup", "green word"])
    assert retriever.nearest("blue", 2) == [1, 2]
    assert retriever.nearest("unheard", 3) == [0, 1, 2]
    assert retriever.nearest("word", 9)[0] == 3 and len(retriever.nearest("word", 9)) == 4


# ------------------------------------------------------------ kept on disk


@pytest.fixture
def obtain(home: Path) -> Callable[[], Corpus]:
    return lambda: corpora.obtain("pocket-100", home, world=1, data_dir=None)


def test_a_corpus_is_built_once_and_found_the_next_time(
    obtain: Callable[[], Corpus], home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = obtain()
    monkeypatch.setattr(corpora, "_build", lambda *_, **__: pytest.fail("built again"))
    again = obtain()
    assert (again.rows, again.passages, again.sha256) == (first.rows, first.passages, first.sha256)
    assert len(first.rows) == 100 and len(first.passages) > 100


def built(home: Path) -> Path:
    """The folder of the one corpus that was built."""
    (manifest,) = (home / "corpora").glob("pocket-100-w1-*/manifest.json")
    return manifest.parent


def test_a_build_that_was_killed_is_done_again(obtain: Callable[[], Corpus], home: Path) -> None:
    first = obtain()
    folder = built(home)
    (folder / "manifest.json").unlink()
    (folder / "corpus.jsonl").write_text("half")
    assert obtain().sha256 == first.sha256


@pytest.mark.parametrize("name", ["corpus.jsonl", "passages.jsonl", "manifest.json"])
def test_a_changed_file_is_noticed_and_built_again(
    obtain: Callable[[], Corpus], home: Path, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    first = obtain()
    path = built(home) / name
    before = path.read_bytes()
    path.write_bytes(before[: len(before) // 2])
    again = obtain()
    assert (again.rows, again.passages) == (first.rows, first.passages)
    assert path.read_bytes() == before
    assert f"{name} was changed after it was built" in capsys.readouterr().err


def test_a_corpus_that_is_not_the_pinned_one_is_refused(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "corpora").mkdir()
    pin = {"sha256": "0" * 64}
    (tmp_path / "corpora" / "pocket-100.json").write_text(json.dumps(pin))
    builders = corpora.builders()
    monkeypatch.setattr(corpora, "builders", lambda: builders)
    monkeypatch.setattr(corpora, "TASKS", tmp_path)
    with pytest.raises(CorpusError, match=r"its manifest pocket-100\.json says 000000000000"):
        corpora.obtain("pocket-100", home, world=0, data_dir=None)


def test_an_unknown_corpus_is_told_with_the_nearest(home: Path) -> None:
    with pytest.raises(ConfigError, match=r"unknown corpus 'pockets': did you mean 'pocket'\?"):
        corpora.obtain("pockets", home, world=0, data_dir=None)


def test_a_trial_takes_so_many_labels_and_triples_of_each_kind(
    toy_triples: Corpus, toy_corpus: Corpus
) -> None:
    cut = toy_triples.cut(labels=2, triples=5)
    sources = [row["source"] for row in cut.rows]
    assert sources == ["human"] * 5 + ["machine"] * 5, "in the order they had"
    whole = {json.dumps(row) for row in toy_triples.rows}
    assert whole.issuperset(map(json.dumps, cut.rows)) and cut.sha256 == toy_triples.sha256
    kinds = Counter((row["split"], row["label"]) for row in cut.labels)
    assert set(kinds.values()) == {2} and len(kinds) == len(
        {(row["split"], row["label"]) for row in toy_triples.labels}
    )
    heads = [row["question"] for row in cut.rows[:5]]
    assert heads != [row["question"] for row in toy_triples.rows[:5]], "drawn, not the first"
    assert toy_triples.cut(labels=2, triples=5) == cut
    assert toy_corpus.cut(labels=2, triples=5).rows == toy_corpus.rows, "questions stay"


def test_the_manifest_beside_an_own_corpus_counts_what_was_written_in_vain(
    tmp_path: Path,
) -> None:
    path, beside = tmp_path / "own.jsonl", tmp_path / "own.json"
    row = {"id": "1", "task": "t", "question": "q", "rationale": "a b", "answer": "c"}
    path.write_text(json.dumps(row | {"rationales": ["d e f"]}) + "\n")
    bare = corpora.obtain(str(path), tmp_path, world=0, data_dir=None)
    assert bare.manifest["teacher_tokens"] == {"rationale": 3, "further": 3, "knowledge": 0}
    spent = {"rationale": 50, "further": 9, "knowledge": 7}
    beside.write_text(json.dumps({"sha256": bare.sha256, "teacher_tokens": spent}))
    assert (
        corpora.obtain(str(path), tmp_path, world=0, data_dir=None).manifest["teacher_tokens"]
        == spent
    )
    beside.write_text(json.dumps({"sha256": "of other rows", "teacher_tokens": spent}))
    assert corpora.obtain(str(path), tmp_path, world=0, data_dir=None).manifest == bare.manifest
    beside.write_text("{")
    with pytest.raises(CorpusError, match=r"own\.json: not JSON"):
        corpora.obtain(str(path), tmp_path, world=0, data_dir=None)


def test_another_packed_text_or_bank_builds_another_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(corpora, "TASKS", tmp_path)
    (tmp_path / "suite").mkdir()
    names = [corpora._generator()]
    for name in ("packed.json.gz", "knowledge.json"):
        (tmp_path / "suite" / name).write_bytes(b"a")
        names.append(corpora._generator())
    (tmp_path / "suite" / "packed.json.gz").write_bytes(b"b")
    assert len({*names, corpora._generator()}) == 4
