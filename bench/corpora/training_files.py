"""The files that people train on, as plain rows: chat, prompt and completion, Alpaca, tables.

A trace of reasoning is taken apart into rationale and answer; where a row has no answer of its
own, it is what the last words of the completion state.
"""

import csv
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from bench.corpora.rows import CorpusError, numbered
from bench.track import ConfigError
from tasks.scoring import CONCLUSION, matches

Found = dict[str, Any]
PAIRS = (("prompt", "completion"), ("prompt", "response"), ("instruction", "output"))
"""Columns of a question and of what answers it; Alpaca's instruction may have an `input`."""
CHATS = ("messages", "conversations")
ASKS, ANSWERS = ("user", "human"), ("assistant", "gpt")
SUFFIXES = (".jsonl", ".json", ".csv", ".tsv", ".parquet")
OWNED = re.compile(r"[\w.-]+/[\w.-]+")
STATES = (
    re.compile(r"\n?\s*####\s*(?P<answer>.+?)\s*$"),
    re.compile(r"[^.\n]*\\boxed\{(?P<answer>[^{}]+)\}[^\n]*$"),
)
"""How a completion of GSM8K and of MATH ends, and says no more than the answer there."""
ENDS = (
    re.compile(rf"{re.escape(CONCLUSION)}\s*(?P<answer>.+?)\s*\.?\s*$"),
    *STATES,
    re.compile(r"[^.\n]*\banswer(?: is|:)\s*:?\s*(?P<answer>[^\n]+?)\s*\.?\s*$", re.IGNORECASE),
)
"""How a completion ends that states its answer: ours, those two, and in words."""
THOUGHT = re.compile(r"<think>(?P<rationale>.*?)</think>(?P<rest>.*)", re.DOTALL)


def rows(path: Path, revision: str | None, split: str) -> Iterator[tuple[int, Found | str]]:
    """Numbered rows of a file (JSONL, CSV, Parquet), else of a data set of the hub or a folder."""
    if path.is_file():
        if revision is not None:
            raise ConfigError(f"--revision goes with a data set of the hub, and {path} is a file")
        kinds = {".csv": _csv, ".tsv": _csv, ".parquet": _parquet}
        yield from kinds.get(path.suffix, lambda file: numbered(file, lenient=True))(path)
        return
    if path.suffix in SUFFIXES or not (path.is_dir() or OWNED.fullmatch(str(path))):
        raise CorpusError(f"{path}: no such file, and no OWNER/NAME of a data set of the hub")
    yield from enumerate(_data_set(str(path), revision, split), 1)


def plain(found: Mapping[str, Any], columns: Mapping[str, str]) -> Found | str:
    """A row with the fields that a corpus knows, or what is wrong with it.

    `columns` maps fields to the names that the file has for them.
    """
    row = dict(found)
    for column in columns.values():
        if column not in found:
            return f"no column '{column}'; there are: {', '.join(sorted(found))}"
        row.pop(column, None)
    row |= {field: found[column] for field, column in columns.items()}
    for chat in CHATS:
        if isinstance(row.get(chat), Sequence) and not isinstance(row[chat], str):
            told = _of_chat(row.pop(chat))
            if isinstance(told, str):
                return told
            row = {"question": told[0], **row, "completion": told[1]}
    for ask, answer in PAIRS:
        if ask in row and answer in row and "question" not in row:
            more = row.pop("input", None) if ask == "instruction" else None
            question = row.pop(ask)
            row["question"] = f"{question}\n{more}" if more else question
            row["completion"] = row.pop(answer)
    if isinstance(completion := row.get("completion", row.get("rationale")), str):
        if "completion" in row or row.get("answer") is None or THOUGHT.search(completion):
            parts = taken_apart(completion, row.get("answer"))
            if isinstance(parts, str):
                return parts
            row["rationale"], row["answer"] = parts
        row.pop("completion", None)
    return row


def taken_apart(completion: str, answer: Any) -> tuple[str, Any] | str:
    """Rationale and answer of a completion, or what it lacks; its answer may be told beside it."""
    thought = THOUGHT.search(completion)
    if completion.count("<think>") != completion.count("</think>"):
        return "a <think> that is not closed, or not opened: the completion was cut"
    rationale, rest = (thought["rationale"], thought["rest"]) if thought else (completion, "")
    text = rest.strip() if thought else completion.strip()
    if answer is not None:
        for end in STATES:
            if (found := end.search(text)) and not matches(found["answer"], str(answer)):
                return f"the completion ends with '{found['answer']}', the answer is '{answer}'"
            if found and not thought:
                rationale = text[: found.start()]
        return rationale.strip(), answer
    for end in ENDS:
        if found := end.search(text):
            before = rationale if thought else text[: found.start()]
            return before.strip(), found["answer"].strip()
    if thought and text and "\n" not in text:
        return rationale.strip(), text.rstrip(".")
    return (
        "no answer: add a column 'answer', or end the completion with a line like"
        f" '{CONCLUSION} 42.', '#### 42' or '\\\\boxed{{42}}'"
    )


def _of_chat(turns: Sequence[Any]) -> tuple[str, str] | str:
    """The question and the completion of a chat of one round, or what it is instead."""
    said = [
        (str(t.get("role", t.get("from"))), t.get("content", t.get("value")))
        for t in turns
        if isinstance(t, Mapping)
    ]
    asked = [text for who, text in said if who in ASKS]
    told = [text for who, text in said if who in ANSWERS]
    if len(said) < len(turns) or not all(isinstance(text, str) for _, text in said):
        return "a turn of the chat is no object with role and content"
    if len(asked) != 1 or len(told) != 1:
        return f"a chat of {len(asked)} questions and {len(told)} answers: one of each is a row"
    return asked[0], told[0]


def _csv(path: Path) -> Iterator[tuple[int, Found | str]]:
    csv.field_size_limit(2**31 - 1)
    with path.open(encoding="utf-8-sig", newline="") as file:
        table = csv.DictReader(file, delimiter="\t" if path.suffix == ".tsv" else ",")
        try:
            for row in table:
                wrong = None in row or None in row.values()
                yield table.line_num, "another number of columns than the head" if wrong else row
        except (UnicodeDecodeError, csv.Error) as error:
            yield table.line_num + 1, f"no CSV in UTF-8 ({error})"


def _parquet(path: Path) -> Iterator[tuple[int, Found | str]]:
    import pyarrow.parquet as parquet
    from pyarrow import ArrowInvalid

    try:
        file = parquet.ParquetFile(path)
    except ArrowInvalid as error:
        raise CorpusError(f"{path}: no Parquet ({error})") from error
    number = 0
    for batch in file.iter_batches():
        for row in batch.to_pylist():
            number += 1
            yield number, row


def _data_set(name: str, revision: str | None, split: str) -> Iterator[Found]:
    from datasets import load_dataset

    try:
        found: Any = load_dataset(name, revision=revision, split=split, streaming=True)
        yield from found
    except (OSError, ValueError) as error:
        raise CorpusError(f"{name}: {' '.join(str(error).split())}") from error
