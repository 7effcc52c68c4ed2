"""Somebody's triples as a corpus, a line at a time: memory does not grow with the file.

A line is {"head", "relation", "tail"}, with "phrase", the relation in words, where it is none of
ours, and "source", "human" or "machine", if it likes. What cannot be taken is set aside with its
line and the reason.
"""

import hashlib
import json
import sqlite3
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, closing
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import IO, Any

from bench.corpora.check import Fault, beside
from bench.corpora.rows import CorpusError, TripleRow, fault, parsed
from bench.ground.bars import Bar
from bench.ground.files import write_atomically
from bench.ground.provenance import file_sha256
from leaderboard.store.reading import nearest
from tasks.corpora import canonical, n_tokens
from tasks.knowledge_graphs import conceptnet
from tasks.triples import PHRASES, row

KNOWN = {**conceptnet.PHRASES, **PHRASES}
BOM = b"\xef\xbb\xbf"
N_PEEKED = 20
"""Lines of a file that are looked at to see what it holds."""


@dataclass(frozen=True, slots=True)
class Taken:
    """How many lines went where."""

    n: int
    n_held_out: int
    rejected: Mapping[str, int]
    """Reason -> lines that were set aside."""


def holds_triples(path: Path) -> bool:
    """Whether one of the first lines that can be read is a triple."""
    if not path.is_file():
        return False
    with path.open("rb") as file:
        found = [parsed(line.removeprefix(BOM)) for line in islice(file, N_PEEKED) if line.strip()]
    rows = [each for each in found if not isinstance(each, str)]
    return any("head" in each and "tail" in each for each in rows)


def take(path: Path, out: Path, licence: str, *, strict: bool, held_out: float) -> Taken:
    """Write the manifest, what is set aside, and the corpus last: where it is, all is there.

    `held_out` is the share of the heads, by hash, whose triples go to FILE.dev.jsonl. With
    `strict`, CorpusError at the first line that cannot be taken, and nothing is written.
    """
    if out.exists():
        raise CorpusError(f"{out} exists: give another --out")
    parts = {name: beside(out, f".{name}.part") for name in ("rows", "dev", "rejects")}
    counts, rejected, tokens = Counter[str](), Counter[str](), 0
    digests = {name: hashlib.sha256() for name in parts}
    try:
        with ExitStack() as stack:
            out.parent.mkdir(parents=True, exist_ok=True)
            files = {name: stack.enter_context(part.open("wb")) for name, part in parts.items()}
            seen = stack.enter_context(closing(_Seen(beside(out, ".seen.part"))))
            for number, line in _lines(path):
                found = _row(path.stem, line)
                what = found if isinstance(found, str) else seen.fault(found)
                if isinstance(found, str) or what:
                    if strict:
                        raise CorpusError(str(Fault(path, number, what)))
                    rejected[what] += 1
                    text = line.decode(errors="backslashreplace").rstrip("\n")
                    _write(files["rejects"], {"line": number, "reason": what, "text": text})
                    continue
                name = "dev" if _share(found["question"]) < held_out else "rows"
                digests[name].update(_write(files[name], found))
                counts[name] += 1
                tokens += n_tokens(found["answer"])
        if not counts["rows"]:
            reasons = ", ".join(f"{reason} {n}" for reason, n in sorted(rejected.items()))
            raise CorpusError(f"{path}: no triple can be taken: {reasons}")
        manifest = {
            "name": out.stem,
            "sha256": digests["rows"].hexdigest(),
            "n": counts["rows"],
            "asked": counts.total() + rejected.total(),
            "rejected": rejected.total(),
            "reasons": dict(rejected),
            "teacher": "unknown",
            "teacher_tokens": {"rationale": tokens, "knowledge": 0},
            "licence": licence,
            "source": f"{path.name}, sha256 {file_sha256(path)}",
        }
        write_atomically(beside(out, ".json"), (json.dumps(manifest, indent=1) + "\n").encode())
        if rejected:
            parts["rejects"].replace(beside(out, ".rejects.jsonl"))
        if counts["dev"]:
            parts["dev"].replace(beside(out, ".dev.jsonl"))
        parts["rows"].replace(out)
    finally:
        for part in parts.values():
            part.unlink(missing_ok=True)
    return Taken(counts["rows"], counts["dev"], rejected)


def _lines(path: Path) -> Iterator[tuple[int, bytes]]:
    """Line numbers from 1 with the lines that are not blank."""
    with path.open("rb") as file, Bar(what="reading triples", unit="line") as bar:
        for number, line in enumerate(file, 1):
            bar.update()
            if number == 1:
                line = line.removeprefix(BOM)
            if line.strip():
                yield number, line


def _row(scope: str, line: bytes) -> dict[str, Any] | str:
    """The row of a line, or what is wrong with the line."""
    found = parsed(line)
    if isinstance(found, str):
        return found
    parts = [found.get(name) for name in ("head", "relation", "tail")]
    for name, part in zip(("head", "relation", "tail"), parts, strict=True):
        if not isinstance(part, str) or not part.strip():
            return f"no {name}" if part is None else f"{name} must be a text that is not empty"
    head, relation, tail = (" ".join(str(part).split()) for part in parts)
    phrase = found.get("phrase") or KNOWN.get(relation)
    if phrase is None:
        return f"unknown relation '{relation}': {nearest(relation, sorted(KNOWN))}, or give phrase"
    made = row(scope, (head, relation, tail), found.get("source"), phrase=phrase)
    return fault(TripleRow, made) or dict(made)


class _Seen:
    """The triples that were taken, on disk: their number does not matter to memory."""

    def __init__(self, path: Path) -> None:
        self._path = path
        path.unlink(missing_ok=True)
        self._base = sqlite3.connect(path, isolation_level=None)
        self._base.execute("PRAGMA journal_mode=OFF")
        self._base.execute("PRAGMA synchronous=OFF")
        self._base.execute("CREATE TABLE seen (digest BLOB PRIMARY KEY) WITHOUT ROWID")
        self._base.execute("BEGIN")

    def fault(self, row: Mapping[str, Any]) -> str:
        """What is wrong with a triple that came before; "" the first time."""
        digest = hashlib.sha256(row["id"].casefold().encode()).digest()[:16]
        added = self._base.execute("INSERT OR IGNORE INTO seen VALUES (?)", (digest,)).rowcount
        return "" if added else "occurs twice"

    def close(self) -> None:
        self._base.close()
        self._path.unlink(missing_ok=True)


def _share(head: str) -> float:
    """A number in [0, 1) that is a head's own."""
    return int.from_bytes(hashlib.sha256(head.encode()).digest()[:6], "big") / 2**48


def _write(file: IO[bytes], row: Mapping[str, Any]) -> bytes:
    line = canonical([row])
    file.write(line)
    return line
