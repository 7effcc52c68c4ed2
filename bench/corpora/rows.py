"""The lines of a corpus: read, and told what is wrong with them."""

import codecs
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints
from pydantic_core import from_json

from leaderboard.store.reading import MisreadError, checked

OPTIONAL = ("summary", "supplementary")
Text = Annotated[str, StringConstraints(pattern=r"\S")]


class CorpusError(ValueError):
    """A corpus that cannot be used; the message names file, line and fault."""


class Row(BaseModel):
    """What a line must hold; it may hold more."""

    model_config = ConfigDict(strict=True)

    id: Text
    task: Text
    question: Text
    rationale: Text
    answer: Text
    summary: str | None = None
    supplementary: str | None = None
    options: list[str] | None = None
    rationales: list[Text] | None = None
    facts: list[str] | None = None


class TripleRow(BaseModel):
    """A line of commonsense: head, relation and tail are question, task and answer."""

    model_config = ConfigDict(strict=True)

    id: Text
    task: Text
    question: Text
    phrase: Text
    answer: Text
    source: Literal["human", "machine"] | None = None
    is_true: bool | None = None
    """Where it is known, as in an invented world: for reports, and shown to no method."""


class LabelRow(BaseModel):
    """A triple that people judged, or one of a corpus beside its corrupted twin."""

    model_config = ConfigDict(strict=True)

    head: Text
    relation: Text
    phrase: Text
    tail: Text
    label: Annotated[int, Field(ge=0, le=1)]
    split: Literal["corrupted", "train", "dev", "test"]


class AnsweredRow(BaseModel):
    """What the teacher answers to a question about a triple."""

    model_config = ConfigDict(strict=True)

    head: Text
    relation: Text
    tails: list[Text]


class PassageRow(BaseModel):
    """A text to retrieve."""

    model_config = ConfigDict(strict=True)

    text: Text


PARTS = {"passages": PassageRow, "labels": LabelRow, "drafts": AnsweredRow}
"""What may lie beside the rows, by the name of its file -> what a line of it holds."""


def read_rows(path: Path) -> list[dict[str, Any]]:
    """Rows of a corpus JSONL; CorpusError names file, line number and what is wrong."""
    seen = set[str]()
    rows = _good(path, lambda row: row_fault(row, seen))
    if not rows:
        raise CorpusError(f"{path}: no rows")
    return rows


def read_part(path: Path, kind: type[Any]) -> list[dict[str, Any]]:
    """What lies beside the rows, [] without the file; CorpusError as for rows."""
    return _good(path, lambda row: fault(kind, row)) if path.is_file() else []


def _good(path: Path, wrong: Callable[[dict[str, Any]], str]) -> list[dict[str, Any]]:
    rows = list[dict[str, Any]]()
    for number, row in numbered(path):
        what = row if isinstance(row, str) else wrong(row)
        if isinstance(row, str) or what:
            raise CorpusError(f"{path}:{number}: {what}")
        rows.append(row)
    return rows


def row_fault(row: Mapping[str, Any], seen: set[str]) -> str:
    """What is wrong with a row after rows with the ids `seen`, which gains its own; or ""."""
    if what := fault(TripleRow if "phrase" in row else Row, row):
        return what
    if row["id"] in seen:
        return f"id '{row['id']}' occurs twice"
    seen.add(row["id"])
    return ""


def fault(kind: type[Any], row: Mapping[str, Any]) -> str:
    """Which field is not as the kind of line has it; "" if all are."""
    try:
        checked(kind, row)
    except MisreadError as error:
        return str(error)
    return ""


def numbered(path: Path, *, lenient: bool = False) -> Iterator[tuple[int, dict[str, Any] | str]]:
    """Line numbers from 1 with the line's object, or with the text of what is wrong with it.

    `lenient` passes over blank lines and a byte order mark, as other people's files have them.
    """
    if not path.is_file():
        raise CorpusError(f"{path}: no such file")
    with path.open("rb") as lines:
        for number, line in enumerate(lines, 1):
            text = line.removesuffix(b"\n")
            if lenient and number == 1:
                text = text.removeprefix(codecs.BOM_UTF8)
            if text.strip() or not lenient:
                yield number, parsed(text)


def parsed(line: bytes) -> dict[str, Any] | str:
    """The object that a text of JSON holds, or what is wrong with the text.

    Refuses what json.loads lets through: a number that is none, half of a surrogate pair.
    """
    if line.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "in UTF-16: save the file as UTF-8"
    try:
        found = from_json(line, allow_inf_nan=False, cache_strings="keys")
    except ValueError as error:
        return f"not JSON ({error})"
    if not isinstance(found, dict):
        return f"expected an object, got {type(found).__name__}"
    return found
