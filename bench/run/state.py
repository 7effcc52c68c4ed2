"""How far cells are: what lies of them in this home, and whether a process is at it."""

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from bench.ground.files import is_held
from bench.ground.places import home
from bench.run.cell import RUN, TRAINED, Cell
from bench.run.missing import is_published
from leaderboard.store.reading import RecordError
from leaderboard.store.record import Record

State = Literal["done", "running", "published", "trained", "begun", "left", "to do"]
"""done: its record is here. running: a process is at it. published: elsewhere, and not here.
trained: its weights are here and no record, those of a teacher, of what is judged next, or of code
or settings that were others. begun: it has a checkpoint. left: a process ended there before its
first checkpoint. to do: nothing is here."""


@dataclass(frozen=True, slots=True)
class Standing:
    """A cell, or the run of its student, and how far it is."""

    track: str
    label: str
    seed: int
    state: State
    folder: str
    step: int | None = None
    """Of the checkpoint, where training has begun."""
    total: int | None = None
    """Steps that there are."""


def planned(cell: Cell) -> Standing:
    """What a command would find of the cell: done, running, published or to do."""
    state: State = "to do"
    if cell.found() is not None:
        state = "done"
    elif _is_at_work(cell):
        state = "running"
    elif is_published(cell):
        state = "published"
    return Standing(cell.track.name, cell.label, cell.seed, state, str(cell.folder.resolve()))


def standing(cell: Cell) -> Standing:
    """How far the cell is here."""
    state: State | None = None
    if cell.found() is not None:
        state = "done"
    elif _is_at_work(cell):
        state = "running"
    return _standing(cell.track.name, cell.label, cell.seed, cell.folder, state)


def in_home() -> Iterator[Standing]:
    """How far each run is whose folder lies here, sorted."""
    root = home() / "runs"
    recorded = _recorded()
    # A run that has just begun has a lock, and no folder yet.
    for folder in sorted({path.with_name(path.name.removesuffix(".lock")) for path in _runs(root)}):
        name = RUN.fullmatch(folder.name)
        track, label = folder.relative_to(root).parts[:2]
        if name is None:
            continue
        state: State | None = None
        if is_held(folder):
            state = "running"
        elif (track, name[2]) in recorded:
            state = "done"
        elif not folder.is_dir():
            continue
        yield _standing(track, label, int(name[1]), folder, state)


def _runs(root: Path) -> Iterator[Path]:
    return root.glob("*/*/seed*-*")


def _is_at_work(cell: Cell) -> bool:
    return is_held(cell.record_path) or is_held(cell.folder)


def _standing(track: str, label: str, seed: int, folder: Path, state: State | None) -> Standing:
    """`state` where that is known without looking into the folder."""
    step, total = (state in (None, "running") and _steps(folder)) or (None, None)
    return Standing(
        track, label, seed, state or _left(folder, step), str(folder.resolve()), step, total
    )


def _left(folder: Path, step: int | None) -> State:
    if (folder / TRAINED).is_file():
        return "trained"
    if step is not None:
        return "begun"
    return "left" if folder.is_dir() else "to do"


def _steps(folder: Path) -> tuple[int, int] | None:
    from bench.training import checkpoint

    # A process that is at it may end its training meanwhile.
    try:
        return checkpoint.steps(folder)
    except FileNotFoundError:
        return None


def _recorded() -> set[tuple[str, str]]:
    """Track and beginning of the train key of each record that is here."""
    found = set[tuple[str, str]]()
    for path in (home() / "records").glob("v*/*/*/*.json"):
        try:
            record = Record.load(path)
        except RecordError as error:
            # What `run` would make again.
            print(f"{error}; passed over", file=sys.stderr)
            continue
        found.add((record.track, str(record.provenance.get("train_key"))[:12]))
    return found
