"""The files that people train on become rows: chat, prompts, Alpaca, tables, reasoning traces."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as parquet
import pytest

from bench.__main__ import main
from bench.corpora import training_files
from bench.corpora.rows import PassageRow, read_part, read_rows

PLAIN = {"question": "1 plus 1?", "rationale": "one and one.", "answer": "2"}
DONE = "one and one. Therefore, the answer is 2."


def jsonl(path: Path, *rows: Mapping[str, Any]) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def imported(path: Path, *words: str) -> list[dict[str, Any]]:
    out = path.with_name("out.jsonl")
    assert main(["corpus", "import", str(path), "--out", str(out), *words]) == 0
    return read_rows(out)


def told(row: Mapping[str, Any]) -> dict[str, Any]:
    return {key: row[key] for key in PLAIN}


@pytest.mark.parametrize(
    "row",
    [
        {"messages": [{"role": "system", "content": "be brief"},
                      {"role": "user", "content": "1 plus 1?"},
                      {"role": "assistant", "content": DONE}]},
        {"conversations": [{"from": "human", "value": "1 plus 1?"},
                           {"from": "gpt", "value": DONE}]},
        {"prompt": "1 plus 1?", "completion": DONE},
        {"prompt": "1 plus 1?", "response": DONE},
        {"instruction": "1 plus 1?", "input": "", "output": DONE},
        {"question": "1 plus 1?", "completion": DONE},
        {"question": "1 plus 1?", "rationale": DONE},
        {"question": "1 plus 1?", "completion": "one and one.", "answer": 2},
        {"question": "1 plus 1?", "completion": "one and one.\n#### 2", "answer": 2},
        {"question": "1 plus 1?", "completion": "one and one.\nSo \\boxed{2}.", "answer": "2"},
        {"question": "1 plus 1?", "completion": "one and one.\n#### 2"},
        {"question": "1 plus 1?", "completion": "one and one.\nSo \\boxed{2}."},
        {"question": "1 plus 1?", "completion": "one and one.\nThe answer is: 2."},
        {"question": "1 plus 1?", "completion": "<think>\none and one.\n</think>\n\n2"},
        {"question": "1 plus 1?", "completion": "<think>one and one.</think>Sure!\nAnswer: 2"},
        {"question": "1 plus 1?", "rationale": "<think>one and one.</think> 2", "answer": "2"},
    ],
)  # fmt: skip
def test_what_people_train_on_is_a_question_a_rationale_and_an_answer(
    tmp_path: Path, row: Mapping[str, Any]
) -> None:
    (found,) = imported(jsonl(tmp_path / "in.jsonl", row))
    assert told(found) == PLAIN


def test_an_alpaca_input_belongs_to_its_question(tmp_path: Path) -> None:
    row = {"instruction": "Add.", "input": "1 and 1", "output": DONE}
    (found,) = imported(jsonl(tmp_path / "in.jsonl", row))
    assert found["question"] == "Add.\n1 and 1"


@pytest.mark.parametrize("kind", ["csv", "tsv", "parquet"])
def test_tables_are_read_with_their_columns_renamed(tmp_path: Path, kind: str) -> None:
    path, rows = tmp_path / f"in.{kind}", [{"q": "1 plus 1?", "why": "one\nand one.", "a": "2"}] * 3
    rows = [row | {"q": f"{i}: 1 plus 1?"} for i, row in enumerate(rows)]
    if kind == "parquet":
        parquet.write_table(pa.Table.from_pylist(rows), path, row_group_size=2)
    else:
        mark = "," if kind == "csv" else "\t"
        lines = [mark.join(rows[0])]
        lines += [mark.join(f'"{value}"' for value in row.values()) for row in rows]
        path.write_text("\n".join(lines), encoding="utf-8-sig")
    found = imported(path, "--map", "question=q,rationale=why,answer=a")
    assert [row["question"] for row in found] == [row["q"] for row in rows]
    assert {(row["rationale"], row["answer"]) for row in found} == {("one\nand one.", "2")}


def test_a_folder_of_a_data_set_is_read_as_one_of_the_hub(tmp_path: Path) -> None:
    folder = tmp_path / "somebody" / "sums"
    folder.mkdir(parents=True)
    jsonl(folder / "train.jsonl", PLAIN)
    jsonl(folder / "test.jsonl", PLAIN | {"question": "2 plus 2?", "answer": "4"})
    out = tmp_path / "out.jsonl"
    words = ["corpus", "import", str(folder), "--out", str(out), "--split", "test"]
    assert main(words) == 0
    assert [row["question"] for row in read_rows(out)] == ["2 plus 2?"]


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        ({"messages": [{"role": "user", "content": "q"}]}, "a chat of 1 questions and 0 answers"),
        ({"messages": [{"role": "user", "content": "q"}, "x"]}, "a turn of the chat is no object"),
        ({"question": "q", "completion": "I do not know"}, "no answer: add a column 'answer'"),
        ({"question": "q", "completion": "2*8=16\n#### 16", "answer": "18"}, "ends with '16'"),
        ({"question": "q", "completion": "<think>well, one"}, "<think> that is not closed"),
        ({"question": "q", "completion": "<think></think> 2"}, "rationale must not be blank"),
        ({"question": "q", "answer": "2"}, "rationale"),
        ({"question": "q", "completion": [1]}, "rationale"),
    ],
)
def test_a_row_that_is_no_lesson_is_named_and_nothing_is_written(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], row: Mapping[str, Any], expected: str
) -> None:
    path, out = jsonl(tmp_path / "in.jsonl", PLAIN, row), tmp_path / "out.jsonl"
    assert main(["corpus", "import", str(path), "--out", str(out)]) == 1
    assert f"{path}:2: " in (found := capsys.readouterr().out) and expected in found
    assert not out.exists()


def test_columns_may_be_renamed_in_any_order(tmp_path: Path) -> None:
    row = {"problem": "1 plus 1?", "answer": "one and one.", "final": "2"}
    path = jsonl(tmp_path / "in.jsonl", row)
    for pairs in ("rationale=answer,answer=final", "answer=final,rationale=answer"):
        (found,) = imported(path, "--map", f"question=problem,{pairs}")
        assert told(found) == {"question": "1 plus 1?", "rationale": "one and one.", "answer": "2"}
        path.with_name("out.jsonl").unlink()


def failing(tmp_path: Path, path: str, *words: str) -> int:
    return main(["corpus", "import", path, "--out", str(tmp_path / "out.jsonl"), *words])


def test_a_column_that_is_not_there_is_named_with_those_that_are(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = jsonl(tmp_path / "in.jsonl", PLAIN)
    assert failing(tmp_path, str(path), "--map", "question=q") == 1
    assert "no column 'q'; there are: answer, question, rationale" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("name", "content", "expected"),
    [
        ("in.csv", b"question,rationale,answer\nq,r\n", "in.csv:2: another number of columns"),
        ("in.csv", "question,rationale,answer\nq,é,1\n".encode("latin-1"), "no CSV in UTF-8"),
        ("in.parquet", b"PAR", "in.parquet: no Parquet"),
        ("gone.csv", None, "gone.csv: no such file"),
        ("gone", None, "gone: no such file, and no OWNER/NAME of a data set of the hub"),
    ],
)
def test_files_that_cannot_be_read_are_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch,
    name: str, content: bytes | None, expected: str,
) -> None:  # fmt: skip
    monkeypatch.chdir(tmp_path)
    if content is not None:
        Path(name).write_bytes(content)
    assert failing(tmp_path, name) in (1, 2)
    found = capsys.readouterr()
    assert expected in found.out + found.err


def test_passages_are_the_rows_own_facts_or_the_sentences_of_their_knowledge(
    tmp_path: Path,
) -> None:
    rows: Sequence[Mapping[str, Any]] = [
        PLAIN | {"facts": ["one and one is two", "two is even"]},
        PLAIN | {"question": "2?", "facts": ["two is even"]},
        PLAIN | {"question": "3?", "summary": "add them. then say.", "supplementary": "3 is odd."},
    ]
    path = jsonl(tmp_path / "in.jsonl", *rows)
    imported(path, "--passages", "facts")
    out = tmp_path / "out.jsonl"
    texts = ["one and one is two", "two is even", "add them.", "then say.", "3 is odd."]
    assert [
        each["text"] for each in read_part(out.with_suffix(".passages.jsonl"), PassageRow)
    ] == texts
    assert main(["corpus", "check", str(out)]) == 0


def test_a_large_file_is_read_line_by_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = jsonl(tmp_path / "in.jsonl", *(PLAIN | {"question": f"{i}?"} for i in range(50)))
    monkeypatch.setattr(Path, "read_bytes", lambda _: pytest.fail("read at once"))
    assert next(iter(training_files.rows(path, None, "train")))[0] == 1
