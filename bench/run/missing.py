"""Which cells are published already, so that a new machine does not make them again."""

import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from bench.registry import is_what_ran
from bench.run.cell import Cell
from bench.track import ConfigError, told
from leaderboard.store import board
from leaderboard.store.comparable import settings, track_settings
from leaderboard.store.record import FOR_SOME, Record


def missing(cells: Sequence[Cell], *, told: bool) -> list[Cell]:
    """Those that are not among the published records of their track's version.

    The others are named on stderr if `told`. ConfigError for a cell that is never published as a
    record, and for one that is published under other settings: what a version fixes. Items are
    not looked at, since tasks pin theirs.
    """
    found = list[Cell]()
    for cell in cells:
        if not cell.scope.is_public or cell.point:
            raise ConfigError(
                "--missing: only runs on the published items are published as records: leave out"
                " --limit, --sealed, --world, --split dev, and sweeps that have points"
            )
        record = _record(cell)
        if record is None:
            found.append(cell)
            continue
        for what in _differences(cell, record):
            raise ConfigError(
                f"{_place(cell)}: published with another {what} than this track has: raise the"
                " track's version in its TOML, or check out the commit that the record names"
            )
        if told:
            print(f"{cell.label} seed {cell.seed}: published", file=sys.stderr)
    if not found and told:
        print(f"nothing to do: all {len(cells)} cells are published", file=sys.stderr)
    return found


def is_published(cell: Cell) -> bool:
    """Whether there is a public record of the cell as it is."""
    record = _record(cell) if cell.scope.is_public and not cell.point else None
    return record is not None and not any(_differences(cell, record))


def _record(cell: Cell) -> Record | None:
    path = _place(cell)
    return Record.load(path) if path.is_file() else None


def _place(cell: Cell) -> Path:
    return board.PUBLISHED / cell.place


def _differences(cell: Cell, record: Record) -> Iterator[str]:
    if not is_what_ran(cell.method, record.snapshot.get("method")):
        yield "method"
    ran, track = track_settings(record) or {}, told(cell.track)
    for name in FOR_SOME:
        if ran.get(name) and ran[name] != track[name]:
            yield name
    if settings(ran) != settings(track):
        yield "setting"
    own = cell.own and cell.own.trials_sha256
    if (record.own or {}).get("trials_sha256") != own:
        yield "set of trials"
    if record.provenance.get("corpus_sha256") != cell.corpus.sha256:
        yield "corpus"
