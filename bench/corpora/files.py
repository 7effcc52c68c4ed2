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
    for path, part in _parts(out, corpus).items():
        if part:
            write_atomically(path, part)
        else:
            path.unlink(missing_ok=True)  # of an earlier corpus of this name
    write_atomically(out, canonical(corpus.rows))
    found: dict[str, Any] = {**manifest(out.stem, corpus), **extra}
    write_atomically(beside(out, ".json"), (json.dumps(found, indent=1) + "\n").encode())
    return found


def _parts(out: Path, corpus: TeacherCorpus) -> dict[Path, bytes]:
    """What belongs to the rows, by the file that holds it where there is any."""
    parts = {"passages": corpus.passages, "labels": corpus.labels, "drafts": corpus.drafts}
    return {beside(out, f".{name}.jsonl"): canonical(part) for name, part in parts.items()}


def write_new(out: Path, corpus: TeacherCorpus) -> bool:
    """Write a corpus; False if it is there already, CorpusError if another one is."""
    if out.exists():
        parts = {out: canonical(corpus.rows)} | _parts(out, corpus)
        if any(part != (p.read_bytes() if p.is_file() else b"") for p, part in parts.items()):
            raise CorpusError(f"{out} exists and holds something else: give another --out")
        if beside(out, ".json").exists():
            return False
    write(out, corpus)
    return True
