"""Pictures of accuracy against cost."""

from argparse import ArgumentParser
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.backends.backend_agg import FigureCanvasAgg

from leaderboard.cli.parser import add_parser
from leaderboard.compare.frontier import frontier
from leaderboard.rows.cost import COSTS
from leaderboard.rows.rank import rows
from leaderboard.show.figures import _apart, draw, figures, pictures
from leaderboard.store import board
from leaderboard.store.board import PUBLISHED, UnknownName, load, suite
from tests.leaderboard_records import record, save

ASKED = ["skintern", "skintern[as_released=true]", "few_shot"]


@pytest.fixture(scope="module")
def track():
    """The largest that is published."""
    records = load("pocket", suite(PUBLISHED, "pocket"))
    return rows(records), records


@pytest.fixture(scope="module")
def drawn(track):
    table, records = track
    return pictures(table, records, records, ASKED)


def boxes(figure, texts):
    renderer = FigureCanvasAgg(figure).get_renderer()
    return [text.get_window_extent(renderer) for text in texts]


def placed(table):
    return [r for r in table if not r.upper_bound and COSTS["flops"].of(r) is not None]


def test_a_picture_for_each_group_and_cost_as_text_and_as_pixels():
    records = [record(label, seed) for label in ("std_cot", "kard") for seed in (0, 1)]
    found = figures(rows(records), records, records, [])
    names = [f"{group}-{cost}" for cost in COSTS for group in ("id", "ood")]
    assert list(found) == [f"{name}.{form}" for name in names for form in ("svg", "png")]
    for name in names:
        assert found[f"{name}.svg"].startswith("<?xml") and "toy v1" in found[f"{name}.svg"]
        assert found[f"{name}.png"].startswith(b"\x89PNG")
    assert found == figures(rows(records), records, records, [])


def test_names_are_those_of_the_front_the_reference_and_the_rows_asked_for(track, drawn):
    table, records = track
    for group, places in frontier(table, records, records, COSTS["flops"]).items():
        (axes,) = draw(drawn[f"{group}-flops"]).axes
        expected = {place.method for place in places if place.on_front} | {"std_cot", *ASKED}
        assert {text.get_text().split("  ")[0] for text in axes.texts} == expected
        assert len(expected) < len(places) == len(placed(table))
        assert len(axes.patches) == len(places)


def test_no_name_lies_on_another_nor_beyond_the_picture(drawn):
    for picture in drawn.values():
        figure = draw(picture)
        (axes,) = figure.axes
        ticks = [*axes.get_xticklabels(), *axes.get_yticklabels()]
        shown = [text for text in ticks if text.get_text()]
        found = boxes(figure, [*axes.texts, *figure.texts])
        # A tick beyond the limits is not drawn, whatever its place.
        limits = boxes(figure, shown)
        inside = [box for box in limits if axes.bbox.x0 - 60 < box.x0 < axes.bbox.x1]
        for i, box in enumerate(found):
            assert figure.bbox.x0 <= box.x0 and box.x1 <= figure.bbox.x1
            assert figure.bbox.y0 <= box.y0 and box.y1 <= figure.bbox.y1
            for other in [*found[i + 1 :], *inside]:
                assert not (
                    box.x0 < other.x1
                    and other.x0 < box.x1
                    and box.y0 + 1 < other.y1
                    and other.y0 + 1 < box.y1
                )


@given(st.lists(st.floats(0, 1), min_size=1, max_size=20))
def test_names_keep_their_order_and_a_line_each(heights):
    found = _apart(sorted(heights, reverse=True), 0.05)
    assert all(a - b >= 0.05 - 1e-9 for a, b in pairwise(found))
    assert found[0] <= 1 and found[-1] >= 0


def test_names_that_have_room_stay_where_their_rows_are():
    assert np.allclose(_apart([0.9, 0.5, 0.1], 0.05), [0.9, 0.5, 0.1])


def test_a_picture_grows_with_the_names_that_are_asked_for(track, drawn):
    table, records = track
    everything = pictures(table, records, records, [row.method for row in table])
    figure = draw(everything["id-flops"])
    assert figure.get_figheight() > draw(drawn["id-flops"]).get_figheight()
    (axes,) = figure.axes
    found = boxes(figure, axes.texts)
    assert len(found) == len(placed(table))
    tops = sorted(found, key=lambda box: -box.y1)
    assert all(above.y0 + 1 >= below.y1 - 1 for above, below in pairwise(tops))
    assert min(box.y0 for box in found) > max(box.y1 for box in boxes(figure, figure.texts[1:]))


def test_boxes_are_the_intervals_at_their_costs(drawn):
    picture = drawn["id-flops"]
    (axes,) = draw(picture).axes
    spans = {(round(p.get_y(), 6), round(p.get_height(), 6)) for p in axes.patches}
    for place in picture.places:
        low, high = 100 * place.accuracy.low, 100 * place.accuracy.high
        assert (round(low, 6), round(high - low, 6)) in spans
        assert axes.get_xlim()[0] < place.cost < axes.get_xlim()[1]


def test_a_row_off_the_front_is_hollow_where_it_is_named(drawn):
    picture = drawn["id-flops"]
    (axes,) = draw(picture).axes
    faces = {
        line.get_xdata()[0]: line.get_markerfacecolor() for line in axes.lines if line.get_marker()
    }
    for place in picture.places:
        if place.method in ASKED:
            assert (faces[place.cost] == "white") == (not place.on_front)


def test_the_verb_writes_the_pictures_and_refuses_a_name_that_there_is_not(
    tmp_path, monkeypatch, capsys
):
    monkeypatch.setattr(board, "PUBLISHED", tmp_path / "records")
    monkeypatch.setenv("SKBENCH_HOME", str(tmp_path / "home"))
    bits = {"id_a": [1, 0, 1]}
    slow = replace(record("kard", outcomes=bits), latency=replace(record().latency, ttft_s_p50=1.0))
    fields = record("kard[query=rationale,rerank=true]", outcomes=bits)
    save(tmp_path / "records" / "v1", [record(outcomes=bits), slow, fields])

    def run(*words):
        parser = ArgumentParser()
        add_parser(parser.add_subparsers())
        args = parser.parse_args(["board", "figures", "toy", *words])
        return args.run(args)

    assert run("--out", str(tmp_path / "out"), "--methods", f"kard,{fields.label}") == 0
    assert len(capsys.readouterr().out.splitlines()) == 4
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [
        f"id-{cost}.{form}" for cost in ("flops", "latency") for form in ("png", "svg")
    ]
    text = (tmp_path / "out" / "id-flops.svg").read_text()
    assert "kard  66.7" in text and f"{fields.label}  66.7" in text
    with pytest.raises(UnknownName, match="karl"):
        run("--out", str(tmp_path / "out"), "--methods", "karl")
