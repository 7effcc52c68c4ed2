"""Look at a corpus file and name all that is wrong with it."""

import codecs
import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.corpora.corpus import LISTS, NO_TEXT, OPTIONAL, REQUIRED, CorpusError, is_text
from tasks.corpora import canonical
from tasks.scoring import CONCLUSION, matches


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong in a line; line 0 is the file as a whole."""

    path: Path
    line: int
    what: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.what}" if self.line else f"{self.path}: {self.what}"


@dataclass(frozen=True, slots=True)
class Findings:
    """The rows that can be read, and every fault."""

    rows: Sequence[Mapping[str, Any]]
    n_passages: int
    manifest: bool
    faults: Sequence[Fault]


def beside(path: Path, suffix: str) -> Path:
    """A file that belongs to a corpus FILE.jsonl: `.json` its manifest, `.passages.jsonl`, .."""
    return path.with_suffix(suffix)


def examine(path: Path) -> Findings:
    """Every bad line of a corpus, of its passages, and what disagrees with its manifest."""
    rows, faults = list[dict[str, Any]](), list[Fault]()
    seen = set[str]()
    for number, row in numbered(path):
        what = row if isinstance(row, str) else _row_fault(row, seen)
        if isinstance(row, str) or what:
            faults.append(Fault(path, number, what))
        else:
            seen.add(row["id"])
            rows.append(row)
    if not rows and not faults:
        faults.append(Fault(path, 0, "no rows"))
    passages, bad = _examine_passages(beside(path, ".passages.jsonl"))
    manifest = beside(path, ".json")
    if manifest.is_file() and not faults and not bad:
        faults += _disagreements(manifest, rows, passages)
    return Findings(rows, len(passages), manifest.is_file(), [*faults, *bad])


def _row_fault(row: Mapping[str, Any], seen: Set[str]) -> str:
    """What is wrong with a row after rows with the ids `seen`; "" if nothing is."""
    if what := shape_fault(row):
        return what
    if row["id"] in seen:
        return f"id '{row['id']}' occurs twice"
    for text in (row["rationale"], *(row.get("rationales") or ())):
        if without_conclusion(text, row["answer"], row.get("options") or ()) != text.strip():
            return f"a rationale ends in its concluding sentence, '{CONCLUSION} ..'"
    return ""


def shape_fault(row: Mapping[str, Any]) -> str:
    """Which field of a row is missing or of the wrong type, as `read_rows` has it; or ""."""
    for key in REQUIRED:
        if not isinstance(row.get(key), str) or not row[key].strip():
            return f"'{key}' must be a text that is not empty"
    for key in OPTIONAL:
        if not isinstance(row.get(key), str | None):
            return f"'{key}' must be a text or null"
    for key in LISTS:
        values = row.get(key) or []
        if not isinstance(values, list) or not all(isinstance(value, str) for value in values):
            return f"'{key}' must be a list of texts"
    if not all(text.strip() for text in row.get("rationales") or ()):
        return "'rationales' must be texts that are not empty"
    return "" if is_text(row) else NO_TEXT


def without_conclusion(rationale: str, answer: str, options: Sequence[str]) -> str:
    """The rationale without a last sentence that states the answer."""
    text = rationale.strip()
    while True:
        before, phrase, stated = text.rpartition(CONCLUSION)
        if not phrase or "\n" in stated or not matches(stated, answer, options):
            return text
        text = before.strip()


def numbered(path: Path, *, lenient: bool = False) -> Iterator[tuple[int, dict[str, Any] | str]]:
    """Line numbers from 1 with the line's object, or with the text of what is wrong with it.

    `lenient` passes over blank lines and a byte order mark, as other people's files have them.
    """
    if not path.is_file():
        raise CorpusError(f"{path}: no such file")
    content = path.read_bytes()
    if lenient:
        content = content.removeprefix(codecs.BOM_UTF8)
    lines = content.removesuffix(b"\n").split(b"\n") if content else []
    for number, line in enumerate(lines, 1):
        if line.strip() or not lenient:
            yield number, _parsed(line)


def _parsed(line: bytes) -> dict[str, Any] | str:
    try:
        found = json.loads(line.decode("utf-8"))
    except UnicodeDecodeError as error:
        return f"not UTF-8 ({error.reason} at byte {error.start})"
    except (ValueError, RecursionError) as error:
        return f"not JSON ({error})"
    if not isinstance(found, dict):
        return f"expected an object, got {type(found).__name__}"
    return found


def _examine_passages(path: Path) -> tuple[list[dict[str, Any]], list[Fault]]:
    if not path.is_file():
        return [], []
    passages, faults = list[dict[str, Any]](), list[Fault]()
    for number, row in numbered(path):
        if isinstance(row, str):
            faults.append(Fault(path, number, row))
        elif not isinstance(row.get("text"), str) or not row["text"].strip():
            faults.append(Fault(path, number, "'text' must be a text that is not empty"))
        else:
            passages.append(row)
    return passages, faults


def _disagreements(
    path: Path, rows: Sequence[Mapping[str, Any]], passages: Sequence[Mapping[str, Any]]
) -> list[Fault]:
    """Where the manifest says something else than the files that it stands beside."""
    said = _parsed(path.read_bytes())
    if isinstance(said, str):
        return [Fault(path, 0, said)]
    found: dict[str, Any] = {
        "sha256": hashlib.sha256(canonical(rows)).hexdigest(),
        "n": len(rows),
        "passages_sha256": hashlib.sha256(canonical(passages)).hexdigest(),
        "n_passages": len(passages),
    }
    return [
        Fault(path, 0, f"{key} is {said[key]!r}, the corpus has {value!r}")
        for key, value in found.items()
        if key in said and said[key] != value
    ]
