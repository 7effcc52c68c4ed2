"""The picture of cut-offs: what is gained and lost as a critic keeps less of a corpus."""

# pyright: reportUnknownMemberType=false

from collections.abc import Mapping, Sequence
from math import nan
from statistics import fmean
from typing import TYPE_CHECKING, Any

from leaderboard.rows.triples import Facts
from leaderboard.show.pictures import svg
from leaderboard.store.record import Group

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_JUDGES = {
    "trained": ("trained critic", "#0072B2", "o"),
    "pmi": ("PMI", "#E69F00", "^"),
    "weighted_pmi": ("weighted PMI", "#009E73", "s"),
    "shuffled": ("critic of shuffled labels", "#D55E00", "D"),
}
_PANELS: tuple[tuple[Group, str], ...] = (("id", "ID"), ("ood", "OOD"))


def cuts_svg(found: Sequence[Facts], reference: str) -> str:
    """Accuracy and share of true triples over how much is kept, one line for each judge."""
    return svg(lambda: cuts_figure(found, reference))


def cuts_figure(found: Sequence[Facts], reference: str) -> "Figure":
    """Accuracy with 95 % intervals, a panel a group, and beside it the share that is true.

    Where no suite knows the truth: the share of what a row writes that a judge takes for true.
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9.2, 3.4))
    groups = [each for each in _PANELS if any(row.accuracy[each[0]] for row in found)]
    panels = [figure.add_axes((0.06 + 0.33 * i, 0.3, 0.26, 0.58)) for i in range(len(groups) + 1)]
    trained = [each for each in found if each.cut and "critic" in each.method]
    most = max((each.cut["n"] for each in trained), default=1.0)
    for axes, (group, title) in zip(panels, groups, strict=False):
        axes.set_title(f"{title}, accuracy in %", fontsize=9, loc="left")
        _draw_reference(axes, found, reference, group)
    is_known = any("share_true" in each.cut for each in trained)
    told = "true among the kept, in %" if is_known else "accepted of what it writes, in %"
    panels[-1].set_title(told, fontsize=9, loc="left")
    for judge, (name, colour, marker) in _JUDGES.items():
        line = _line(trained, judge)
        at = [100 * each.cut["n"] / most for each in line]
        style: dict[str, Any] = {
            "color": colour,
            "marker": marker,
            "markersize": 5,
            "linewidth": 1.4,
        }
        for axes, (group, _) in zip(panels, groups, strict=False):
            _draw_accuracy(axes, at, line, group, style, name)
        panels[-1].plot(at, [100 * _true(each, is_known) for each in line], **style)
    for axes in panels:
        axes.grid(color="#dddddd", linewidth=0.6)
        axes.set_xlabel("triples kept, in %")
        axes.set_xlim(105, -5)
    figure.legend(*panels[0].get_legend_handles_labels(), loc="lower left", ncols=5, frameon=False)
    return figure


def _true(each: Facts, is_known: bool) -> float:
    """Of what a row is trained on, or as judged of what it writes; NaN where nobody says."""
    if is_known:
        return each.cut.get("share_true", nan)
    said = [written["accepted"] for written in each.written.values() if "accepted" in written]
    return fmean(said) if said else nan


def _line(trained: Sequence[Facts], judge: str) -> list[Facts]:
    """The judge's cuts, the largest first, from the whole corpus on; [] where it made none."""
    own = [
        each
        for each in trained
        if each.method["critic"] != "none" and each.method["judge"] == judge
    ]
    whole = [each for each in trained if each.method["critic"] == "none"]
    return sorted([*whole, *own], key=lambda each: -each.cut["n"]) if own else []


def _draw_accuracy(
    axes: "Axes",
    at: Sequence[float],
    line: Sequence[Facts],
    group: Group,
    style: Mapping[str, Any],
    name: str,
) -> None:
    found = [(x, each.accuracy[group]) for x, each in zip(at, line, strict=True)]
    known = [(x, e) for x, e in found if e is not None]
    if not known:
        return
    axes.plot([x for x, _ in known], [100 * e.value for _, e in known], label=name, **style)
    for x, e in known:
        axes.plot([x, x], [100 * e.low, 100 * e.high], color=style["color"], linewidth=1)


def _draw_reference(axes: "Axes", found: Sequence[Facts], reference: str, group: Group) -> None:
    for each in found:
        estimate = each.accuracy[group]
        if each.label == reference and estimate is not None:
            axes.axhline(100 * estimate.value, color="black", linewidth=1, label=reference)
            axes.axhspan(100 * estimate.low, 100 * estimate.high, color="#eeeeee")
