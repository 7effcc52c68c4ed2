"""Regime maps: from the runs of a sweep to points, intervals, a stored map and a picture."""

import json
from dataclasses import replace
from statistics import fmean, stdev
from xml.etree import ElementTree

import pytest

from leaderboard.compare.regimes import collect, gap, map_json, map_table, map_title, tokens_ratio
from leaderboard.show.pictures import map_svg
from leaderboard.show.rendering import check
from leaderboard.stats.intervals import mean_interval
from leaderboard.store import board
from leaderboard.store.board import UnknownName
from leaderboard.store.maps import Sweep, publish_map, stored_maps
from leaderboard.store.reading import RecordError
from leaderboard.store.record import Scope
from tests.board_verb import run
from tests.leaderboard_records import in_sweep, record, save, trained

CONTROL = "std_cot[restarts=3]"
RIGHT = {0: (5, 8), 1: (6, 7), 2: (4, 8)}
"""Per world, right answers of the treatment and of the control, of 10."""


def pairs(**changes):
    return [
        trained(in_sweep(label, world, right, **changes), tokens=tokens)
        for world, both in RIGHT.items()
        for label, right, tokens in zip(("skintern", CONTROL), both, (300, 100), strict=True)
    ]


@pytest.fixture
def local(tmp_path, monkeypatch):
    """The root of the local records, beside a repository without any."""
    home = tmp_path / "repository"
    (home / "leaderboard" / "records" / "v1").mkdir(parents=True)
    monkeypatch.setattr(board, "PUBLISHED", home / "leaderboard" / "records")
    monkeypatch.setenv("SKBENCH_HOME", str(tmp_path / "home"))
    return tmp_path / "home" / "records" / "v1"


@pytest.fixture
def maps(local):
    return board.PUBLISHED.parent / "maps" / "v1"


def swept(root):
    return collect(root, "regimes").sweep


def test_a_point_holds_the_paired_differences_of_its_worlds(local):
    save(local, pairs())
    (point,) = swept(local).points
    found = gap(point, "id")
    assert [world.world for world in point.worlds] == [0, 1, 2]
    assert found.per_world == pytest.approx([-0.3, -0.1, -0.4])
    assert found.value == pytest.approx(fmean([-0.3, -0.1, -0.4]))
    half = 4.302653 * stdev([-0.3, -0.1, -0.4]) / 3**0.5  # t of 2 degrees of freedom
    assert (found.low, found.high) == pytest.approx((found.value - half, found.value + half))
    assert tokens_ratio(point) == 3.0


@pytest.mark.parametrize(("n", "t"), [(2, 12.706205), (5, 2.776445)])
def test_the_interval_of_a_mean_is_students(n, t):
    values = [0.01 * k * k for k in range(n)]
    low, high = mean_interval(values)
    assert (high - low) / 2 == pytest.approx(t * stdev(values) / n**0.5)
    assert mean_interval(values[:1]) is None


def test_one_world_has_a_difference_and_no_interval(local, capsys):
    save(local, pairs()[:2])
    (point,) = swept(local).points
    found = gap(point, "ood")
    assert (found.value, found.low, found.high) == (pytest.approx(-0.3), None, None)
    assert "-30.0 " in map_table(swept(local), "text")


def test_without_out_of_domain_tasks_there_is_no_such_difference(local):
    save(local, [replace(r, data_sets={"id_a": r.data_sets["id_a"]}) for r in pairs()])
    (point,) = swept(local).points
    assert gap(point, "ood") is None
    assert map_json(swept(local))["points"][0]["ood"] is None
    assert map_svg(swept(local)).startswith("<?xml")


def test_points_are_grouped_by_axis_in_the_order_of_the_sweep(local):
    for order, (axis, value) in enumerate([("steps", "7"), ("items", "40"), ("steps", "2")]):
        save(local, pairs(axis=axis, value=value, order=order))
    found = [(point.axis, point.value) for point in swept(local).points]
    assert found == [("steps", "7"), ("steps", "2"), ("items", "40")]


