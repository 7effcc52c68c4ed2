"""The stored map of a sweep: facts per point and world, one JSON file, only ever added to."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated

from pydantic import Field

from leaderboard.store.board import suites_with
from leaderboard.store.files import replace_text
from leaderboard.store.ranges import Count, Share, Tokens, Whole
from leaderboard.store.reading import STRICT, First, RecordError, stored

SCHEMA = 1


@dataclass(frozen=True, slots=True)
class Side:
    """One run of a pair: accuracies as fractions, unweighted mean over data sets."""

    id: Share
    ood: Share | None
    tokens: Tokens
    """Spent in training."""
    seed: Count
    is_full: bool
    """Whether it answered all test items: no limit, no other split."""
    commit: str | None
    dirty: bool
    date: str | None
    command: str | None


@dataclass(frozen=True, slots=True)
class World:
    """One pair of runs in one world."""

    world: Count
    treatment: Side
    control: Side


@dataclass(frozen=True, slots=True)
class Point:
    """One setting of one axis; `treatment` and `control` are labels of methods."""

    axis: str
    value: str
    treatment: str
    control: str
    order: Whole
    track: str
    worlds: list[World]

    @property
    def name(self) -> tuple[str, str, str, str]:
        """What makes it one point and no other."""
        return self.axis, self.value, self.treatment, self.control


@dataclass(frozen=True, slots=True)
class Sweep:
    """All points of a sweep, axis by axis, in the order that the sweep gave them."""

    __pydantic_config__ = STRICT

    schema: First
    sweep: str
    points: Annotated[list[Point], Field(min_length=1)]

    @property
    def track(self) -> str:
        """Whose points these are."""
        return self.points[0].track.partition(".")[0]

    @classmethod
    def of(cls, name: str, points: Sequence[Point]) -> "Sweep":
        """The points in order: axes by their first point, then within each."""
        first: dict[str, int] = {}
        for point in points:
            first[point.axis] = min(point.order, first.get(point.axis, point.order))
        ordered = sorted(points, key=lambda p: (first[p.axis], p.axis, p.order, p.name))
        return cls(SCHEMA, name, ordered)

    @classmethod
    def load(cls, path: Path) -> "Sweep":
        """Read and check a stored map; RecordError names the file and the field."""
        sweep = stored(cls, path)
        if sweep.sweep != path.stem:
            raise RecordError(f"{path}: is of sweep {sweep.sweep!r}; rename the file")
        if len({point.name for point in sweep.points}) < len(sweep.points):
            raise RecordError(f"{path}: two points of one name; remove one")
        for point in sweep.points:
            if len({world.world for world in point.worlds}) < len(point.worlds):
                raise RecordError(f"{path}: a world of {point.axis} = {point.value} twice")
        return sweep


def publish_map(sweep: Sweep, root: Path) -> Path | None:
    """Store the map as ROOT/SWEEP.json; None where that holds it already.

    Raises RecordError for runs from an uncommitted tree or on fewer items, for a map without
    points, and where the stored map has a point or a world that this one lacks or tells otherwise.
    """
    path = root / f"{sweep.sweep}.json"
    if not sweep.points:
        raise RecordError(f"{path}: the sweep has no pair of runs yet; nothing to publish")
    check_runs(sweep)
    if path.exists():
        stored = Sweep.load(path)
        if stored == sweep:
            return None
        _check_no_smaller(sweep, stored, path)
    replace_text(path, json.dumps(asdict(sweep), indent=1) + "\n")
    return path


def stored_maps(base: Path) -> list[tuple[str, Sweep]]:
    """The newest map of each sweep under `base`, with its suite, by name."""
    names = sorted({path.name for path in base.glob("v*/*.json")})
    newest = [(suites_with(base, name)[-1], name) for name in names]
    return [(suite, Sweep.load(base / suite / name)) for suite, name in newest]


def check_runs(sweep: Sweep) -> None:
    """Raise RecordError for runs from an uncommitted tree, or on fewer items."""
    for why, field, bad in (
        ("come from an uncommitted working tree; commit, then run them again", "dirty", True),
        ("did not answer all test items; run them without a limit", "is_full", False),
    ):
        found = [
            f"{point.axis} = {point.value}, {label}, world {world.world}"
            for point in sweep.points
            for world in point.worlds
            for label, side in ((point.treatment, world.treatment), (point.control, world.control))
            if getattr(side, field) is bad
        ]
        if found:
            more = f" and {len(found) - 3} more" if len(found) > 3 else ""
            raise RecordError(f"{sweep.sweep}: runs {why}: {'; '.join(found[:3])}{more}")


def _check_no_smaller(sweep: Sweep, stored: Sweep, path: Path) -> None:
    worlds = {point.name: point.worlds for point in sweep.points}
    for point in stored.points:
        now = worlds.get(point.name, [])
        lost = [world.world for world in point.worlds if world not in now]
        if lost:
            raise RecordError(
                f"{path}: holds {point.axis} = {point.value} in worlds"
                f" {', '.join(map(str, sorted(lost)))}, by runs that are not among these;"
                " run them as well, or remove that file deliberately"
            )
