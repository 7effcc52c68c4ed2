"""One hash of a checkpoint's files."""

import glob
from functools import cache
from pathlib import Path

from bench.ground import provenance

CHECKPOINT_FILES = ("*.json", "*.safetensors", "*.model", "*.txt", "*.jinja")
"""What is read of a checkpoint: no pickles, and no code unless it is trusted."""


def checkpoint_sha256(
    checkpoint: str, gguf_file: str | None = None, *, code: bool = False
) -> str | None:
    """One hash of a checkpoint's files, its `code` too where that runs; None for what is no folder
    here.

    Of the GGUF files in a folder, which may be many, only the one that is loaded counts.
    """
    folder = Path(checkpoint)
    if not folder.is_dir():
        return None
    patterns = [*CHECKPOINT_FILES, *([glob.escape(gguf_file)] if gguf_file else [])]
    patterns += ["*.py"] * code
    files = sorted(path for pattern in patterns for path in folder.glob(pattern))
    stats = [(path, path.stat()) for path in files]
    return provenance.digest([[p.name, _sha256(p, s.st_size, s.st_mtime_ns)] for p, s in stats])


@cache
def _sha256(path: Path, size: int, mtime_ns: int) -> str:
    """Of a file that every cell of a run asks for."""
    return provenance.file_sha256(path)