def test_other_records_and_other_labels_of_the_sweep_are_left_alone(local):
    save(local, [*pairs(), record("kard"), in_sweep("kard", 0, 9)])
    other = {"point": {"sweep": "else", "axis": "a", "value": "b", "order": 0}}
    save(local, [record("skintern", track="other", snapshot=other)])
    assert len(swept(local).points) == 1


def test_a_run_without_its_counterpart_is_named_and_the_exit_code_says_so(local, capsys):
    save(local, pairs()[:-1])
    assert run("map", "regimes", "--local") == 3
    printed = capsys.readouterr()
    assert "training items = 40: no run of std_cot[restarts=3] in world 2" in printed.err
    assert "2" in printed.out.splitlines()[2].split()
    assert run("map", "nothing", "--local") == 3


def test_runs_with_a_limit_are_left_out_where_there_are_full_ones(local, capsys):
    limited = [replace(r, scope=replace(r.scope, limit=5)) for r in pairs()]
    for each in limited:
        each.save(local / each.track / each.label / f"seed{each.seed}-limit5.json")
    assert len(swept(local).points[0].worlds) == 3
    save(local, pairs()[:2])
    found = collect(local, "regimes")
    assert len(found.sweep.points[0].worlds) == 1
    assert found.notes == ["left out 6 runs with a limit or on another split"]


def test_two_runs_of_one_world_are_refused(local):
    save(local, [*pairs(), replace(in_sweep("skintern", 1, 6), seed=9)])
    with pytest.raises(RecordError, match="seeds 1 and 9 both ran in world 1"):
        collect(local, "regimes")


def test_runs_that_answered_other_items_are_refused(local):
    one, other = pairs()[:2]
    sets = {name: replace(d, items_sha256="else") for name, d in other.data_sets.items()}
    save(local, [one, replace(other, data_sets=sets)])
    with pytest.raises(RecordError, match="id_a"):
        collect(local, "regimes")


def test_a_point_that_lacks_a_field_or_contradicts_itself_is_refused(local):
    bad = in_sweep("skintern", 0, 5, snapshot={"point": {"sweep": "regimes", "axis": "a"}})
    save(local, [bad])
    with pytest.raises(RecordError, match=r"snapshot.point lacks value, treatment"):
        collect(local, "regimes")
    (local / bad.track / "skintern" / "seed0.json").unlink()
    save(local, [*pairs(), in_sweep("skintern", 7, 5, order=8)])
    with pytest.raises(RecordError, match="has another order or track"):
        collect(local, "regimes")


def test_the_table_and_json_hold_each_points_facts(local, capsys):
    save(local, pairs())
    assert run("map", "regimes", "--local") == 0
    text = capsys.readouterr().out
    assert "-26.7 [-64.6, +11.3]" in text
    assert "-30.0 -10.0 -40.0" in text
    assert "Treatment - control: skintern - std_cot[restarts=3]." in text
    assert run("map", "regimes", "--local", "--json") == 0
    (point,) = json.loads(capsys.readouterr().out)["points"]
    assert (point["n_worlds"], point["tokens_ratio"]) == (3, 3.0)
    assert point["worlds"][1]["treatment"]["id"] == 0.6
    assert {"value", "low", "high", "per_world"} == point["id"].keys()


def test_a_sweep_of_several_pairs_names_them_per_point(local):
    save(local, pairs())
    found = swept(local)
    assert "treatment - control" not in map_table(found, "text")
    other = replace(found.points[0], value="7", treatment="skintern[steps=7]")
    both = Sweep.of("regimes", [*found.points, other])
    assert "skintern[steps=7] - std_cot[restarts=3]" in map_table(both, "text")
    assert map_title(both) == "skintern - std_cot, fields as in the table"


