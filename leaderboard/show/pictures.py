"""The board's pictures as SVG text, the same for the same facts: no date, no random ids.

Everything stands at places computed from the numbers of rows and panels, never from the size of
a rendered text, so that fonts cannot move a line. Colours are Okabe and Ito's, which remain
distinct to colour-blind readers; lines also differ in their markers.
"""

# pyright: reportUnknownMemberType=false
# matplotlib leaves the types of its keyword arguments open.

import io
from collections.abc import Callable, Sequence
from math import ceil
from typing import TYPE_CHECKING, Any

from leaderboard.compare.internalization import Internalization
from leaderboard.compare.regimes import gap, map_title
from leaderboard.store.maps import Point, Sweep
from leaderboard.store.record import Group

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_STYLE: dict[Any, Any] = {
    "svg.hashsalt": "skintern-bench",
    "svg.fonttype": "none",
    "font.family": "DejaVu Sans",
    "font.size": 9,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.axisbelow": True,
    "text.parse_math": False,  # a name with dollar signs is a name
}
_GROUPS: tuple[tuple[Group, str, str], ...] = (("id", "ID", "#0072B2"), ("ood", "OOD", "#D55E00"))
_SHARES = (("#0072B2", "o"), ("#009E73", "s"), ("#E69F00", "^"), ("#D55E00", "D"))
_GREY = "#777777"
_ROW, _PANEL, _HEAD, _FOOT = 0.24, 1.75, 0.7, 0.6  # heights in inches
_WIDE, _CHARACTER = 3.3, 0.08  # widths in inches
_MAP_KEY = "dot: mean over (n) worlds, hollow for one; bar: 95 % interval; tick: one world"


def map_svg(sweep: Sweep) -> str:
    """Treatment - control per point, ID and OOD side by side."""
    return svg(lambda: map_figure(sweep))


def internalization_svg(found: Sequence[Internalization]) -> str:
    """Accuracy over training with each share of the knowledge in view, one panel per label."""
    return svg(lambda: internalization_figure(found))


def map_figure(sweep: Sweep) -> "Figure":
    """A dot and a 95 % interval per point, a small mark per world, grouped by axis."""
    from matplotlib.figure import Figure

    lines = _map_lines(sweep)
    ticks = [_tick(line) for line in lines]
    margin = 0.4 + _CHARACTER * max(map(len, ticks), default=0)
    width, height = margin + 2 * (_WIDE + 0.2), _HEAD + _ROW * len(lines) + _FOOT
    figure = Figure(figsize=(width, height))
    first: Axes | None = None
    for i, (group, title, colour) in enumerate(_GROUPS):
        left = margin + i * (_WIDE + 0.2)
        place = (left / width, _FOOT / height, _WIDE / width, _ROW * len(lines) / height)
        axes = figure.add_axes(place, sharey=first)
        first = first or axes
        _draw_gaps(axes, lines, group, colour)
        axes.set_title(f"{title}, points of accuracy", fontsize=9, loc="left")
        axes.set_xlim(*_limits(sweep))
        axes.tick_params(axis="y", length=0, labelleft=i == 0)
    assert first is not None
    first.set_ylim(len(lines) - 0.5, -0.5)
    first.set_yticks(range(len(lines)), ticks)
    for label, line in zip(first.get_yticklabels(), lines, strict=True):
        label.set_fontweight("bold" if isinstance(line, str) else "normal")
    top, bottom = 1 - 0.2 / height, 0.12 / height
    figure.text(0.1 / width, top, f"{sweep.sweep}: {map_title(sweep)}", fontsize=10, va="center")
    figure.text(margin / width, bottom, _MAP_KEY, fontsize=8, color=_GREY)
    return figure


def internalization_figure(found: Sequence[Internalization]) -> "Figure":
    """Small multiples: mean over seeds, and a band from the lowest to the highest seed."""
    from matplotlib.figure import Figure

    n_columns = min(4, max(1, len(found)))
    step_x, step_y = 2.2, _PANEL + 0.5
    width = 0.9 + step_x * max(3, n_columns)
    height = _HEAD + step_y * ceil(len(found) / n_columns) + 0.25
    figure = Figure(figsize=(width, height))
    first: Axes | None = None
    for i, each in enumerate(found):
        line, column = divmod(i, n_columns)
        left, bottom = 0.7 + step_x * column, height - _HEAD - step_y * line - _PANEL
        place = (left / width, bottom / height, 1.95 / width, _PANEL / height)
        axes = figure.add_axes(place, sharey=first)
        first = first or axes
        _draw_shares(axes, each)
        last = i + n_columns >= len(found)
        axes.tick_params(labelleft=column == 0, labelbottom=last)
        axes.set_ylabel("accuracy, %" if column == 0 else "")
        axes.set_xlabel("progress of training" if last else "")
    if first is not None:
        first.set_ylim(-3, 103)
        _draw_key(figure, found[0].shares, width, height)
    return figure


