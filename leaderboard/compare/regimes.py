"""Regime maps: where a treatment is ahead of its control, point by point of a sweep.

Each world of a point has its own items and corpus, and one run of each of the two. Worlds are
therefore the units: an interval is that of a mean of paired differences, t with n - 1 degrees
of freedom.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import fmean
from typing import Any, cast

from leaderboard.compare.pair import check_pairs
from leaderboard.stats.averages import matrices
from leaderboard.stats.formats import (
    DIRTY,
    MARKS,
    NONE,
    TableFormat,
    marked,
    percent,
    points,
    ratio,
    tabulated,
)
from leaderboard.stats.intervals import mean_interval
from leaderboard.store.board import check_place
from leaderboard.store.maps import Point, Side, Sweep, World
from leaderboard.store.reading import RecordError
from leaderboard.store.record import Group, Record, Scope

_POINT = ("axis", "value", "treatment", "control", "order")


@dataclass(frozen=True, slots=True)
class Gap:
    """Treatment - control as fractions: mean over worlds with its 95 % interval, and each world's.

    One world has no interval.
    """

    value: float
    low: float | None
    high: float | None
    per_world: list[float]


@dataclass(frozen=True, slots=True)
class Collected:
    """A sweep as far as it has run."""

    sweep: Sweep
    missing: list[str]
    """Runs whose counterpart in the same world is not there, in words."""
    notes: list[str]
    """What else a reader should know."""


def collect(root: Path, name: str) -> Collected:
    """All pairs of a sweep among the records under `root`.

    Where some runs answered all test items and others had a limit or another split, the former
    alone count. Raises RecordError where runs of a point contradict each other.
    """
    found = [record for record in swept(root, name) if record.scope.sealed is None]
    full = [record for record in found if _is_full(record)]
    kept = full or found
    groups: dict[tuple[str, ...], list[Record]] = {}
    for record in kept:
        point = _point(record)
        groups.setdefault(tuple(str(point[key]) for key in _POINT[:4]), []).append(record)
    missing: list[str] = []
    found_points = [_made(records, missing) for records in groups.values()]
    left_out = len(found) - len(kept)
    notes = [f"left out {left_out} runs with a limit or on another split"] if left_out else []
    sweep = Sweep.of(name, [point for point in found_points if point.worlds])
    return Collected(sweep, missing, notes)


def swept(root: Path, name: str) -> list[Record]:
    """The runs of a sweep among the records under `root`, in every scope."""
    found = list[Record]()
    for path in sorted(root.glob("*/*/*.json")):
        record = Record.load(path)
        if _of_sweep(record, name):
            check_place(path, record.track, record.version, path.parents[1].name, root)
            found.append(record)
    return found


def gap(point: Point, group: Group) -> Gap | None:
    """How far the treatment is ahead; None where the tasks have no such group."""
    pairs = [
        (getattr(world.treatment, group), getattr(world.control, group)) for world in point.worlds
    ]
    if any(None in pair for pair in pairs):
        return None
    differences = [a - b for a, b in pairs]
    low, high = mean_interval(differences) or (None, None)
    return Gap(fmean(differences), low, high, differences)


def tokens_ratio(point: Point) -> float | None:
    """Training tokens of the treatment over the control's, means over worlds."""
    spent = fmean(world.control.tokens for world in point.worlds)
    return fmean(world.treatment.tokens for world in point.worlds) / spent if spent else None


def map_json(sweep: Sweep) -> dict[str, Any]:
    """A sweep as plain data: the facts per world, and what follows from them per point."""
    found: list[dict[str, Any]] = []
    for point in sweep.points:
        gaps = {group: gap(point, group) for group in ("id", "ood")}
        found.append(
            asdict(point)
            | {"n_worlds": len(point.worlds), "tokens_ratio": tokens_ratio(point)}
            | {group: each and asdict(each) for group, each in gaps.items()}
        )
    return {"sweep": sweep.sweep, "points": found}


def map_title(sweep: Sweep) -> str:
    """What is compared: the two labels, or where these vary over the points, the methods."""
    pairs = dict.fromkeys(_pair(point) for point in sweep.points)
    if len(pairs) == 1:
        return next(iter(pairs))
    names = [(p.treatment.partition("[")[0], p.control.partition("[")[0]) for p in sweep.points]
    return "; ".join(f"{a} - {b}, fields as in the table" for a, b in dict.fromkeys(names))


def map_table(sweep: Sweep, form: TableFormat) -> str:
    """One line per point: both accuracies, and their difference with interval and per world."""
    one_pair = len({_pair(point) for point in sweep.points}) < 2
    headers = ["axis", "value", *([] if one_pair else ["treatment - control"]), "worlds"]
    for group in ("ID", "OOD"):
        headers += [group, f"{group} control", f"{group} difference", f"{group} per world"]
    return tabulated(
        [*headers, "tokens"], [_cells(point, one_pair) for point in sweep.points], form
    )