def test_a_published_map_is_read_back_and_shown_with_its_picture(local, maps, capsys):
    save(local, pairs())
    assert run("map", "regimes", "--publish") == 0
    assert stored_maps(maps.parent) == [("v1", swept(local))]
    published = capsys.readouterr().out
    assert run("map", "regimes") == 0
    assert "-26.7 [-64.6, +11.3]" in capsys.readouterr().out
    with pytest.raises(UnknownName, match=r"unknown published map 'regime'.*there are: regimes"):
        run("map", "regime")
    home = board.PUBLISHED.parents[1]
    page = (home / "leaderboard" / "LEADERBOARD.md").read_text()
    assert "## Regimes" in page
    assert "pictures/regimes.svg" in page
    picture = home / "leaderboard" / "pictures" / "regimes.svg"
    assert str(picture) in published
    assert check(home / "leaderboard" / "records") == []
    assert run("map", "regimes", "--publish") == 0
    assert capsys.readouterr().out == ""
    picture.write_text("<svg/>")
    assert check(home / "leaderboard" / "records") == [picture]
    assert run("render", "--check") == 1


def test_a_published_map_is_never_made_smaller_and_may_grow(local, maps):
    save(local, pairs()[:4])
    publish_map(swept(local), maps)
    fewer = swept(local)
    fewer.points[0].worlds.pop(0)
    with pytest.raises(RecordError, match="worlds 0, by runs that are not among these"):
        publish_map(fewer, maps)
    with pytest.raises(RecordError, match="training items = 40 in worlds 0, 1"):
        publish_map(Sweep.of("regimes", [replace(swept(local).points[0], value="41")]), maps)
    turned = swept(local)
    world = turned.points[0].worlds[1]
    turned.points[0].worlds[1] = replace(world, control=replace(world.control, id=0.0))
    with pytest.raises(RecordError, match="worlds 1, by runs that are not among these"):
        publish_map(turned, maps)
    save(local, pairs()[4:])
    publish_map(swept(local), maps)
    assert len(stored_maps(maps.parent)[0][1].points[0].worlds) == 3


def test_dirty_runs_and_limited_ones_are_shown_but_not_published(local, maps, capsys):
    dirty = replace(pairs()[0], provenance={"dirty": True})
    save(local, [dirty, *pairs()[1:]])
    assert run("map", "regimes", "--local") == 0
    told = capsys.readouterr().out
    assert "40 †" in told and "† run from an uncommitted working tree." in told
    with pytest.raises(RecordError, match="40, skintern, world 0"):
        run("map", "regimes", "--publish")
    limited = [replace(r, scope=Scope(r.scope.world, limit=5)) for r in pairs(value="41")]
    save(local, limited)
    for path in local.glob("*40/*/*.json"):
        path.unlink()
    with pytest.raises(RecordError, match="41, skintern, world 0"):
        run("map", "regimes", "--publish")
    assert not maps.exists()
    with pytest.raises(RecordError, match="no pair of runs yet"):
        publish_map(Sweep.of("regimes", []), maps)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{", "JSON"),
        ("[]", r"\[\]"),
        ('{"schema": 1, "sweep": "bad", "points": [{}]}', "'points.0.axis'"),
        ('{"schema": 2, "sweep": "bad", "points": []}', "schema .*2"),
        ('{"schema": 1, "sweep": "bad", "points": []}', "points must not be empty"),
    ],
)
def test_a_bad_map_is_named(tmp_path, text, words):
    (tmp_path / "v1").mkdir()
    (tmp_path / "v1" / "bad.json").write_text(text)
    with pytest.raises(RecordError, match=rf"bad\.json: .*{words}"):
        stored_maps(tmp_path)


def test_the_picture_is_the_same_every_time_and_carries_its_words_as_text(local):
    import matplotlib

    for order, value in enumerate(("40", "400")):
        save(local, pairs(value=value, order=order))
    first = map_svg(swept(local))
    with matplotlib.rc_context({"axes.linewidth": 9, "font.size": 30}):
        assert map_svg(swept(local)) == first
    words = {node.text for node in ElementTree.fromstring(first).iter() if node.text}
    assert {"training items", "40  (3)", "400  (3)", "ID, points of accuracy"} <= words
    assert "2026" not in first
    assert "dc:date" not in first
