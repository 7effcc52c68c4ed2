"""Look at a corpus file and name all that is wrong with it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.corpora.rows import PARTS, fault, numbered, parsed, row_fault
from tasks.docs import items_sha256
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
    """Every bad line of a corpus, of what lies beside it, and what disagrees with its manifest."""
    rows, faults = list[dict[str, Any]](), list[Fault]()
    seen = set[str]()
    for number, row in numbered(path):
        what = row if isinstance(row, str) else _row_fault(row, seen)
        if isinstance(row, str) or what:
            faults.append(Fault(path, number, what))
        else:
            rows.append(row)
    if not rows and not faults:
        faults.append(Fault(path, 0, "no rows"))
    parts = dict[str, list[dict[str, Any]]]()
    for name, kind in PARTS.items():
        parts[name], bad = _examine_part(beside(path, f".{name}.jsonl"), kind)
        faults += bad
    manifest = beside(path, ".json")
    if manifest.is_file() and not faults:
        faults += _disagreements(manifest, rows, parts)
    return Findings(rows, len(parts["passages"]), manifest.is_file(), faults)


def _row_fault(row: Mapping[str, Any], seen: set[str]) -> str:
    """What is wrong with a row, as `row_fault` has it, or with how its rationales end."""
    if what := row_fault(row, seen):
        return what
    for text in filter(None, (row.get("rationale"), *(row.get("rationales") or ()))):
        if without_conclusion(text, row["answer"], row.get("options") or ()) != text.strip():
            return f"a rationale ends in its concluding sentence, '{CONCLUSION} ..'"
    return ""


def without_conclusion(rationale: str, answer: str, options: Sequence[str]) -> str:
    """The rationale without a last sentence that states the answer."""
    text = rationale.strip()
    while True:
        before, phrase, stated = text.rpartition(CONCLUSION)
        if not phrase or "\n" in stated or not matches(stated, answer, options):
            return text
        text = before.strip()


def _examine_part(path: Path, kind: type[Any]) -> tuple[list[dict[str, Any]], list[Fault]]:
    if not path.is_file():
        return [], []
    lines, faults = list[dict[str, Any]](), list[Fault]()
    for number, row in numbered(path):
        what = row if isinstance(row, str) else fault(kind, row)
        if isinstance(row, str) or what:
            faults.append(Fault(path, number, what))
        else:
            lines.append(row)
    return lines, faults


def _disagreements(
    path: Path,
    rows: Sequence[Mapping[str, Any]],
    parts: Mapping[str, Sequence[Mapping[str, Any]]],
) -> list[Fault]:
    """Where the manifest says something else than the files that it stands beside."""
    said = parsed(path.read_bytes())
    if isinstance(said, str):
        return [Fault(path, 0, said)]
    found: dict[str, Any] = {"sha256": items_sha256(rows), "n": len(rows)}
    for name, lines in parts.items():
        found |= {f"{name}_sha256": items_sha256(lines), f"n_{name}": len(lines)}
    return [
        Fault(path, 0, f"{key} is {said[key]!r}, the corpus has {value!r}")
        for key, value in found.items()
        if key in said and said[key] != value
    ]
