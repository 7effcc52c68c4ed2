"""Write a corpus FILE.jsonl, what belongs to it, and its manifest last."""

import json
from pathlib import Path
from typing import Any

from bench.corpora.check import beside
from bench.corpora.rows import CorpusError
from bench.ground.files import write_atomically
from bench.track import ConfigError
from tasks.corpora import TeacherCorpus, canonical, manifest


def checked_out(out: Path) -> Path:
    """`out` if a track can name it as its corpus."""
    if out.suffix != ".jsonl":
        raise ConfigError(f"--out {out}: a corpus is a file that ends in .jsonl")
    return out


def write(out: Path, corpus: TeacherCorpus, **extra: Any) -> dict[str, Any]:
    """Rows, what there is beside them, and the manifest with `extra`, which is returned."""
    parts = {"passages": corpus.passages, "labels": corpus.labels, "drafts": corpus.drafts}
    for name, part in parts.items():
        if part:
            write_atomically(beside(out, f".{name}.jsonl"), canonical(part))
    write_atomically(out, canonical(corpus.rows))
    found: dict[str, Any] = {**manifest(out.stem, corpus), **extra}
    write_atomically(beside(out, ".json"), (json.dumps(found, indent=1) + "\n").encode())
    return found


def write_new(out: Path, corpus: TeacherCorpus) -> bool:
    """Write a corpus; False if it is there already, CorpusError if another one is."""
    if out.exists():
        passages = beside(out, ".passages.jsonl")
        known = passages.read_bytes() if passages.is_file() else b""
        if out.read_bytes() != canonical(corpus.rows) or known != canonical(corpus.passages):
            raise CorpusError(f"{out} exists and holds something else: give another --out")
        if beside(out, ".json").exists():
            return False
    write(out, corpus)
    return True
