"""How one thing that is merged is copied: whole or not at all, and never over what is there.

Links are refused: what lies elsewhere is not followed to where it points.
"""

import os
import re
import shutil
import stat
import sys
from collections.abc import Iterator
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path

from bench.ground.files import locked
from bench.ground.sums import SUMS
from bench.run.cell import TRAINED
from leaderboard.store.files import file_sha256
from leaderboard.store.reading import RecordError

WEIGHTS = re.compile(rf"[A-Za-z0-9_.-]+\.(safetensors|json)|README\.md|{SUMS}")
"""Files of weights that are copied; an adapter's card is among its sums."""


@dataclass(frozen=True, slots=True)
class Copy:
    """A file that is to be copied to a place where there is none."""

    kind: str
    source: Path
    path: Path
    sha256: str
    """Of the source as it was read."""
    lock: Path | None = None
    """What a process that makes the same fact has locked."""

    def make(self) -> None:
        """Copy it, whole or not at all."""
        with locked(self.lock) if self.lock else nullcontext():
            _copy(self.source, self.path, self.sha256)


@dataclass(frozen=True, slots=True)
class Trained:
    """A trained student: its weights, then the report that says they are there."""

    kind: str
    source: Path
    path: Path

    def make(self) -> None:
        """Copy both; weights that are here without a report stay, unless they are the same."""
        weights = self.path / "weights"
        with locked(self.path):
            if not weights.is_dir():
                part = self.path / "weights.part"
                shutil.rmtree(part, ignore_errors=True)
                for each in weights_of(self.source):
                    _copy(each, part / each.name, file_sha256(each))
                part.rename(weights)
            if _hashes(self.path) == _hashes(self.source):
                report = self.source / TRAINED
                _copy(report, self.path / report.name, file_sha256(report))
            else:
                print(f"{weights}: of a run that did not end; left as they are", file=sys.stderr)


def files_in(root: Path) -> Iterator[Path]:
    """The files below a folder, sorted; RecordError for a link, and for what is no file."""
    if root.is_symlink():
        raise RecordError(f"{root}: a link, which is not followed: put its folder there")
    for folder, names, files in os.walk(root):
        names.sort()
        for name in sorted([*names, *files]):
            path = Path(folder, name)
            mode = path.lstat().st_mode
            if stat.S_ISREG(mode):
                yield path
            elif not stat.S_ISDIR(mode):
                what = "a link, which is not followed" if stat.S_ISLNK(mode) else "no file"
                raise RecordError(f"{path}: {what}: take it out of that home")


def weights_of(run: Path) -> list[Path]:
    """The files of a run's weights that are copied, sorted."""
    files = (each for each in files_in(run / "weights") if each.parent.name == "weights")
    return [each for each in files if WEIGHTS.fullmatch(each.name)]


def is_whole(run: Path) -> bool:
    """Whether all files that the sums of the weights name are among those that are copied."""
    copied = {path.name: path for path in weights_of(run)}
    lines = copied[SUMS].read_text().splitlines() if SUMS in copied else []
    return all(line.partition("  ")[2] in copied for line in lines)


def _hashes(run: Path) -> dict[str, str]:
    return {path.name: file_sha256(path) for path in weights_of(run)}


def _copy(source: Path, path: Path, sha256: str) -> None:
    """Copy a file to where none is; RecordError where it changed since it was read."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f"{path.name}.{os.getpid()}.part")
    part.unlink(missing_ok=True)
    try:
        with (
            os.fdopen(os.open(source, os.O_RDONLY | os.O_NOFOLLOW), "rb") as read,
            part.open("xb") as write,
        ):
            shutil.copyfileobj(read, write)
        if file_sha256(part) != sha256:
            raise RecordError(f"{source}: changed while it was copied: merge again")
        path.hardlink_to(part)  # unlike a rename, fails where a file came meanwhile
    finally:
        part.unlink(missing_ok=True)
