"""The published data: which files, where they come from, and whether a folder has them."""

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal
from urllib.parse import quote

import tasks
from bench.ground.places import data_dir, home
from bench.ground.provenance import file_sha256
from bench.track import ConfigError
from leaderboard.store.reading import nearest

SOURCES = Path(tasks.__file__).parent / "SOURCES.tsv"

State = Literal["right", "missing", "changed"]


@dataclass(frozen=True, slots=True)
class Source:
    """One file: its place in the data folder, and the public repository that has it."""

    file: str
    repository: str
    commit: str
    path: str
    n_bytes: int
    sha256: str

    def url(self, base: str) -> str:
        """Its address on a server that has repositories as BASE/OWNER/NAME/COMMIT/PATH."""
        return f"{base.rstrip('/')}/{quote(f'{self.repository}/{self.commit}/{self.path}')}"

    def state(self, folder: Path) -> State:
        """Whether the folder has the file, byte for byte."""
        path = folder / self.file
        if not path.is_file():
            return "missing"
        same = path.stat().st_size == self.n_bytes and file_sha256(path) == self.sha256
        return "right" if same else "changed"


def sources(only: str | None = None) -> list[Source]:
    """All files of the table, or those that begin with one of the comma-separated prefixes.

    ConfigError names a prefix that no file begins with.
    """
    with SOURCES.open(encoding="utf-8", newline="") as file:
        rows = csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE)
        table = [Source(n_bytes=int(row.pop("bytes")), **row) for row in rows]
    if only is None:
        return table
    prefixes = tuple(filter(None, (part.strip() for part in only.split(","))))
    _refuse_unknown(only, prefixes, table)
    return [source for source in table if source.file.startswith(prefixes)]


def _refuse_unknown(only: str, prefixes: Sequence[str], table: Sequence[Source]) -> None:
    folders = sorted({source.file.partition("/")[0] for source in table})
    unknown = [p for p in prefixes if not any(s.file.startswith(p) for s in table)]
    if unknown or not prefixes:
        wrong = unknown[0] if unknown else only
        hint = nearest(wrong, folders)
        raise ConfigError(f"--only: no file of tasks/{SOURCES.name} begins with '{wrong}'; {hint}")


def folder(argument: str | Path | None) -> Path:
    """The folder to fill or to check: the argument, else $SKBENCH_DATA, else `data` of the home."""
    return data_dir(str(argument) if argument else None) or home() / "data"
