"""Runs that somebody hands in: checked beside what is published, and filed."""

import json
import lzma
import shutil
from pathlib import Path

import pytest

from leaderboard.store import board
from leaderboard.store.files import file_sha256
from leaderboard.store.ledger import generations_of
from leaderboard.store.reading import RecordError
from leaderboard.store.record import Record
from tests.board_verb import run
from tests.tampered import PLACES, STUDENT, THIRD, Board, events, made, rescore, texts_of


@pytest.fixture
def home(tmp_path, monkeypatch) -> Board:
    """A board of ours."""
    found = made(tmp_path / "ours")
    monkeypatch.setattr(board, "PUBLISHED", found.root)
    return found


@pytest.fixture
def theirs(home, tmp_path) -> Path:
    """A published run that somebody else has, and our board without it."""
    path = tmp_path / "theirs" / "seed2.json"
    path.parent.mkdir()
    (home.root / THIRD).rename(path)
    home.refile()
    return path


def test_a_strangers_run_is_copied_to_its_place_with_an_event(home, theirs, capsys):
    bytes_before = theirs.read_bytes()
    assert run("submit", theirs) == 0
    assert (home.root / THIRD).read_bytes() == bytes_before
    last = events(home)[-1]
    assert (last.event, last.path) == ("file", THIRD)
    assert "std_cot seed 2" in (home.root.parent / "CHANGELOG.md").read_text()
    assert "std_cot" in (home.root.parent / "LEADERBOARD.md").read_text()
    capsys.readouterr()
    assert run("verify") == 0


def test_a_folder_of_runs_is_taken_with_their_texts(home, theirs):
    texts = json.dumps(texts_of(Record.load(theirs)))
    theirs.with_name("seed2.json.xz").write_bytes(lzma.compress(texts.encode()))
    assert run("submit", theirs.parent, rescore=rescore) == 0
    assert events(home)[-1].generations == file_sha256(generations_of(home.root, THIRD))
    assert run("verify", rescore=rescore) == 0


def test_the_texts_of_a_run_are_found_where_a_home_keeps_them(home, theirs, tmp_path):
    texts = json.dumps(texts_of(Record.load(theirs)))
    kept = tmp_path / "home/records" / THIRD
    for path in (kept, generations_of(tmp_path / "home/records", THIRD)):
        path.parent.mkdir(parents=True)
    theirs.rename(kept)
    generations_of(tmp_path / "home/records", THIRD).write_bytes(lzma.compress(texts.encode()))
    assert run("submit", kept, rescore=rescore) == 0
    assert events(home)[-1].generations == file_sha256(generations_of(home.root, THIRD))


def test_a_run_that_is_published_is_not_taken_again(home, theirs, capsys):
    assert run("submit", theirs) == 0
    for path in (theirs, home.root / THIRD):
        assert run("submit", path) == 2
        told = f"{path}: this very run is filed already, as {THIRD}\n"
        assert capsys.readouterr().err == told


def test_other_texts_of_a_published_record_are_another_run(home, theirs, capsys):
    shutil.copy(home.root / STUDENT, theirs)
    texts = json.dumps({**texts_of(Record.load(theirs)), "seed": 9})
    theirs.with_name("seed2.json.xz").write_bytes(lzma.compress(texts.encode()))
    assert run("submit", theirs, rescore=rescore) == 2
    told = capsys.readouterr().err
    assert f"another run has the place {STUDENT}" in told and "very run" not in told


@pytest.mark.parametrize("cut", ["verify.submitted.write_bytes_once", "store.ledger.file_records"])
def test_a_submission_that_was_cut_off_is_ended_by_the_same_command(
    home, theirs, monkeypatch, capsys, cut
):
    """Between a record and its texts, or before the ledger."""
    texts = json.dumps(texts_of(Record.load(theirs)))
    theirs.with_name("seed2.json.xz").write_bytes(lzma.compress(texts.encode()))

    def cut_off(path, *_):
        if cut.startswith("verify") and path == home.root / THIRD:
            path.write_bytes(theirs.read_bytes())
            return
        raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(f"leaderboard.{cut}", cut_off)
        run("submit", theirs, rescore=rescore)
    assert (home.root / THIRD).is_file() and len(events(home)) == len(PLACES) - 1
    assert run("submit", theirs, rescore=rescore) == 0
    assert [each.path for each in events(home)].count(THIRD) == 1
    assert (home.root.parent / "CHANGELOG.md").read_text().count("std_cot seed 2") == 1
    assert run("verify", rescore=rescore) == 0


