"""Run a record's cell again. The record may come from a stranger, so nothing of it is executed:

its command is not run but rebuilt from fields that must all agree with what this version has - a
built-in track with the same settings, a built-in method with the same fields, corpus and student.
"""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

from bench import registry, track
from bench.ground.places import home
from bench.ground.provenance import file_sha256
from bench.method import Method
from bench.run import planning, precision, stages, sweep, tune
from bench.run.cell import Cell
from bench.track import ConfigError, Track
from leaderboard.store.generations import place
from leaderboard.store.record import FOR_SOME, WHAT_TO_RUN, Record


def again(path: Path, out: Path | None, data: Path | None) -> tuple[Record, Record, Path]:
    """The record of that file, one of the same cell run in a home of its own, and the file of what
    that wrote.

    The home is `out`, by default a folder below $SKBENCH_HOME/reproduced named after the record:
    the same command again goes on there. ConfigError where the record cannot be run here.
    """
    if not path.is_file():
        raise ConfigError(f"{path}: no such record")
    path = path.resolve()
    expected = Record.load(path)
    chosen, point, origin = _track(expected)
    method, scope = _method(expected), expected.scope
    name = f"{chosen.name}-{method.label}-seed{expected.seed}-{file_sha256(path)[:12]}"
    with _home_at(out or home() / "reproduced" / name):
        cells = planning.plan(
            chosen,
            [method],
            [expected.seed],
            scope,
            skip_unmet=False,
            data=data,
            origin=origin,
            point=point,
        )
        cells = [_settled(cell, expected) for cell in cells]
        _check_inputs(cells[0], expected)
        if cells[0].record_path.resolve() == path or cells[0].found() == expected:
            raise ConfigError(f"--out {home()}: holds this very record; name another folder")
        precision.warn(cells)
        (obtained,) = stages.run_cells(cells)
        return expected, obtained, place(cells[0].record_path)


def track_of(record: Record) -> Track:
    """The track as the record ran it; ConfigError where it is none that this version knows."""
    table = record.snapshot.get("track")
    if not isinstance(table, Mapping):
        raise ConfigError(f"the record of {record.label} does not hold its track")
    # Of records from before trials were files of their own.
    known = {key: value for key, value in table.items() if key != "tuning"}
    return track.build(Track, _said(known), f"the record's track '{record.track}'")


def _said(table: Mapping[str, Any]) -> dict[str, Any]:
    """A table without nulls: a field that is not used is left out, as in TOML."""
    return {
        key: _said(value) if isinstance(value, Mapping) else value
        for key, value in table.items()
        if value is not None
    }


def _track(record: Record) -> tuple[Track, dict[str, str | int] | None, tuple[str, ...]]:
    """The built-in track of the record, the point of a sweep, and the words that choose them."""
    if "checkpoint" in record.snapshot:
        raise ConfigError(f"{record.label}: not trained here, so there is nothing to run again")
    point, name = record.snapshot.get("point"), record.track
    found, about, origin = None, None, (name,)
    if isinstance(point, Mapping):
        inside = str(point.get("sweep"))
        name, _, at = record.track.partition(f".{inside}.")
        if name in track.names():
            (variation,) = sweep.variations(sweep.load(inside), track.load(name), [at])
            found, about = variation.track, variation.point
            origin = (name, "--sweep", inside, "--points", at)
    elif name in track.names():
        found = track.load(name)
    if found is None:
        raise ConfigError(
            f"track '{record.track}' is not built in: only a record of a built-in track can be run"
            f" again from its fields ({', '.join(track.names())})"
        )
    _check_same(f"track '{record.track}'", found, track_of(record))
    return found, about, origin


def _check_same(what: str, here: Track, there: Track) -> None:
    gained = {name for name in FOR_SOME if getattr(there, name) is None}
    ours, theirs = (
        {k: v for k, v in track.told(each).items() if k not in WHAT_TO_RUN | gained}
        for each in (here, there)
    )
    changed = list(_differences(ours, theirs, ""))
    if changed:
        raise ConfigError(
            f"{what} is not what the record ran: {'; '.join(changed)}. Check out the commit that"
            " the record names"
        )


def _differences(ours: Any, theirs: Any, name: str) -> Iterator[str]:
    if isinstance(ours, Mapping) and isinstance(theirs, Mapping):
        for key in sorted({*ours, *theirs}):
            where = f"{name}.{key}" if name else str(key)
            yield from _differences(ours.get(key), theirs.get(key), where)
    elif ours != theirs:
        yield f"{name} is {ours!r} here and {theirs!r} there"


def _method(record: Record) -> Method:
    """The built-in method of the record's label."""
    label = str(record.own.get("of")) if record.own else record.label
    method = registry.configure(registry.discover(), label, [])
    if method.label != label or method.name() != record.method:
        raise ConfigError(f"record of '{label}' and {record.method}: no method here is both")
    return method


def _settled(cell: Cell, record: Record) -> Cell:
    """The cell with the settings and fields that the record ran; ConfigError for others here."""
    own, ran = record.own, record.snapshot.get("method")
    found = tune.tuned(cell) if own else cell
    if own and (found.own is None or asdict(found.own) != own):
        raise ConfigError(
            f"{record.label} ran with settings of its own ({own}), and the trials here choose"
            f" {found.own and asdict(found.own)}: check out the commit that the record names"
        )
    if not registry.is_what_ran(found.method, ran):
        raise ConfigError(
            f"method '{record.label}' has other fields here ({asdict(found.method)}) than in the"
            f" record ({ran}): check out the commit that the record names"
        )
    return found


def _check_inputs(cell: Cell, record: Record) -> None:
    """What training starts from must be the record's, or the outcome says nothing."""
    found = {"seed": cell.seed, "corpus": cell.corpus.sha256, "student": cell.student_sha256}
    told = record.provenance
    wanted = {
        "seed": record.seed,
        "corpus": told.get("corpus_sha256"),
        "student": told.get("student_sha256"),
    }
    for name, value in wanted.items():
        if value != found[name]:
            raise ConfigError(
                f"the {name} is {str(found[name])[:12]} here, and the record's was"
                f" {str(value)[:12]}: check out the commit that the record names"
            )


@contextmanager
def _home_at(folder: Path) -> Iterator[None]:
    before, fetched = os.environ.get("SKBENCH_HOME"), (home() / "students").resolve()
    if not os.path.lexists(folder / "students"):  # those that a package index carries
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "students").symlink_to(fetched)
    os.environ["SKBENCH_HOME"] = str(folder)
    try:
        yield
    finally:
        if before is None:
            del os.environ["SKBENCH_HOME"]
        else:
            os.environ["SKBENCH_HOME"] = before
