"""Reading files of strangers: of bounded size, and told as one thing alone."""

from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from leaderboard.store.reading import MisreadError, RecordError, check_told_once
from leaderboard.store.record import Record

T = TypeVar("T")
MOST_BYTES = 16 * 2**20
"""Of a file that is read: fifteen times the largest record so far."""


def read(path: Path, load: Callable[[Path], T]) -> T:
    """What `load` reads there; RecordError without the path for what is none, or too large."""
    if path.is_symlink() or not path.is_file():
        raise RecordError("is a link or a folder, and is not read")
    size = path.stat().st_size
    if size > MOST_BYTES:
        raise RecordError(f"{size} bytes, and is not read")
    try:
        check_told_once(path.read_bytes())
        return load(path)
    except (MisreadError, RecordError) as error:
        raise RecordError(str(error).removeprefix(f"{path}: ")) from error
    except RecursionError as error:
        raise RecordError("nested too deeply, and is not read") from error


def read_record(path: Path) -> Record:
    """A record from a stranger."""
    return read(path, Record.load)
