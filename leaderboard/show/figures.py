"""Accuracy against what a solved question costs: a picture per group and cost, as SVG and PNG.

Names stand in a column beside the picture, each joined to its row by a line, as many rows cost
nearly the same. Named are the rows on the front (`compare.frontier`), the reference, and those
asked for.
"""

# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false
# matplotlib leaves the types of its keyword arguments open, scipy all of them.

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from math import log
from typing import TYPE_CHECKING

import numpy as np

from leaderboard.compare.frontier import Place, frontier
from leaderboard.rows.cost import COSTS, Cost
from leaderboard.rows.row import Row
from leaderboard.show.pictures import png, svg
from leaderboard.stats.formats import percent
from leaderboard.store.board import of_label
from leaderboard.store.record import Group, Record

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_LEFT, _BOTTOM, _ACROSS, _UP, _HEAD = 0.55, 0.83, 4.8, 3.63, 0.45  # inches: axes and their margins
_KEY = 6.3  # inches: the width of the text beneath
_CHARACTER = 0.071  # inches, of a name
_LINE = 0.15  # inches: the height of a name
_BOX = 0.011  # a box's width, in parts of the axes'
_ROOM = 0.06  # beyond the cheapest and the costliest row


@dataclass(frozen=True, slots=True)
class _Mark:
    """How rows of a kind are drawn."""

    colour: str
    marker: str
    size: float
    box: float
    """How opaque its interval is."""


_FRONT = _Mark("#0072B2", "o", 5.5, 0.45)
_REFERENCE = _Mark("#D55E00", "D", 5.5, 0.5)
_ASKED = _Mark("#009E73", "s", 5.0, 0.45)
_OFF = _Mark("#777777", "o", 2.6, 0.16)


@dataclass(frozen=True, slots=True)
class Picture:
    """What one figure shows."""

    title: str
    places: Sequence[Place]
    unit: str
    reference: str
    asked: Sequence[str]

    def mark(self, place: Place) -> _Mark:
        if place.method == self.reference:
            return _REFERENCE
        if place.on_front:
            return _FRONT
        return _ASKED if place.method in self.asked else _OFF


def figures(
    rows: Sequence[Row], records: Sequence[Record], track: Sequence[Record], asked: Sequence[str]
) -> Mapping[str, str | bytes]:
    """File name -> picture; none of a cost that no row has.

    `records` are those of the rows, and how far seeds differ is told by all of the `track`. Raises
    UnknownName for a row asked for that there is not.
    """
    found: dict[str, str | bytes] = {}
    for name, picture in pictures(rows, records, track, asked).items():
        found[f"{name}.svg"] = svg(partial(draw, picture))
        found[f"{name}.png"] = png(partial(draw, picture))
    return found


def pictures(
    rows: Sequence[Row], records: Sequence[Record], track: Sequence[Record], asked: Sequence[str]
) -> Mapping[str, Picture]:
    """What `figures` draws, by the stem of its files."""
    for label in asked:
        of_label(records, label)
    return {
        f"{group}-{name}": Picture(
            title=_title(records[0], group, cost),
            places=places,
            unit=cost.unit,
            reference=rows[0].reference,
            asked=asked,
        )
        for name, cost in COSTS.items()
        for group, places in frontier(rows, records, track, cost).items()
    }


def _title(record: Record, group: Group, cost: Cost) -> str:
    return (
        f"{record.track} v{record.version}: {group.upper()} accuracy in %, and {cost.title} per"
        " solved question"
    )


def draw(picture: Picture) -> "Figure":
    """Rows as boxes of their 95 % interval, with the highest mean so far as stairs."""
    from matplotlib.figure import Figure

    named = [place for place in picture.places if picture.mark(place) is not _OFF]
    names = [_name(place) for place in named]
    beside = 0.25 + _CHARACTER * max(map(len, names), default=0)
    up = max(_UP, _LINE * len(names))
    width, height = _LEFT + max(_KEY, _ACROSS + beside), _BOTTOM + up + _HEAD
    figure = Figure(figsize=(width, height))
    axes = figure.add_axes((_LEFT / width, _BOTTOM / height, _ACROSS / width, up / height))
    _scale(axes, picture)
    best = _stairs(picture.places)
    costs = [place.cost for place in best]
    means = [100 * place.accuracy.value for place in best]
    ends = [*costs, axes.get_xlim()[1]], [*means, means[-1]]
    axes.step(*ends, where="post", color="#999999", linewidth=1, zorder=1)
    for place in sorted(picture.places, key=lambda place: place in named):
        _draw_row(axes, place, picture.mark(place))
    _draw_names(axes, named, picture, _LINE / up)
    figure.text(_LEFT / width, 1 - 0.22 / height, picture.title, fontsize=10, va="center")
    key = _key(len(picture.places) - len(named))
    figure.text(_LEFT / width, 0.08 / height, key, fontsize=7.5, color="#555555", linespacing=1.4)
    return figure


