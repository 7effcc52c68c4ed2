"""Files of strangers: each is taken, or refused with a word of where and what; none is executed."""

import json
import shutil
import tomllib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench import track
from bench.corpora.rows import CorpusError
from bench.teacher.journal import Journal
from bench.track import ConfigError
from leaderboard.store.generations import Generations
from leaderboard.store.ledger import events_of, file_records, ledger_of
from leaderboard.store.probes import ProbeRecord
from leaderboard.store.reading import RecordError
from leaderboard.store.record import Record
from tests.leaderboard_records import probe, record, save
from tests.soak.inputs import MARKER, cases, lines, mutated, scarred, takes
from tests.tracks import toy_track

TRACK = tomllib.loads(toy_track(["std_cot"], decoding={"stop": ["\n\n"]}))
EXTRA = {
    "name": "own",
    "version": 1,
    "importance": "frequency",
    "critic": {"epochs": 1},
    "reranker": {"epochs": 1},
    "probe": {"corpus": "x", "asks": "std_cot"},
    "logit_teacher": {"path": "x", "method": "std_cot"},
}


@pytest.fixture(scope="module", autouse=True)
def folder(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Where all cases of this file are, and nothing that they execute would be missed."""
    found = tmp_path_factory.mktemp("strangers")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(found)
        yield found


def toml(value: Any) -> str:
    """A value as TOML writes it; null, which it lacks, as a text."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{text(key)} = {toml(each)}" for key, each in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(toml, value)) + "]"
    if isinstance(value, str):
        return text(value)
    return (
        "''"
        if value is None
        else str(value).lower()
        if isinstance(value, bool | float)
        else str(value)
    )


def text(value: str) -> str:
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")


def is_clean() -> bool:
    return not Path(MARKER).exists()


def written(tree: dict[str, Any]) -> Path:
    path = Path("own.toml")
    content = "".join(f"{text(key)} = {toml(value)}\n" for key, value in tree.items())
    path.write_bytes(content.encode(errors="surrogatepass"))
    return path


@given(tree=mutated(TRACK | EXTRA, most=2))
@cases(60, 3000)
def test_a_track_is_read_or_refused(tree: Any) -> None:
    path = written(tree)
    try:
        track.load(str(path))
    except ConfigError as error:
        assert str(path) in str(error)
    assert is_clean()


@given(content=scarred(toy_track().encode()))
@cases(40, 1000)
def test_a_damaged_track_is_read_or_refused(content: bytes) -> None:
    path = Path("own.toml")
    path.write_bytes(content)
    try:
        track.load(str(path))
    except ConfigError as error:
        assert str(path) in str(error)


@given(tree=mutated(TRACK, most=1))
@cases(4, 300)
def test_a_track_that_is_read_is_planned_or_refused(tree: Any) -> None:
    takes("run", str(written(tree)), "--limit", "2", "--dry-run")


ROW = {
    "id": "a/1",
    "task": "a",
    "question": "Who? (A) Ida (B) Bo",
    "rationale": "Ida did.",
    "answer": "Ida",
    "summary": "Ida.",
    "supplementary": "Bo.",
    "options": ["Ida", "Bo"],
    "rationales": ["She did."],
    "facts": ["Ida did."],
}
TRIPLE = {"id": "t", "task": "xWant", "question": "X sings", "phrase": "wants", "answer": "to sing"}
CORPUS = [ROW, {**ROW, "id": "a/2", "question": "Where?"}, TRIPLE]


@given(rows=mutated(CORPUS))
@cases(40, 1500)
def test_a_corpus_is_taken_or_refused(rows: Any) -> None:
    Path("own.jsonl").write_bytes(lines(rows if isinstance(rows, list) else [rows]))
    takes("corpus", "check", "own.jsonl", names="own.jsonl")


TRAINING = [
    ROW | {"knowledge": None},
    {"prompt": "Who?", "completion": "<think>Ida did.</think>Ida"},
    {"prompt": "Who else?", "response": "Bo did. The answer is Bo."},
    {"instruction": "Add.", "input": "1 2", "output": "#### 3"},
    {
        "messages": [
            {"role": "user", "content": "Hm?"},
            {"role": "assistant", "content": "\\boxed{4}"},
        ]
    },
    {"conversations": [{"from": "human", "value": "Oh?"}, {"from": "gpt", "value": "#### 5"}]},
    {"head": "X sings", "relation": "xWant", "tail": "to sing", "source": "human"},
]


