"""A sweep: many rows, or one track changed along several axes, as one command."""

import tomllib
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from bench.track import ConfigError, Student, Track, Training, build
from leaderboard.store.reading import STRICT, nearest

SWEEPS = Path(__file__).parent.parent / "sweeps"


@dataclass(frozen=True, slots=True)
class Point:
    """A track with something changed: `axis` says what, `value` to what."""

    name: str
    axis: str
    value: str
    methods: list[str]
    """The treatment first, then its control."""
    corpus: str | None = None
    student: str | None = None
    training: dict[str, Any] = field(default_factory=dict[str, Any])


@dataclass(frozen=True, slots=True)
class Sweep:
    """Methods to run on the track as it is, or points to run it at."""

    __pydantic_config__ = STRICT

    name: str
    about: str
    methods: list[str] = field(default_factory=list[str])
    points: list[Point] = field(default_factory=list[Point])
    seeds: list[int] = field(default_factory=list[int])
    """The seeds run by default; the track's first where there are none."""
    own_worlds: bool = False
    """Whether seed k is judged in world k of an embedded suite, not in the published one."""


@dataclass(frozen=True, slots=True)
class Variation:
    """A track as a sweep wants it, with the methods to run and, for a point, what it is."""

    track: Track
    methods: list[str]
    point: dict[str, str | int] | None = None


def names() -> list[str]:
    """The sweeps there are."""
    return sorted(path.stem for path in SWEEPS.glob("*.toml"))


def load(name: str) -> Sweep:
    """Read a sweep by name; ConfigError names the fault."""
    path = SWEEPS / f"{name}.toml"
    if name not in names():
        raise ConfigError(f"unknown sweep '{name}': {nearest(name, names())}")
    return build(Sweep, {"name": name, **tomllib.loads(path.read_text())}, str(path))


def variations(sweep: Sweep, track: Track, points: list[str] | None) -> list[Variation]:
    """The tracks to run: those of the named points, of all where none is named."""
    if not sweep.points:
        if points:
            raise ConfigError(f"--points {points[0]}: sweep '{sweep.name}' has no points")
        return [Variation(track, sweep.methods)]
    known = {point.name: (order, point) for order, point in enumerate(sweep.points)}
    for name in points or ():
        if name not in known:
            raise ConfigError(f"--points {name}: {nearest(name, sorted(known))}")
    return [_changed(sweep, track, *known[name]) for name in points or known]


def _changed(sweep: Sweep, track: Track, order: int, point: Point) -> Variation:
    """The track at a point; its rows are compared with the point's control."""
    given = {k: v for k, v in asdict(track.training).items() if v is not None}
    training = build(Training, given | point.training, f"point {point.name}")
    changed = replace(
        track,
        name=f"{track.name}.{sweep.name}.{point.name}",
        corpus=point.corpus or track.corpus,
        student=Student(path=point.student) if point.student else track.student,
        training=training,
        methods=point.methods,
        reference=point.methods[-1],
    )
    about: dict[str, str | int] = {
        "sweep": sweep.name,
        "axis": point.axis,
        "value": point.value,
        "treatment": point.methods[0],
        "control": point.methods[-1],
        "order": order,
    }
    return Variation(changed, point.methods, about)
