"""What is kept of computed rows: as it was made, and never longer than what it was made of."""

import json
import os
from argparse import Namespace

import pytest

from leaderboard.cli import source
from leaderboard.store import index
from leaderboard.store.index import all_facts, facts_of, remembered
from tests.board_verb import run
from tests.pages import made, save_board


@pytest.fixture
def fact(tmp_path):
    path = tmp_path / "fact.json"
    path.write_text("1")
    return path


class Maker:
    """Returns what it was told to, and counts how often."""

    def __init__(self, value=("a", 0.1)):
        self.value, self.n = value, 0

    def __call__(self):
        self.n += 1
        return self.value


def kept(home):
    (path,) = (home / "index").iterdir()
    return path


def test_what_was_made_is_kept(fact):
    make = Maker()
    for _ in range(2):
        assert remembered(tuple[str, float], "x", [fact], make) == ("a", 0.1)
    assert make.n == 1


@pytest.mark.parametrize(
    "change",
    [
        lambda fact: fact.write_text("22"),
        lambda fact: os.utime(fact, ns=(0, 0)),
        lambda fact: fact.rename(fact.with_name("other.json")),
    ],
    ids=["size", "time", "name"],
)
def test_another_file_is_another_value(fact, change):
    make = Maker()
    remembered(tuple[str, float], "x", [fact], make)
    change(fact)
    remembered(tuple[str, float], "x", fact.parent.glob("*.json"), make)
    assert make.n == 2


def test_other_code_is_another_value(fact, monkeypatch, home):
    make = Maker()
    remembered(tuple[str, float], "x", [fact], make)
    monkeypatch.setattr(index, "_code", lambda: "another")
    remembered(tuple[str, float], "x", [fact], make)
    assert make.n == 2 and kept(home)


def test_names_are_kept_apart(fact):
    one, other = Maker(), Maker(("b", 0.2))
    assert remembered(tuple[str, float], "x", [fact], one) == ("a", 0.1)
    assert remembered(tuple[str, float], "y", [fact], other) == ("b", 0.2)


@pytest.mark.parametrize("spoil", [lambda b: b[:-3], lambda b: b[:64] + b"\n[1]", lambda b: b""])
def test_what_cannot_be_read_is_made_anew(fact, home, spoil):
    make = Maker()
    remembered(tuple[str, float], "x", [fact], make)
    kept(home).write_bytes(spoil(kept(home).read_bytes()))
    assert remembered(tuple[str, float], "x", [fact], make) == ("a", 0.1)
    assert make.n == 2


def test_a_home_that_cannot_be_written_to_still_shows(fact, home):
    home.write_text("a file where the folder should be")
    assert remembered(tuple[str, float], "x", [fact], Maker()) == ("a", 0.1)


def test_the_facts_of_a_track_are_those_of_all_kinds_and_of_no_other_track(tmp_path):
    wanted = ["records/v1/a/m/seed0.json", "trials/v2/a/m.json", "reruns/v2/a/m/seed0-1.json"]
    for place in [*wanted, "records/v1/ab/m/seed0.json", "records/v1/a/m/seed0.json.part"]:
        path = tmp_path / place
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    found = {p.relative_to(tmp_path).as_posix() for p in facts_of("a", tmp_path / "records")}
    assert found == set(wanted)


def test_the_facts_of_records_in_a_folder_of_another_name_are_those(tmp_path):
    for place in ("mine/v1/a/m/seed0.json", "records/v1/a/m/seed0.json"):
        path = tmp_path / place
        path.parent.mkdir(parents=True)
        path.touch()
    expected = [tmp_path / "mine/v1/a/m/seed0.json"]
    assert [*facts_of("a", tmp_path / "mine")] == [*all_facts(tmp_path / "mine")] == expected


def asked(track):
    return Namespace(
        track=track, suite=None, local=False, untuned=False, known=[], board_verb="show"
    )


@pytest.mark.parametrize("track", ["pocket-100", "smollm2-135m-csqa", "atomic-real"])
def test_rows_that_were_kept_are_those_that_were_made(track, monkeypatch):
    made = source.table_asked(asked(track), sign=True)
    monkeypatch.setattr(source, "rows_of", None)
    assert source.table_asked(asked(track), sign=True) == made


def test_a_record_that_is_filed_is_shown(tmp_path, capsys):
    root = tmp_path / "records"
    save_board(root)
    words = ("show", "toy", "--records", root, "--json")
    assert n_seeds(words, capsys) == 2
    made("kard", 2).save(root / "v2" / "toy" / "kard" / "seed2.json")
    assert n_seeds(words, capsys) == 3


def n_seeds(words, capsys):
    assert run(*words) == 0
    rows = json.loads(capsys.readouterr().out)
    return next(row["n_seeds"] for row in rows if row["method"] == "kard")
