"""Somebody's questions and rationales as rows of a corpus."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.corpora import training_files
from bench.corpora.check import Fault, without_conclusion
from bench.corpora.knowledge import knowledge_parts
from bench.corpora.rows import OPTIONAL, Row, fault
from bench.ground.provenance import file_sha256
from tasks.corpora import Passage, TeacherCorpus, n_tokens
from tasks.scoring import CONCLUSION

TAKEN = {
    *("id", "task", "question", "options", "rationale", "answer", "rationales", "facts"),
    *("knowledge", "summary", "supplementary"),
}


@dataclass(frozen=True, slots=True)
class Imported:
    """The rows, the faults of lines that are no rows, and the fields that were not taken."""

    rows: Sequence[dict[str, Any]]
    faults: Sequence[Fault]
    ignored: Sequence[str]
    source: str


def read(path: Path, columns: Mapping[str, str], *, revision: str | None, split: str) -> Imported:
    """Rows of a file or a data set; an id and a task are made up where there are none."""
    rows, faults = list[dict[str, Any]](), list[Fault]()
    ignored, seen = set[str](), set[str]()
    for number, told in training_files.rows(path, revision, split):
        found = told if isinstance(told, str) else training_files.plain(told, columns)
        if isinstance(found, str):
            faults.append(Fault(path, number, found))
            continue
        ignored |= found.keys() - TAKEN
        row = _row(found, f"{path.stem}/{number}", path.stem)
        if isinstance(row, str):
            faults.append(Fault(path, number, row))
        elif row["id"] in seen:
            faults.append(Fault(path, number, f"id '{row['id']}' occurs twice"))
        else:
            rows.append(row)
            seen.add(row["id"])
    if not rows and not faults:
        faults.append(Fault(path, 0, "no rows"))
    is_file = path.is_file()
    source = f"{path.name}, sha256 {file_sha256(path)}" if is_file else f"{path}@{revision}"
    return Imported(rows, faults, sorted(ignored), source)


def _row(found: Mapping[str, Any], name: str, task: str) -> dict[str, Any] | str:
    """The row of a line, or what is wrong with the line."""
    if found.get("knowledge") and (found.get("summary") or found.get("supplementary")):
        return "give 'knowledge', or 'summary' and 'supplementary', not both"
    if not isinstance(found.get("knowledge"), str | None):
        return "'knowledge' must be a text or null"
    summary, supplementary = _knowledge(found)
    row = {
        "id": _text(found.get("id", name)),
        "task": found.get("task", task),
        "question": found.get("question"),
        "options": found.get("options") or [],
        "rationale": found.get("rationale"),
        "answer": _text(found.get("answer")),
        "summary": summary,
        "supplementary": supplementary,
        "rationales": found.get("rationales") or [],
    }
    row |= {"facts": found["facts"]} if found.get("facts") else {}
    return fault(Row, row) or _concluded(row)


def _text(value: Any) -> Any:
    """A number as a text: answers and ids often are numbers."""
    return str(value) if type(value) in (int, float) else value


def _knowledge(found: Mapping[str, Any]) -> tuple[Any, Any]:
    """Summary and supplementary; knowledge without labelled parts is all summary."""
    text = found.get("knowledge")
    if not text:
        return found.get("summary") or None, found.get("supplementary") or None
    summary, supplementary = knowledge_parts(text)
    return (summary, supplementary or None) if summary else (text.strip() or None, None)


def _concluded(row: dict[str, Any]) -> dict[str, Any] | str:
    """The row with bare rationales, or what is wrong with one."""
    bare = list[str]()
    for rationale in (row["rationale"], *row["rationales"]):
        text = without_conclusion(rationale, row["answer"], row["options"])
        stated = _last_answer(text)
        if stated is not None:
            return f"a rationale concludes '{stated}', the answer is '{row['answer']}'"
        if not text:
            return "a rationale is nothing but its concluding sentence"
        bare.append(text)
    return row | {"rationale": bare[0], "rationales": bare[1:]}


def _last_answer(text: str) -> str | None:
    """What the last sentence of a rationale concludes, if it concludes anything."""
    _, phrase, stated = text.rpartition(CONCLUSION)
    stated = stated.strip()
    return stated if phrase and not re.search(r"[.!?]\s|\n", stated) else None


def passages_of(rows: Sequence[Mapping[str, Any]]) -> list[Passage]:
    """What there is to retrieve, from the rows' own facts, or the sentences of their knowledge."""
    texts = dict.fromkeys(
        text
        for row in rows
        for text in row.get("facts") or _sentences(row["summary"], row["supplementary"])
    )
    return [{"id": f"fact/{n}", "text": text} for n, text in enumerate(texts)]


def _sentences(*texts: str | None) -> list[str]:
    parts = (part.strip() for text in texts if text for part in re.split(r"(?<=[.!?])\s+|\n", text))
    return [part for part in parts if part]


def as_corpus(found: Imported, licence: str, *, passages: bool) -> TeacherCorpus:
    """The corpus of the rows that were read, with `passages` of what they say of themselves."""
    rows: Any = found.rows
    written = {
        "rationale": n_tokens(*(row["rationale"] for row in rows)),
        "further": n_tokens(*(text for row in rows for text in row["rationales"])),
        "knowledge": n_tokens(*(row[key] or "" for row in rows for key in OPTIONAL)),
    }
    return TeacherCorpus(
        rows=rows,
        passages=passages_of(rows) if passages else [],
        asked=len(rows),
        rejected=0,
        teacher="unknown",
        teacher_tokens={key: n for key, n in written.items() if n or key != "further"},
        licence=licence,
        source=found.source,
    )
