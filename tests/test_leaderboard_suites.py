"""Suites: versions of a track, of which the newest is shown and older ones stay readable."""

import json
from argparse import ArgumentParser

import pytest

from leaderboard import board, cli
from leaderboard.board import UnknownName, load
from leaderboard.pages import check, render_all
from leaderboard.rank import rows
from leaderboard.record import RecordError
from tests.leaderboard_records import in_sweep, probe, record, save


@pytest.fixture
def published(tmp_path, monkeypatch):
    """The suites of a repository: three rows of `toy` v1, two of them again as v2."""
    root = tmp_path / "repository" / "leaderboard" / "records"
    monkeypatch.setattr(board, "PUBLISHED", root)
    monkeypatch.setenv("SKBENCH_HOME", str(tmp_path / "home"))
    save(root / "v1", [record(label) for label in ("std_cot", "kard", "old")])
    save(root / "v2", [of(2, label) for label in ("std_cot", "kard")])
    return root


def of(version, label="std_cot", **changes):
    return record(label, snapshot={"track": {"version": version}}, **changes)


def run(*words):
    parser = ArgumentParser()
    cli.add_parser(parser.add_subparsers())
    args = parser.parse_args(["board", *words])
    return args.run(args)


def test_the_newest_suite_is_shown_and_an_older_one_says_what_supersedes_it(published, capsys):
    assert run("show", "toy") == 0
    newest = capsys.readouterr().out
    assert "| old" not in newest and "superseded" not in newest
    assert run("show", "toy", "--suite", "v1") == 0
    older = capsys.readouterr().out
    assert older.startswith("toy v1 is superseded by v2\n") and "old" in older
    assert run("show", "toy", "--suite", "v1", "--json") == 0
    found = json.loads(capsys.readouterr().out)
    assert {(row["suite"], row["superseded_by"]) for row in found} == {("v1", "v2")}
    assert run("show", "toy", "--json") == 0
    found = json.loads(capsys.readouterr().out)
    assert {(row["suite"], row["superseded_by"]) for row in found} == {("v2", None)}


@pytest.mark.parametrize("words", [("show", "toy"), ("audit", "toy"), ("export", "toy")])
def test_every_reading_verb_takes_a_suite_and_names_those_there_are(published, words):
    more = ["--format", "csv"] if words[0] == "export" else []
    assert run(*words, *more, "--suite", "v1") == 0
    with pytest.raises(UnknownName, match=r"suite of toy 'v7'.*v1, v2"):
        run(*words, *more, "--suite", "v7")


def test_a_row_of_an_older_suite_can_be_compared_there_alone(published, capsys):
    assert run("compare", "old", "std_cot", "--track", "toy", "--suite", "v1") == 0
    assert capsys.readouterr().out.startswith("toy v1 is superseded by v2\n")
    with pytest.raises(UnknownName, match="'old'"):
        run("compare", "old", "std_cot", "--track", "toy")


def test_rows_of_two_versions_never_stand_in_one_table(published):
    with pytest.raises(RecordError, match="more than one version: 1, 2"):
        rows([record(), of(2, "kard")])


def test_a_record_in_a_suite_of_another_version_is_refused(published):
    save(published / "v2", [record("stray")])
    with pytest.raises(RecordError, match=r"stray/seed0\.json: is of version 1.*suite v1"):
        load("toy", published / "v2")


def test_a_version_that_is_none_is_refused(published):
    save(published / "v1", [of(0, "bad")])
    with pytest.raises(RecordError, match=r"snapshot\.track\.version must be a whole number"):
        load("toy", published / "v1")


def test_publish_adds_to_the_suite_that_the_runs_were_made_for(published, tmp_path):
    local = tmp_path / "home" / "records"
    save(local / "v1", [record("other")])
    save(local / "v2", [of(2, "mine")])
    assert run("publish", "toy") == 0
    assert (published / "v2" / "toy" / "mine" / "seed0.json").is_file()
    assert not (published / "v1" / "toy" / "other").exists()
    save(local / "v2", [of(2, "kard", method="else")])
    with pytest.raises(RecordError, match=r"append-only: raise the track's version.*version = 3"):
        run("publish", "toy")


def test_a_base_of_another_version_is_noted_and_is_no_regression(published, tmp_path, capsys):
    base = tmp_path / "base"
    save(base / "v1", [record("std_cot", outcomes={"id_a": [1, 1, 1, 1], "ood_a": [1, 1, 1, 1]})])
    assert run("regress", "--base", str(base)) == 0
    assert "toy: base has v1, new v2: another suite version, nothing compared" in (
        capsys.readouterr().out
    )
    save(base / "v2", [of(2, "std_cot"), of(2, "kard")])
    assert run("regress", "--base", str(base)) == 0
    out = capsys.readouterr().out
    assert "nothing compared" not in out and "toy/kard id" in out


def test_a_file_names_a_track_of_ones_own_whose_records_are_local(published, tmp_path, capsys):
    file = tmp_path / "mine.toml"
    file.write_text('about = "x"\n')
    assert run("show", str(file)) == 3
    save(tmp_path / "home" / "records" / "v1", [record("own", track="mine")])
    assert run("show", str(file), "--json") == 0
    file.write_text('name = "toy"\n')
    save(tmp_path / "home" / "records" / "v1", [record("here")])
    capsys.readouterr()
    assert run("show", str(file), "--json") == 0
    assert [row["method"] for row in json.loads(capsys.readouterr().out)] == ["here"]
    with pytest.raises(RecordError, match="no such file"):
        run("show", str(tmp_path / "none.toml"))


def test_the_pages_show_the_newest_suite_and_say_how_to_see_the_others(published):
    home = published.parents[1]
    (home / "README.md").write_text("<!-- board:toy -->\nx\n<!-- /board -->\n")
    labels = ("skintern", "std_cot[restarts=3]")
    swept = [in_sweep(label, world, 5) for label in labels for world in (0, 1, 2)]
    save(published.parents[2] / "home" / "records" / "v1", swept)
    assert run("map", "regimes", "--publish") == 0
    probe().save(published.parent / "probes" / "v1" / "toy" / "skintern" / "seed0.json")
    render_all(home)
    page = (home / "leaderboard" / "LEADERBOARD.md").read_text()
    assert "Suite v2. It supersedes what `skbench board show toy --suite v1` shows." in page
    assert page.count("These are of suite v1, which v2 supersedes.") == 2
    for text in (page, (home / "README.md").read_text()):
        assert "| kard" in text and "| old" not in text
    assert check(home) == []
