"""Probes of internalization: the stored file, what is made of it, and the README's selection."""

import json
from dataclasses import asdict, replace
from xml.etree import ElementTree

import numpy as np
import pytest

from leaderboard.cli.publish import publish
from leaderboard.compare.internalization import internalization, probes_table
from leaderboard.show.pictures import internalization_svg
from leaderboard.show.rendering import check, render_all
from leaderboard.stats.intervals import headline
from leaderboard.store import board
from leaderboard.store.board import UnknownName, load
from leaderboard.store.probes import ProbePoint, ProbeRecord, load_probes
from leaderboard.store.reading import RecordError
from tests.board_verb import run
from tests.leaderboard_records import probe, record, save


@pytest.fixture
def home(tmp_path, monkeypatch):
    """A repository without records, and an empty $SKBENCH_HOME beside it."""
    root = tmp_path / "repository"
    (root / "leaderboard" / "records" / "v1").mkdir(parents=True)
    monkeypatch.setattr(board, "PUBLISHED", root / "leaderboard" / "records")
    monkeypatch.setenv("SKBENCH_HOME", str(tmp_path / "home"))
    return root


@pytest.fixture
def local(home, tmp_path):
    return tmp_path / "home" / "probes" / "v1"


@pytest.fixture
def published(home):
    return home / "leaderboard" / "probes" / "v1"


def store(root, *probes):
    for each in probes:
        each.save(root.parent / each.place)


def other_points(*points):
    """The probe's points with some fields replaced in the last one."""
    first, last = probe().points
    return [first, replace(last, **dict(points))]


def test_a_probe_is_read_back_as_it_was_written_and_never_overwritten(tmp_path):
    path = tmp_path / "a" / "seed0.json"
    probe().save(path)
    assert ProbeRecord.load(path) == probe()
    with pytest.raises(FileExistsError, match="a probe is never overwritten"):
        probe(seed=1).save(path)
    assert list(path.parent.iterdir()) == [path]


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"schema": 2}, "schema .*2"),
        ({"items": []}, "must not be empty"),
        ({"points": []}, "must not be empty"),
        ({"items": ["a"]}, "rows of .3, 3., not 1 items for each of 2 shares"),
        ({"shares": [1.0]}, "not 3 items for each of 1 shares"),
        ({"facts": []}, "cloze has 2 entries, facts has 0"),
        ({"points": other_points(("progress", 0.0))}, "must rise within 0 and 1"),
        ({"points": other_points(("progress", 1.5))}, "must rise within 0 and 1"),
        ({"points": other_points(("cloze", [1, 2]))}, "points.1.cloze.1 .*2"),
    ],
)
def test_a_probe_that_breaks_the_schema_is_neither_written_nor_read(tmp_path, changes, words):
    bad = probe(**changes)
    with pytest.raises(RecordError, match=words):
        bad.save(tmp_path / "new.json")
    assert not list(tmp_path.glob("new*"))
    probe().save(tmp_path / "old.json")
    body = json.loads((tmp_path / "old.json").read_text())
    points = [
        {name: getattr(point, name) for name in ("progress", "step", "accuracy", "cloze")}
        for point in bad.points
    ]
    body |= {name: getattr(bad, name) for name in changes} | {"points": points}
    (tmp_path / "old.json").write_text(json.dumps(body))
    with pytest.raises(RecordError, match=rf"old\.json: .*{words}"):
        ProbeRecord.load(tmp_path / "old.json")


@pytest.mark.parametrize(
    ("text", "words"), [("{", "not JSON"), ("[]", "it must be"), ("{}", "'schema'")]
)
def test_a_file_that_is_no_probe_is_named(tmp_path, text, words):
    (tmp_path / "bad.json").write_text(text)
    with pytest.raises(RecordError, match=rf"bad\.json: .*{words}"):
        ProbeRecord.load(tmp_path / "bad.json")


def test_seeds_are_brought_together_with_an_interval_over_items_and_seeds():
    last = ProbePoint(1.0, 150, [[1, 0, 0], [1, 1, 1]], [1, 1])
    second = probe(seed=1, points=[probe().points[0], last])
    (found,) = internalization([second, probe()])
    before, after = found.readings
    assert (found.seeds, found.shares) == ([0, 1], [1.0, 0.0])
    assert after.accuracy[0] == headline([np.array([[1.0, 1, 1], [1, 0, 0]])])
    assert after.accuracy[1].value == pytest.approx(5 / 6)
    assert after.per_seed[0] == pytest.approx([1.0, 1 / 3])
    assert (before.cloze.value, after.cloze.value) == (0.0, 0.75)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"track": "else"}, "other track"),
        ({"items": ["a", "b", "d"]}, "other items"),
        ({"facts": ["x", "y"]}, "other facts"),
        ({"shares": [1.0, 0.1]}, "other shares"),
        ({"points": other_points(("progress", 0.5))}, "probed at other points of training"),
    ],
)
def test_probes_that_asked_different_things_are_refused(changes, words):
    with pytest.raises(RecordError, match=words):
        internalization([probe(), probe(seed=1, **changes)])


def test_methods_may_be_probed_at_other_points_of_training():
    early = probe("std_cot", points=other_points(("progress", 0.5)))
    assert len(internalization([probe(), early])) == 2


def test_the_table_has_a_line_per_point_and_cloze_before_and_after():
    found = internalization([probe(), probe("kard", provenance={"dirty": True})])
    lines = probes_table(found, "markdown").splitlines()
    assert len(lines) == 2 + 4
    assert "100 %" in lines[0]
    assert lines[2].startswith("| kard † ")
    assert "0.0 -> 50.0" in lines[3]
    assert "33.3" not in lines[3]
    assert "66.7 [" in lines[3]
    body = json.loads(json.dumps(found, default=asdict))
    assert body[1]["readings"][1]["accuracy"][1]["value"] == pytest.approx(2 / 3)