@given(row=st.sampled_from(TRAINING).flatmap(mutated), strict=st.booleans())
@cases(50, 2000)
def test_a_file_to_train_on_is_imported_or_refused(row: Any, strict: bool) -> None:
    Path("theirs.jsonl").write_bytes(lines([row]))
    for each in Path().glob("out.*"):
        each.unlink()
    takes("corpus", "import", "theirs.jsonl", "--out", "out.jsonl", *["--strict"] * strict)


TABLE = b'question,rationale,answer\nWho?,Ida did.,Ida\n"Where, Bo?",Here.,Ulm\n'


@given(content=scarred(TABLE), ending=st.sampled_from(["csv", "tsv", "parquet", "json"]))
@cases(40, 1000)
def test_a_damaged_table_is_imported_or_refused(content: bytes, ending: str) -> None:
    Path(f"theirs.{ending}").write_bytes(content)
    for each in Path().glob("out.*"):
        each.unlink()
    takes("corpus", "import", f"theirs.{ending}", "--out", "out.jsonl")


QUESTION = {
    "id": "q1",
    "question": "Who?",
    "options": ["Ida", "Bo"],
    "target": "Ida",
    "task": "a",
    "cluster": "c",
    "facts": ["Ida did."],
}


@given(rows=mutated([QUESTION, {**QUESTION, "id": "q2", "question": "Where?"}]))
@cases(40, 1500)
def test_questions_are_taken_or_refused(rows: Any) -> None:
    Path("asked.jsonl").write_bytes(lines(rows))
    takes("task", "check", "asked.jsonl", names="asked.jsonl")


def stored(make: Any) -> Any:
    """What a stored file holds, as JSON."""
    path = Path("made.json")
    path.unlink(missing_ok=True)
    make().save(path)
    return json.loads(path.read_bytes())


@pytest.mark.parametrize(
    ("kind", "make"), [(Record, record), (ProbeRecord, probe)], ids=["record", "probe"]
)
@given(data=st.data())
@cases(40, 1500)
def test_a_stored_file_is_read_or_refused(kind: Any, make: Any, data: st.DataObject) -> None:
    path = Path("theirs.json")
    path.write_bytes(json.dumps(data.draw(mutated(stored(make)))).encode())
    try:
        kind.load(path)
    except RecordError as error:
        assert str(path) in str(error)
    assert is_clean()


@given(data=st.data())
@cases(40, 1000)
def test_damaged_texts_are_read_or_refused(data: st.DataObject) -> None:
    made, path = Path("texts.xz"), Path("theirs.xz")
    made.unlink(missing_ok=True)
    Generations.of(record(), [("id_a", "x"), ("ood_a", "y")]).save(made)
    path.write_bytes(data.draw(scarred(made.read_bytes())))
    try:
        Generations.load(path)
    except RecordError as error:
        assert str(path) in str(error)


@given(data=st.data())
@cases(4, 300)
def test_a_board_with_a_strangers_record_is_shown_or_refused(data: st.DataObject) -> None:
    board = Path("board/records")
    shutil.rmtree(board, ignore_errors=True)
    save(board / "v1", [record(), record("kard")])
    path = next(board.rglob("kard/seed0.json"))
    path.write_bytes(json.dumps(data.draw(mutated(json.loads(path.read_bytes()), most=1))).encode())
    for words in (("show", "toy"), ("compare", "kard", "std_cot", "--track", "toy"), ("verify",)):
        takes("board", *words, "--records", str(board))


@given(data=st.data())
@cases(40, 800)
def test_a_ledger_is_read_or_refused(data: st.DataObject) -> None:
    records = Path("filed/records")
    if not records.exists():
        save(records / "v1", [record(), record("kard")])
        file_records(records, sorted(records.rglob("seed*.json")), "made up", "2026-01-01")
    path = Path("theirs/ledger.jsonl")
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(data.draw(scarred(ledger_of(records).read_bytes())))
    try:
        events_of(path)
    except RecordError as error:
        assert str(path) in str(error)


JOURNAL = lines(
    [
        {"settings": {"model": "m"}},
        {
            "id": "a",
            "part": "rationale",
            "n": 0,
            "text": "Ida.",
            "finish": "stop",
            "prompt_tokens": 1,
            "completion_tokens": 1,
            "estimated": False,
        },
        {
            "id": "b",
            "part": "rationale",
            "n": 0,
            "text": "Bo.",
            "finish": "stop",
            "prompt_tokens": 1,
            "completion_tokens": 1,
            "estimated": False,
        },
    ]
)


@given(content=scarred(JOURNAL))
@cases(40, 1000)
def test_a_journal_is_gone_on_with_or_refused(content: bytes) -> None:
    path = Path("own.journal.jsonl")
    path.write_bytes(content)
    try:
        Journal(path, {"model": "m"}).close()
    except CorpusError as error:
        assert str(path) in str(error)