def _key(n_off: int) -> str:
    return (
        "filled: on the front, no row that costs no more is significantly better; hollow or grey:"
        f" off it ({n_off} without a name).\norange: the reference; box: 95 % interval; stairs: the"
        " highest mean at no more cost, which may lead by chance."
    )


def _stairs(places: Sequence[Place]) -> list[Place]:
    """From the cheapest on, each that has a higher mean than all before."""
    found: list[Place] = []
    for place in sorted(places, key=lambda place: (place.cost, -place.accuracy.value)):
        if not found or place.accuracy.value > found[-1].accuracy.value:
            found.append(place)
    return found


def _scale(axes: "Axes", picture: Picture) -> None:
    """A logarithmic axis of costs: 1, 2 and 5 of each power of ten, or a few numbers where it
    spans less."""
    from matplotlib.ticker import EngFormatter, LogLocator, MaxNLocator, NullLocator

    costs = [place.cost for place in picture.places]
    ends = [100 * end for p in picture.places for end in (p.accuracy.low, p.accuracy.high)]
    room = (max(costs) / min(costs)) ** _ROOM if max(costs) > min(costs) else 1.5
    axes.set_xscale("log")
    axes.set_xlim(min(costs) / room, max(costs) * room)
    axes.set_ylim(max(-2.0, min(ends) - 3), min(102.0, max(ends) + 3))
    is_wide = max(costs) > 4 * min(costs)
    axes.xaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)) if is_wide else MaxNLocator(5))
    axes.yaxis.set_major_locator(MaxNLocator(8, steps=[1, 2, 5, 10]))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter(EngFormatter(unit=picture.unit))
    axes.grid(color="#e4e4e4", linewidth=0.6)


def _across(axes: "Axes", cost: float) -> float:
    """Where a cost lies, in parts of the axes' width."""
    low, high = axes.get_xlim()
    return log(cost / low) / log(high / low)


def _draw_row(axes: "Axes", place: Place, mark: _Mark) -> None:
    from matplotlib.patches import Rectangle

    is_filled = place.on_front or mark is _OFF
    low, high = 100 * place.accuracy.low, 100 * place.accuracy.high
    corner = _across(axes, place.cost) - _BOX / 2, low
    across = axes.get_yaxis_transform()
    axes.add_patch(
        Rectangle(
            corner, _BOX, high - low, transform=across, color=mark.colour, alpha=mark.box, lw=0
        )
    )
    axes.plot(
        [place.cost],
        [100 * place.accuracy.value],
        marker=mark.marker,
        markersize=mark.size,
        color=mark.colour,
        markerfacecolor=mark.colour if is_filled else "white",
        markeredgecolor="white" if is_filled else mark.colour,
        markeredgewidth=0.5 if is_filled else 1.2,
    )


def _name(place: Place) -> str:
    return f"{place.method}  {percent(place.accuracy.value)}"


def _draw_names(axes: "Axes", named: Sequence[Place], picture: Picture, line: float) -> None:
    """Each in a line of its own, as near to the height of its row as the others let it be."""
    bottom, top = axes.get_ylim()
    ranked = sorted(named, key=lambda place: (-place.accuracy.value, place.cost))
    heights = [(100 * place.accuracy.value - bottom) / (top - bottom) for place in ranked]
    for place, height, at in zip(ranked, heights, _apart(heights, line), strict=True):
        mark = picture.mark(place)
        ends = [_across(axes, place.cost), 1.0, 1.025], [height, at, at]
        axes.plot(
            *ends, transform=axes.transAxes, color=mark.colour, lw=0.5, alpha=0.5, clip_on=False
        )
        axes.text(
            1.03,
            at,
            _name(place),
            transform=axes.transAxes,
            fontsize=8,
            va="center",
            color=mark.colour,
        )


def _apart(heights: Sequence[float], line: float) -> list[float]:
    """Heights from the top down, moved as little as leaves each a line; in parts of the axes'."""
    from scipy.optimize import isotonic_regression  # pyright: ignore[reportMissingTypeStubs]

    if not heights:
        return []
    steps = line * np.arange(len(heights))
    wanted = np.array(heights) + steps
    moved = isotonic_regression(wanted, increasing=False).x
    return list(np.clip(moved, steps[-1], 1.0) - steps)