def test_another_run_at_the_place_is_left_there(home, theirs, capsys):
    shutil.copy(theirs, home.root / THIRD)
    with home.edited(THIRD) as body:
        body["training"]["seconds"] += 1
    before = (home.root / THIRD).read_bytes()
    assert run("submit", theirs) == 2
    assert "none is ever overwritten" in capsys.readouterr().err
    assert (home.root / THIRD).read_bytes() == before


def test_faults_of_a_submission_are_told_by_its_file_and_nothing_is_copied(home, theirs, capsys):
    body = json.loads(theirs.read_text())
    body["training"]["tokens"] = 0
    body["scope"]["world"] = 2
    theirs.write_text(json.dumps(body))
    assert run("submit", theirs) == 2
    said = capsys.readouterr().err.splitlines()
    assert any(line.startswith(f"{theirs}: training.tokens 0") for line in said), said
    assert any("has scope" in line for line in said)
    assert not (home.root / THIRD).exists()
    assert len(events(home)) == len(PLACES) - 1


def test_a_published_run_under_another_seed_is_a_fault_of_the_submission(home, tmp_path, capsys):
    body = json.loads((home.root / STUDENT).read_text())
    body["seed"] = 5
    body["provenance"]["command"] = body["provenance"]["command"].replace("--seeds 0", "--seeds 5")
    path = tmp_path / "seed5.json"
    path.write_text(json.dumps(body))
    assert run("submit", path) == 2
    said = capsys.readouterr().err
    assert f"{path}: has provenance.key of records/{STUDENT}" in said


def test_two_submitted_runs_are_held_against_each_other(home, theirs, capsys):
    shutil.copy(theirs, theirs.with_name("seed3.json"))
    assert run("submit", theirs.parent) == 2
    assert f"another run has the place {THIRD}" in capsys.readouterr().err


def test_what_outnumbers_the_published_runs_does_not_turn_them_into_the_faulty_ones(
    home, theirs, capsys
):
    for seed in range(3, 12):
        body = json.loads(theirs.read_text())
        body["seed"] = seed
        body["provenance"]["command"] = f"skbench run pocket-100 --methods std_cot --seeds {seed}"
        body["snapshot"]["track"]["training"]["learning_rate"] *= 2
        theirs.with_name(f"seed{seed}.json").write_text(json.dumps(body))
    theirs.unlink()
    assert run("submit", theirs.parent) == 2
    said = capsys.readouterr().err
    assert f"beside what is handed in, records/{STUDENT}: other settings than most" in said


def test_texts_that_do_not_score_as_told_are_refused(home, theirs, capsys):
    body = texts_of(Record.load(theirs))
    body["data_sets"]["pocket_chain"] = ["1110"] * len(body["data_sets"]["pocket_chain"])
    texts = theirs.with_name("seed2.json.xz")
    texts.write_bytes(lzma.compress(json.dumps(body).encode()))
    assert run("submit", theirs, rescore=rescore) == 2
    assert f"{texts}: pocket_chain.strict" in capsys.readouterr().err


def test_texts_that_cannot_be_scored_here_are_refused_with_the_reason(home, theirs, capsys):
    texts = theirs.with_name("seed2.json.xz")
    texts.write_bytes(lzma.compress(json.dumps(texts_of(Record.load(theirs))).encode()))
    assert run("submit", theirs, rescore=lambda record, found: "no data folder given") == 2
    assert f"{texts}: is not scored again: no data folder given" in capsys.readouterr().err
    texts.unlink()
    assert run("submit", theirs) == 0


@pytest.mark.parametrize("text", ["", "{}", "[]", "nothing"])
def test_what_is_no_record_is_refused_by_name(home, tmp_path, text):
    path = tmp_path / "seed0.json"
    path.write_text(text)
    with pytest.raises(RecordError, match=r"seed0\.json: "):
        run("submit", path)
    with pytest.raises(RecordError, match="holds no record"):
        run("submit", tmp_path / "nowhere")