def test_a_probe_without_facts_has_no_cloze():
    points = [replace(point, cloze=[]) for point in probe().points]
    found = internalization([probe(facts=[], points=points)])
    assert found[0].readings[0].cloze is None
    assert probes_table(found, "markdown").splitlines()[-1].endswith(" - |")


def test_the_verb_prints_published_and_local_probes(home, local, published, capsys):
    assert run("probes", "toy") == 3
    store(local, probe("mine"))
    store(published, probe())
    assert run("probes", "toy") == 0
    assert "skintern" in capsys.readouterr().out
    assert run("probes", "toy", "--local", "--json") == 0
    assert [each["label"] for each in json.loads(capsys.readouterr().out)] == ["mine"]
    with pytest.raises(UnknownName, match=r"'toi'.*'toy'"):
        run("probes", "toi")
    assert run("probes", "pocket", known=["pocket"]) == 3


def test_probes_are_published_beside_the_records_and_the_page_shows_them(
    home, local, published, capsys
):
    store(local, probe(), probe(seed=1, provenance={"dirty": True}))
    assert run("publish", "toy") == 0
    assert load_probes(published, "toy") == load_probes(local, "toy")
    page = (home / "leaderboard" / "LEADERBOARD.md").read_text()
    assert "### toy: internalization" in page
    assert "skintern †" in page
    picture = home / "leaderboard" / "pictures" / "toy-internalization.svg"
    assert f"pictures/{picture.name}" in page
    assert check(home / "leaderboard" / "records") == []
    store(published, probe("newcomer"))
    assert set(check(home / "leaderboard" / "records")) == {
        picture,
        home / "leaderboard" / "LEADERBOARD.md",
        home / "leaderboard" / "page" / "index.html",
    }
    assert run("publish", "toy") == 0


def test_a_published_probe_is_never_replaced_and_nothing_else_is_copied_then(home, local):
    save(local.parents[1] / "records" / "v1", [record()])
    store(local, probe())
    dest = board.PUBLISHED / "v1"
    store(board.PUBLISHED.parent / "probes" / "v1", probe(method="other"))
    with pytest.raises(RecordError, match=r"skintern/seed0\.json"):
        publish(local.parents[1] / "records" / "v1", "toy", dest)
    assert load("toy", dest, known=["toy"]) == []


def test_probes_that_do_not_fit_those_published_are_refused(home, local, published):
    store(published, probe())
    store(local, probe("kard", facts=["x", "y"]))
    with pytest.raises(RecordError, match=r"kard seed 0: .*facts"):
        run("publish", "toy")
    assert load_probes(published, "toy") == [probe()]


def test_a_probe_in_the_wrong_place_is_refused(published):
    probe().save(published / "toy" / "kard" / "seed0.json")
    with pytest.raises(RecordError, match="belongs at"):
        load_probes(published, "toy")


def test_the_picture_has_a_panel_per_label_and_is_the_same_every_time():
    labels = [f"method_{i}" for i in range(6)] + ["skintern[importance=random,steps=3]"]
    found = internalization([probe(label, seed) for label in labels for seed in (0, 1)])
    picture = internalization_svg(found)
    assert picture == internalization_svg(found)
    words = [node.text for node in ElementTree.fromstring(picture).iter() if node.text]
    assert {*labels[:6], "100 %", "0 %", "knowledge in view:"} <= set(words)
    assert "[importance=random,steps=3]" in words


def test_a_readme_region_may_name_its_rows_while_the_page_shows_all(home):
    labels = ("std_cot", "kard[a=1,b=2]", "skintern", "cascod")
    save(board.PUBLISHED / "v1", [record(label, skewed=label == "cascod") for label in labels])
    readme = home / "README.md"
    readme.write_text(
        "<!-- board:toy methods=skintern,kard[a=1,b=2] -->\nold\n<!-- /board -->\n"
        "<!-- board:toy -->\nold\n<!-- /board -->\n"
    )
    render_all(home / "leaderboard" / "records")
    some, every = readme.read_text().split("<!-- /board -->\n")[:2]
    assert "| kard[a=1,b=2] ° |" in some
    assert "| skintern " in some
    assert "| cascod" not in some
    assert "| std_cot" not in some
    assert "2 of 4 rows." in some
    assert "‡" not in some
    assert all(f"| {label} " in every for label in labels)
    assert "rows." not in every
    assert check(home / "leaderboard" / "records") == []


def test_a_readme_region_shows_the_tuned_row_of_a_label(home):
    own = {"name": "tuned", "of": "kard", "settings": {"learning_rate": 3e-3}}
    tuned = replace(record("kard"), label="kard+tuned", snapshot={"own": own})
    save(board.PUBLISHED / "v1", [record("std_cot"), record("kard"), tuned])
    readme = home / "README.md"
    readme.write_text("<!-- board:toy methods=kard,std_cot -->\nold\n<!-- /board -->\n")
    render_all(home / "leaderboard" / "records")
    assert "| kard+tuned " in readme.read_text()
    assert "| kard " not in readme.read_text()


def test_a_readme_region_that_names_no_row_is_refused(home):
    save(board.PUBLISHED / "v1", [record()])
    text = "<!-- board:toy methods=std_cott -->\nold\n<!-- /board -->\n"
    (home / "README.md").write_text(text)
    with pytest.raises(RecordError, match=r"README\.md: .*'std_cott'.* std_cot"):
        render_all(home / "leaderboard" / "records")
    assert (home / "README.md").read_text() == text