def svg(draw: "Callable[[], Figure]") -> str:
    """The text of the picture that `draw` makes."""
    text = _drawn(draw, "svg", {"Date": None, "Creator": None}).decode()
    lines = (line.rstrip() for line in text.splitlines())
    return "\n".join(lines) + "\n"


def png(draw: "Callable[[], Figure]") -> bytes:
    """The same as pixels, 160 to the inch."""
    return _drawn(draw, "png", {"Software": None})


def _drawn(draw: "Callable[[], Figure]", form: str, metadata: dict[str, None]) -> bytes:
    import matplotlib

    with matplotlib.rc_context():
        matplotlib.rcdefaults()  # a user's own style must not change a published picture
        matplotlib.rcParams.update(_STYLE)
        file = io.BytesIO()
        draw().savefig(file, format=form, metadata=metadata, dpi=160 if form == "png" else None)
    return file.getvalue()


def _map_lines(sweep: Sweep) -> list[str | Point]:
    """From the top: each axis by its name, then its points."""
    lines: list[str | Point] = []
    axis: str | None = None
    for point in sweep.points:
        if point.axis != axis:
            axis = point.axis
            lines.append(axis)
        lines.append(point)
    return lines


def _tick(line: str | Point) -> str:
    return line if isinstance(line, str) else f"{line.value}  ({len(line.worlds)})"


def _limits(sweep: Sweep) -> tuple[float, float]:
    """Of both panels alike, in points; zero is always within."""
    found = [gap(point, group) for point in sweep.points for group, _, _ in _GROUPS]
    ends = [0.0]
    for each in found:
        if each is not None:
            ends += [each.value, *each.per_world]
            ends += [end for end in (each.low, each.high) if end is not None]
    room = 0.05 * (max(ends) - min(ends)) or 0.01
    return 100 * (min(ends) - room), 100 * (max(ends) + room)


def _draw_gaps(axes: "Axes", lines: Sequence[str | Point], group: Group, colour: str) -> None:
    axes.axvline(0, color="black", linewidth=1)
    axes.grid(axis="x", color="#dddddd", linewidth=0.6)
    for y, line in enumerate(lines):
        if isinstance(line, str):
            axes.axhline(y - 0.5, color="#bbbbbb", linewidth=0.6)
            continue
        found = gap(line, group)
        if found is None:
            continue
        each = [100 * value for value in found.per_world]
        axes.plot(each, [y] * len(each), "|", color=colour, alpha=0.55, markersize=7)
        fill = colour
        if found.low is None or found.high is None:
            fill = "white"
        else:
            axes.plot([100 * found.low, 100 * found.high], [y, y], color=colour, linewidth=1.6)
        axes.plot([100 * found.value], [y], "o", color=colour, markerfacecolor=fill, markersize=5.5)


def _draw_shares(axes: "Axes", each: Internalization) -> None:
    at = [reading.progress for reading in each.readings]
    for i in range(len(each.shares)):
        colour, marker = _SHARES[i % len(_SHARES)]
        means = [100 * reading.accuracy[i].value for reading in each.readings]
        low = [100 * min(reading.per_seed[i]) for reading in each.readings]
        high = [100 * max(reading.per_seed[i]) for reading in each.readings]
        axes.fill_between(at, low, high, color=colour, alpha=0.2, linewidth=0)
        axes.plot(at, means, color=colour, marker=marker, markersize=4, linewidth=1.4)
    axes.grid(color="#dddddd", linewidth=0.6)
    axes.set_xlim(-0.04, 1.04)
    axes.set_xticks(at, [f"{progress:g}" for progress in at])
    # A long label's fields stand on a line of their own.
    name = each.label.replace("[", "\n[", 1) if len(each.label) > 26 else each.label
    axes.set_title(name, fontsize=9, loc="left", linespacing=1.1)


def _draw_key(figure: "Figure", shares: Sequence[float], width: float, height: float) -> None:
    from matplotlib.lines import Line2D

    y = 1 - 0.2 / height
    figure.text(0.7 / width, y, "knowledge in view:", va="center")
    for i, share in enumerate(shares):
        colour, marker = _SHARES[i % len(_SHARES)]
        x = (2.2 + 1.1 * i) / width
        ends = [x, x + 0.35 / width]
        figure.add_artist(
            Line2D(ends, [y, y], color=colour, marker=marker, markersize=4, linewidth=1.4)
        )
        figure.text(x + 0.45 / width, y, f"{100 * share:.0f} %", va="center")
