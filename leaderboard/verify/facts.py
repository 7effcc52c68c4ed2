"""What lies beside the records, read as strangers' files are, and what records say of it."""

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, TypeVar

from leaderboard.store.board import beside, version
from leaderboard.store.reading import RecordError
from leaderboard.store.record import Record
from leaderboard.verify.reading import MOST_BYTES, read
from leaderboard.verify.tree import Fault, Tree

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Fact(Generic[T]):
    """A file beside the records, and what it holds."""

    file: str
    """What faults call it."""
    path: Path
    suite: str
    holds: T


def facts(
    tree: Tree, kind: str, form: str, load: Callable[[Path], T], aside: Collection[Path] = ()
) -> Iterator[Fact[T] | Fault]:
    """All that lies below the folder of a kind but what is `aside`; `form` is that of its paths."""
    folder = beside(tree.root, kind)
    if folder.is_symlink():
        yield Fault(kind, "is a symbolic link", "a folder of its own")
        return
    depth = form.count("/") + 1
    for path in sorted({*folder.rglob("*")} - {*aside}):
        parts = path.relative_to(folder).parts
        is_inner = len(parts) < depth and path.is_dir() and not path.is_symlink()
        if is_inner or not _is_looked_at(tree, parts, depth):
            continue
        file = f"{kind}/{'/'.join(parts)}"
        if len(parts) != depth or version(parts[0]) is None or path.suffix != ".json":
            yield Fault(file, f"is no place in {kind}", f"{form}, or away")
            continue
        found = loaded(path, file, load)
        yield found if isinstance(found, Fault) else Fact(file, path, parts[0], found)


def loaded(path: Path, file: str, load: Callable[[Path], T]) -> T | Fault:
    """What a file holds, or why it cannot be read."""
    try:
        return read(path, load)
    except RecordError as error:
        return Fault(file, str(error), f"as `skbench` writes it, in {MOST_BYTES} bytes at most")


def _is_looked_at(tree: Tree, parts: tuple[str, ...], depth: int) -> bool:
    """Whether a path is of the track that is looked at; maps and studies tell theirs inside."""
    if depth == 2 or len(parts) == 1:
        return True
    return tree.track in (None, parts[1], base_of(parts[1]))


def base_of(track: str) -> str:
    """The track that a point of a sweep changes; a track that is none is its own."""
    return track.partition(".")[0]


def table_of(tree: Tree, suite: str, track: str) -> Mapping[str, Record]:
    """The records of a track by place; of a point of a sweep, those of the track it changes."""
    of = {tuple(next(iter(table)).split("/")[:2]): table for table in tree.tables()}
    return of.get((suite, track)) or of.get((suite, base_of(track))) or {}


def groups_of(table: Mapping[str, Record]) -> Mapping[str, str]:
    """Data set -> group, as the records of a track have them."""
    sets = (each.data_sets.items() for each in table.values())
    return {name: data_set.group for of in sets for name, data_set in of}
