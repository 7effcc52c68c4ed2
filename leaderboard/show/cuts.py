"""The picture of cut-offs: what is gained and lost as a critic keeps less of a corpus."""

# pyright: reportUnknownMemberType=false

from collections.abc import Mapping, Sequence
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
    """Accuracy with 95 % intervals, a panel a group; beside it the share that is true, if known."""
    from matplotlib.figure import Figure

    groups = [each for each in _PANELS if any(row.accuracy[each[0]] for row in found)]
    trained = [each for each in found if each.cut and "critic" in each.method]
    is_known = any("share_true" in each.cut for each in trained)
    n_panels = len(groups) + is_known
    width = max(3.1 * n_panels, 4.6)  # inches; the key needs some
    figure = Figure(figsize=(width, 3.4))
    panels = [
        figure.add_axes(((0.55 + 3.04 * i) / width, 0.3, 2.4 / width, 0.58))
        for i in range(n_panels)
    ]
    most = max((each.cut["n"] for each in trained), default=1.0)
    for axes, (group, title) in zip(panels, groups, strict=False):
        axes.set_title(f"{title}, accuracy in %", fontsize=9, loc="left")
        _draw_reference(axes, found, reference, group)
    if is_known:
        panels[-1].set_title("true among the kept, in %", fontsize=9, loc="left")
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
        if is_known:
            true = [100 * each.cut.get("share_true", float("nan")) for each in line]
            panels[-1].plot(at, true, **style)
    for axes in panels:
        axes.grid(color="#dddddd", linewidth=0.6)
        axes.set_xlabel("triples kept, in %")
        axes.set_xlim(105, -5)
    figure.legend(*panels[0].get_legend_handles_labels(), loc="lower left", ncols=5, frameon=False)
    return figure


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
