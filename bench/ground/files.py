"""Files that survive interruption: written whole or not at all, one writer at a time."""

import fcntl
import os
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

PROBE_BYTES = 2**20
"""Fewer than these free is a full disk."""


class BusyError(RuntimeError):
    """Another process holds the lock."""


def write_atomically(path: Path, content: bytes) -> None:
    """Write to a temporary name beside `path`, then rename."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f"{path.name}.{os.getpid()}.part")
    with writing(part):
        part.write_bytes(content)
        part.replace(path)


@contextmanager
def writing(part: Path) -> Iterator[None]:
    """Clear `part` away, a file or a folder, if it is not written whole; OSError then names it."""
    try:
        yield
    except OSError as error:
        _clear(part)
        raise OSError(error.errno, error.strerror, error.filename or str(part)) from error
    except Exception as error:
        # torch, safetensors and tokenizers have words and classes of their own for a full disk.
        fault = _fault_beside(part)
        _clear(part)
        if fault is None:
            raise
        raise OSError(fault.errno, fault.strerror, str(part)) from error


def _fault_beside(part: Path) -> OSError | None:
    """What a write to the same folder meets now; None if it succeeds."""
    probe = part.with_name(f"{part.name}.{os.getpid()}.probe.part")
    try:
        probe.write_bytes(bytes(PROBE_BYTES))
    except OSError as error:
        return error
    finally:
        probe.unlink(missing_ok=True)
    return None


def _clear(part: Path) -> None:
    if part.is_dir():
        shutil.rmtree(part, ignore_errors=True)
    else:
        part.unlink(missing_ok=True)


@contextmanager
def locked(folder: Path, *, wait: bool = True) -> Iterator[None]:
    """Hold the folder's lock, which dies with its process.

    Where another process holds it, wait for that one, or raise BusyError if not to `wait`. It is
    an flock, which holds between machines where their file system passes it on: NFS from version
    4 on, Lustre mounted with `flock`.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    lock = FileLock(f"{folder}.lock")
    try:
        lock.acquire(timeout=0)
    except Timeout as error:
        if not wait:
            raise BusyError(f"another process is at {folder}") from error
        print(f"waiting for another process on {folder}", file=sys.stderr)
        lock.acquire()
    try:
        yield
    finally:
        lock.release()


def is_held(folder: Path) -> bool:
    """Whether a process holds the folder's lock; makes no file.

    To ask is to share the lock for a moment, in which another process may find it held.
    """
    try:
        with Path(f"{folder}.lock").open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except FileNotFoundError:
        return False
    except BlockingIOError:
        return True
    return False
