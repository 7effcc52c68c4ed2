"""What was computed from facts, kept in $SKBENCH_HOME until a file changes that it came from."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from functools import cache
from glob import escape
from hashlib import sha256
from pathlib import Path
from typing import TypeVar

from pydantic import TypeAdapter, ValidationError

from leaderboard.store.files import home, replace_bytes

T = TypeVar("T")
_CODE = Path(__file__).parents[1]
_BESIDE = ("generations", "trials", "probes", "reruns")
_OF_NO_TRACK = ("maps", "studies", "cost", "reported")


def facts_of(track: str, records: Path) -> Iterator[Path]:
    """The files that a board holds of a track, beside its suites of `records` too."""
    for kind in (records, *map(records.parent.joinpath, _BESIDE)):
        for folder in kind.glob(f"v*/{escape(track)}"):
            yield from (p for p in folder.rglob("*.json*") if p.suffix in (".json", ".xz"))


def all_facts(records: Path) -> Iterator[Path]:
    """All files that a board holds, of its tracks and of none."""
    for kind in (records, *map(records.parent.joinpath, (*_BESIDE, *_OF_NO_TRACK))):
        yield from (path for path in kind.rglob("*") if path.is_file())


def remembered(of: type[T], name: str, files: Iterable[Path], make: Callable[[], T]) -> T:
    """What `make` returns, or returned before for the same `name`, files and code.

    `of` is a type that pydantic reads back as it was. Files are known by path, size and time of
    change; the code by that of its own files. What cannot be read or kept is made anew.
    """
    path = home() / "index" / f"{sha256(name.encode()).hexdigest()}.json"
    key, as_json = _key(files), TypeAdapter(of)
    with suppress(OSError, ValidationError):
        head, _, body = path.read_bytes().partition(b"\n")
        if head == key:
            return as_json.validate_json(body)
    found = make()
    # A home that cannot be written to still shows its board.
    with suppress(OSError):
        replace_bytes(path, key + b"\n" + as_json.dump_json(found))
    return found


def _key(files: Iterable[Path]) -> bytes:
    told = "\n".join([_code(), *sorted(map(_stamp, files))])
    return sha256(told.encode()).hexdigest().encode()


@cache
def _code() -> str:
    """Of all that this package is made of but its facts."""
    sources = (path for part in _CODE.iterdir() for path in part.rglob("*.py") if part.is_dir())
    assets = (_CODE / "show").rglob("assets/*")
    return "\n".join([installed(), *sorted(map(_stamp, {*sources, *assets}))])


def installed() -> str:
    """The version of this package; "unknown" where its files are used without being installed."""
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version("skintern-bench")
    except PackageNotFoundError:
        return "unknown"


def _stamp(path: Path) -> str:
    stat = path.stat()
    return f"{path}\t{stat.st_size}\t{stat.st_mtime_ns}"
