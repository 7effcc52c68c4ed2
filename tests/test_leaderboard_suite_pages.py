"""The generated pages show the newest suite of each track, and say how to see the others."""

import pytest

from leaderboard.show.rendering import check, render_all
from leaderboard.store import board
from tests.board_verb import run
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


def test_the_pages_show_the_newest_suite_and_say_how_to_see_the_others(published):
    home = published.parents[1]
    (home / "README.md").write_text("<!-- board:toy -->\nx\n<!-- /board -->\n")
    labels = ("skintern", "std_cot[restarts=3]")
    swept = [in_sweep(label, world, 5) for label in labels for world in (0, 1, 2)]
    save(published.parents[2] / "home" / "records" / "v1", swept)
    assert run("map", "regimes", "--publish") == 0
    probe().save(published.parent / "probes" / "v1" / "toy" / "skintern" / "seed0.json")
    render_all(home / "leaderboard" / "records")
    page = (home / "leaderboard" / "LEADERBOARD.md").read_text()
    assert "Suite v2. It supersedes what `skbench board show toy --suite v1` shows." in page
    assert page.count("These are of suite v1, which v2 supersedes.") == 2
    for text in (page, (home / "README.md").read_text()):
        assert "| kard" in text and "| old" not in text
    assert check(home / "leaderboard" / "records") == []
