"""Facts are written once, whole or not at all; where this machine's lie, and what day it is."""

import errno
import fcntl
import hashlib
import json
import os
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any


def home() -> Path:
    """Where everything that a run makes lives: $SKBENCH_HOME, by default .bench."""
    return Path(os.environ.get("SKBENCH_HOME") or ".bench")


def today() -> str:
    """The date in UTC, as YYYY-MM-DD."""
    return datetime.now(UTC).date().isoformat()


def write_once(path: Path, body: Mapping[str, Any], what: str) -> None:
    """Write JSON, one line per key; FileExistsError, naming `what`, where the file exists."""
    lines = ",\n".join(f" {json.dumps(key)}: {json.dumps(value)}" for key, value in body.items())
    write_bytes_once(path, f"{{\n{lines}\n}}\n".encode(), what)


def write_bytes_once(path: Path, content: bytes, what: str) -> None:
    """The same for any content."""
    if path.exists():
        raise FileExistsError(errno.EEXIST, f"a {what} is never overwritten", str(path))
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f"{path.name}.{os.getpid()}.part")
    part.unlink(missing_ok=True)
    try:
        part.write_bytes(content)
        path.hardlink_to(part)  # unlike a rename, fails if another run was faster
    finally:
        part.unlink(missing_ok=True)


@contextmanager
def alone_in(folder: Path) -> Generator[None]:
    """Wait for other processes that are at the folder; the lock dies with its process."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def file_sha256(path: Path) -> str:
    """sha256 of a file's bytes."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def replace_text(path: Path, text: str) -> None:
    """Write a file that may be there already."""
    replace_bytes(path, text.encode())


def replace_bytes(path: Path, content: bytes) -> None:
    """The same for any content."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f"{path.name}.{os.getpid()}.part")
    try:
        part.write_bytes(content)
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)
