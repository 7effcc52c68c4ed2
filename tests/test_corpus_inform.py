"""Triples of commonsense as passages and knowledge of another corpus's questions."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bench import registry
from bench.__main__ import main
from bench.corpora import corpus as corpora
from bench.corpora.corpus import Corpus
from bench.corpora.inform import informed
from bench.corpora.rows import CorpusError
from tasks.corpora import manifest
from tasks.triples import PHRASES, row

TRIPLES = [
    ("PersonX feeds mulu", "xReact", "glad"),
    ("PersonX feeds mulu", "xWant", "to thank PersonY"),
    ("PersonX meets ramu", "xNeed", "to leave home"),
]


def of_triples(*extra: Any) -> Corpus:
    rows = [*(row("t", triple) for triple in TRIPLES), *extra]
    return Corpus(rows, [], {"name": "t", "sha256": "abc", "teacher": "people"})


@pytest.fixture
def asked(toy_corpus: Corpus) -> Corpus:
    rows = [
        {**toy_corpus.rows[0], "id": "a", "question": "What of who meets ramu?"},
        {**toy_corpus.rows[0], "id": "b", "question": "Who feeds mulu?"},
    ]
    known = {"name": "toy", "sha256": "toy", "teacher_tokens": {"rationale": 5, "knowledge": 99}}
    return replace(toy_corpus, rows=rows, manifest=known)


def test_a_question_knows_the_triples_that_it_finds_and_retrieves_from_all(asked: Corpus) -> None:
    made = informed(asked, [of_triples()], 1)
    first, second = made.rows
    assert first["summary"] == "Alexis meets ramu. Beforehand, Alexis has to leave home."
    assert str(second["summary"]).startswith("Alexis feeds mulu.")
    assert first["supplementary"] is None and "facts" not in first
    assert [p["text"] for p in made.passages] == [
        "Alexis feeds mulu. After it, Alexis feels glad.",
        "Alexis feeds mulu. Afterwards, Alexis would like to thank Avery.",
        "Alexis meets ramu. Beforehand, Alexis has to leave home.",
    ]
    assert made.teacher_tokens == {"rationale": 5, "knowledge": 12 + 11}
    assert "people" in made.teacher and "abc" in made.source


def test_a_fact_that_several_tell_is_there_once(asked: Corpus) -> None:
    made = informed(
        asked, [of_triples(), of_triples(row("u", TRIPLES[0], phrase=PHRASES["xWant"]))], 2
    )
    assert len(made.passages) == 4 == len({p["id"] for p in made.passages})


def test_a_corpus_without_triples_has_nothing_to_tell(asked: Corpus) -> None:
    with pytest.raises(CorpusError, match="toy"):
        informed(asked, [of_triples(), asked], 2)


@pytest.mark.parametrize("label", ["kard", "kaft", "skintern", "kard[rerank=true]"])
def test_what_it_makes_serves_the_methods_that_know(asked: Corpus, label: str) -> None:
    made = informed(asked, [of_triples()], 2)
    texts = [passage["text"] for passage in made.passages]
    known = Corpus(made.rows, texts, dict(manifest("made", made)))
    assert corpora.check_needs(known, registry.configure_named(label).needs) is None


def test_the_verb_writes_a_corpus_that_a_track_can_name(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SKBENCH_HOME", str(tmp_path / "home"))
    given, out = tmp_path / "given.jsonl", tmp_path / "made.jsonl"
    given.write_text("".join(json.dumps(row("t", triple)) + "\n" for triple in TRIPLES))
    words = ["corpus", "inform", "pocket-40", "--by", str(given), "--out", str(out), "--facts", "2"]
    assert main(words) == 0
    assert f"{out}: 40 rows, 3 facts" in capsys.readouterr().out
    read = corpora.obtain(str(out), tmp_path / "home", world=0, data_dir=None)
    assert len(read.rows) == 40 and len(read.passages) == 3
    assert all(str(each["summary"]).count("Alexis") >= 2 for each in read.rows)
    assert main(["corpus", "check", str(out)]) == 0
    assert main(words) == 0 and "as it was" in capsys.readouterr().out
    passages = tmp_path / "made.passages.jsonl"
    passages.write_text(passages.read_text() + '{"id": "facts/9", "text": "another"}\n')
    assert main(words) != 0, "the same rows with other passages are another corpus"