def map_legend(sweep: Sweep) -> str:
    """What the map's table means."""
    note = (
        f"Treatment - control: {map_title(sweep)}."
        " ID, OOD: accuracy in % of the treatment and of the control, means over worlds. Each"
        " world has its own items and corpus, one run of each method. Difference: treatment -"
        " control in points [95 % interval, t over the worlds' paired differences]. tokens:"
        " training tokens of the treatment over the control's."
    )
    dirty = f" {DIRTY} {MARKS[DIRTY]}."
    return note + (dirty if any(_is_dirty(point) for point in sweep.points) else "")


def _of_sweep(record: Record, name: str) -> bool:
    point = record.snapshot.get("point")
    return isinstance(point, Mapping) and cast(Mapping[str, Any], point).get("sweep") == name


def _is_full(record: Record) -> bool:
    return record.scope == Scope(world=record.scope.world)


def _point(record: Record) -> Mapping[str, Any]:
    point = cast(Mapping[str, Any], record.snapshot["point"])
    lacking = [key for key in _POINT if key not in point]
    if lacking:
        raise RecordError(
            f"{record.track}/{record.label} seed {record.seed}: its snapshot.point lacks"
            f" {', '.join(lacking)}; run the sweep again"
        )
    return point


def _made(records: Sequence[Record], missing: list[str]) -> Point:
    """The point that these records are of; a run without its counterpart goes to `missing`."""
    point, track = _point(records[0]), records[0].track
    for record in records:
        if _point(record)["order"] != point["order"] or record.track != track:
            raise RecordError(
                f"{record.track}/{record.label} seed {record.seed}: {point['axis']} ="
                f" {point['value']} has another order or track in other records; remove the old"
            )
    sides = {label: _by_world(records, str(point[label])) for label in ("treatment", "control")}
    worlds: list[World] = []
    for world in sorted({*sides["treatment"], *sides["control"]}):
        pair = [sides[label].get(world) for label in ("treatment", "control")]
        if pair[0] is not None and pair[1] is not None:
            check_pairs([pair[0]], [pair[1]])
            worlds.append(World(world, _side(pair[0]), _side(pair[1])))
        else:
            lost = point["treatment" if pair[0] is None else "control"]
            missing.append(f"{point['axis']} = {point['value']}: no run of {lost} in world {world}")
    named = {key: str(point[key]) for key in _POINT[:4]}
    return Point(**named, order=int(point["order"]), track=track, worlds=worlds)


def _by_world(records: Sequence[Record], label: str) -> dict[int, Record]:
    found: dict[int, Record] = {}
    for record in records:
        if record.label != label:
            continue
        world = record.scope.world
        if world in found:
            raise RecordError(
                f"{record.track}/{label}: seeds {found[world].seed} and {record.seed} both ran in"
                f" world {world}; a map takes one run per world: remove one"
            )
        found[world] = record
    return found


def _side(record: Record) -> Side:
    origin = record.provenance
    commit, date, command = (origin.get(key) for key in ("commit", "date", "command"))
    return Side(
        id=_accuracy(record, "id") or 0.0,
        ood=_accuracy(record, "ood"),
        tokens=record.training.tokens,
        seed=record.seed,
        is_full=_is_full(record),
        commit=commit,
        dirty=origin.get("dirty") is True,
        date=date,
        command=command,
    )


def _accuracy(record: Record, group: Group) -> float | None:
    found = matrices([record], group)
    return fmean(float(matrix.mean()) for matrix in found) if found else None


def _cells(point: Point, one_pair: bool) -> list[str]:
    value = marked(point.value, {DIRTY: _is_dirty(point)})
    cells = [point.axis, value, *([] if one_pair else [_pair(point)]), str(len(point.worlds))]
    for group in ("id", "ood"):
        found = gap(point, group)
        if found is None:
            cells += [NONE] * 4
            continue
        sides = [(getattr(w.treatment, group), getattr(w.control, group)) for w in point.worlds]
        cells += [percent(fmean(side)) for side in zip(*sides, strict=True)]
        cells += [_interval(found), " ".join(points(each) for each in found.per_world)]
    return [*cells, ratio(tokens_ratio(point))]


def _pair(point: Point) -> str:
    return f"{point.treatment} - {point.control}"


def _is_dirty(point: Point) -> bool:
    return any(side.dirty for world in point.worlds for side in (world.treatment, world.control))


def _interval(found: Gap) -> str:
    if found.low is None or found.high is None:
        return points(found.value)
    return f"{points(found.value)} [{points(found.low)}, {points(found.high)}]"
