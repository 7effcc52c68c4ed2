"""The ledger, and the verbs that write and read it: publish, remove, verify."""

import json
import lzma
import shutil
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from leaderboard.store import board, ledger
from leaderboard.store.board import UnknownName
from leaderboard.store.files import file_sha256
from leaderboard.store.ledger import (
    events_of,
    file_records,
    generations_of,
    ledger_of,
    strike_record,
)
from leaderboard.store.reading import RecordError
from leaderboard.store.record import Record
from leaderboard.store.reruns import publish_rerun, rerun, reruns_of
from tests.board_verb import run
from tests.leaderboard_records import record, save
from tests.tampered import (
    KARD,
    OTHER,
    PLACES,
    PUBLISHED,
    SECOND,
    STUDENT,
    THIRD,
    TRACK,
    WITH_TEXTS,
    Board,
    events,
    made,
    rescore,
    texts_of,
    with_event,
)
from tests.tampered_runs import as_tuned


@pytest.fixture
def home(tmp_path, monkeypatch) -> Board:
    """A board of ours, and an empty $SKBENCH_HOME beside it."""
    found = made(tmp_path / "ours")
    monkeypatch.setattr(board, "PUBLISHED", found.root)
    monkeypatch.setenv("SKBENCH_HOME", str(tmp_path / "home"))
    return found


def git(where: Path, *words: str) -> None:
    name = ["-c", "user.name=t", "-c", "user.email=t@example.org"]
    subprocess.run(["git", "-C", where, *name, *words], check=True, capture_output=True)


# ---------------------------------------------------------------- publish


def test_the_first_lines_are_those_of_what_was_there(home):
    found = events(home)
    assert [each.path for each in found] == sorted(PLACES)
    assert {each.reason for each in found} == {"filed before there was a ledger"}
    assert [each.number for each in found] == list(range(1, 1 + len(PLACES)))
    assert all(each.sha256 == file_sha256(home.root / each.path) for each in found)
    kept = {each.path for each in found if each.generations}
    assert kept == {p for p in PLACES if generations_of(home.root, p).is_file()} and kept


def test_publish_adds_a_line_for_each_record_and_none_for_those_that_have_one(
    tmp_path, monkeypatch, capsys
):
    root = tmp_path / "mine" / "leaderboard" / "records"
    monkeypatch.setattr(board, "PUBLISHED", root)
    monkeypatch.setenv("SKBENCH_HOME", str(tmp_path / "home"))
    save(tmp_path / "home" / "records" / "v1", [record(seed=n) for n in (0, 1)])
    assert run("publish", "toy") == 0
    assert str(ledger_of(root)) in capsys.readouterr().out
    found = events_of(ledger_of(root))
    assert [(each.event, each.path) for each in found] == [
        ("file", f"v1/toy/std_cot/seed{n}.json") for n in (0, 1)
    ]
    assert run("publish", "toy") == 0
    assert events_of(ledger_of(root)) == found
    save(tmp_path / "home" / "records" / "v1", [record("kard")])
    assert run("publish", "toy") == 0
    assert [each.path for each in events_of(ledger_of(root))[2:]] == ["v1/toy/kard/seed0.json"]


def test_a_board_of_ones_own_has_a_ledger_of_its_own(home, tmp_path, monkeypatch):
    before = ledger_of(home.root).read_bytes()
    save(tmp_path / "home" / "records" / "v1", [record()])
    root = tmp_path / "own" / "leaderboard" / "records"
    assert run("publish", "toy", "--records", root) == 0
    assert [each.path for each in events_of(ledger_of(root))] == ["v1/toy/std_cot/seed0.json"]
    assert ledger_of(home.root).read_bytes() == before


def test_a_broken_ledger_is_not_added_to(home):
    with home.lines() as lines:
        lines[1] = lines[1].replace("date", "day")
    home.copy(THIRD, f"{TRACK}/std_cot/seed9.json")
    with pytest.raises(RecordError, match=r"ledger\.jsonl, line 2: unknown key 'day'"):
        file_records(home.root, [home.root / f"{TRACK}/std_cot/seed9.json"], "x", "2026-11-30")


# ---------------------------------------------------------------- remove


def test_remove_deletes_the_record_with_its_texts_and_says_why(home):
    assert run("remove", STUDENT, "--reason", "its corpus was wrong") == 0
    last = events(home)[-1]
    assert (last.event, last.path, last.reason) == ("remove", STUDENT, "its corpus was wrong")
    assert not (home.root / STUDENT).exists()
    assert not generations_of(home.root, STUDENT).exists()
    assert run("verify") == 0


def test_a_removed_record_may_be_replaced_and_that_is_noted(home, capsys):
    kept = (home.root / OTHER).read_bytes()
    assert run("remove", home.root / OTHER, "--reason", "run again") == 0
    (home.root / OTHER).write_bytes(kept)
    file_records(home.root, [home.root / OTHER], "published", "2026-11-30")
    capsys.readouterr()
    assert run("verify") == 0
    said = capsys.readouterr().out
    assert f"note: records/{OTHER}: replaces one removed on " in said and "run again" in said


def test_a_record_s_reruns_go_with_it_and_those_of_others_stay(home):
    for place in (STUDENT, SECOND):
        path, found = home.root / place, Record.load(home.root / place)
        again = replace(found, provenance=found.provenance | {"dirty": False})
        publish_rerun(rerun(path, found, again, is_inside=True), path)
    assert run("remove", STUDENT, "--reason", "its corpus was wrong") == 0
    assert run("verify") == 0
    assert not reruns_of(home.root / STUDENT) and reruns_of(home.root / SECOND)


@pytest.mark.parametrize("after", [0, 1])
def test_a_removal_that_was_cut_off_is_ended_by_the_same_command(home, monkeypatch, after):
    """Between the ledger's line and the files, or between these."""
    unlink, done = Path.unlink, []

    def cut_off(path, missing_ok=False):
        if path.suffix != ".part" and len(done) == after:
            raise KeyboardInterrupt
        done.extend([path] if path.suffix != ".part" else [])
        unlink(path, missing_ok=missing_ok)

    words = ("remove", STUDENT, "--reason", "its corpus was wrong")
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(Path, "unlink", cut_off)
        run(*words)
    assert run(*words) == 0
    assert [each.event for each in events(home)].count("remove") == 1
    assert not (home.root / STUDENT).exists() and run("verify") == 0


def test_a_record_that_was_never_filed_is_removed_without_a_line(home):
    place = f"{TRACK}/kard/seed1.json"
    home.copy(THIRD, place)
    before = events(home)
    assert run("remove", place, "--reason", "left by a submission that was cut off") == 0
    assert events(home) == before and run("verify") == 0


@pytest.mark.parametrize("path", ["../ledger.jsonl", "v2/pocket-100/none.json", "/etc/passwd"])
def test_what_is_no_record_is_not_removed(home, path):
    with pytest.raises(RecordError, match="record"):
        run("remove", path, "--reason", "x")
    assert len(events(home)) == len(PLACES)


def test_a_reason_must_be_told(home):
    with pytest.raises(RecordError, match="--reason must not be blank"):
        run("remove", STUDENT, "--reason", "  ")
    assert (home.root / STUDENT).is_file()


# ---------------------------------------------------------------- verify


def test_verify_prints_a_line_a_fault_and_exits_with_1(home, capsys):
    with home.edited() as body:
        del body["training"]["loss_curve"][-1]
    assert run("verify") == 1
    lines = capsys.readouterr().out.splitlines()
    named = [line for line in lines if line.startswith(f"records/{STUDENT}: ")]
    assert len(named) == 2, "the ledger's, and that of training"
    assert all("; should be " in line for line in named)
    assert lines[-1] == f"2 faults in {len(PLACES)} records, outcomes of 0 scored again"


def test_verify_json_names_check_file_and_what_it_should_be(home, capsys):
    with home.edited() as body:
        del body["training"]["loss_curve"][-1]
    assert run("verify", "--json") == 1
    body = json.loads(capsys.readouterr().out)
    assert {fault["check"] for fault in body["faults"]} == {"ledger", "training"}
    assert {fault["file"] for fault in body["faults"]} == {f"records/{STUDENT}"}
    assert body["n_records"] == len(PLACES) and body["notes"]


def test_verify_of_one_track_leaves_the_others_alone(home, capsys):
    home.copy(STUDENT, "v2/other/std_cot/seed0.json")
    assert run("verify", "pocket-100") == 0
    assert run("verify", "other") == 1
    with pytest.raises(UnknownName, match="did you mean 'pocket-100'"):
        run("verify", "pocket-10")


def not_here(record, found):
    return "no data folder given"


@pytest.mark.parametrize(
    ("how", "why"), [(None, "nobody here can score"), (not_here, "no data folder given")]
)
def test_what_nobody_scored_is_not_called_scored_again(home, capsys, how, why):
    n = len(PLACES)
    assert run("verify", rescore=how) == 0
    said = capsys.readouterr().out
    assert f"outcomes of {n - 2} of {n} records, the first records/{KARD}, are not" in said
    assert f"outcomes of 2 of {n} records, the first records/{STUDENT}, are not" in said
    assert f"scored again: {why}\n" in said and said.endswith("outcomes of 0 scored again\n")
    assert run("verify", "--json", rescore=how) == 0
    assert json.loads(capsys.readouterr().out)["n_rescored"] == 0


def test_records_without_texts_are_noted_as_unverified(home, capsys):
    assert run("verify", "--json", rescore=rescore) == 0
    body = json.loads(capsys.readouterr().out)
    (note,) = body["notes"]
    assert f"outcomes of {len(PLACES) - 2} of {len(PLACES)} records" in note
    assert note.endswith("are not scored again: no generations are kept of them")
    assert body["n_rescored"] == 2


def test_texts_that_came_later_are_noted_where_no_rerun_wrote_them(home, capsys):
    path = generations_of(home.root, THIRD)
    path.write_bytes(lzma.compress(json.dumps(texts_of(Record.load(home.root / THIRD))).encode()))
    with_event(home, THIRD, event="rescore", generations=file_sha256(path))
    assert run("verify", rescore=rescore) == 0
    note = f"records/{THIRD}: its texts came later, and of no rerun with the same answers"
    assert note in capsys.readouterr().out
    found = Record.load(home.root / THIRD)
    again = replace(found, provenance=found.provenance | {"dirty": False})
    publish_rerun(rerun(home.root / THIRD, found, again, is_inside=True), home.root / THIRD)
    assert run("verify", rescore=rescore) == 0
    assert note not in capsys.readouterr().out


def test_a_tuned_row_of_fewer_seeds_is_noted(home, capsys):
    as_tuned(home, learning_rate=0.009)
    home.refile()
    run("verify", rescore=rescore)
    note = "pocket-100 v2: std_cot+tuned stands in the place of std_cot, and has no seed 1, 2"
    assert note in capsys.readouterr().out


def test_what_was_removed_is_noted_with_its_reason(home, capsys):
    strike_record(home.root, home.root / THIRD, "a bad seed", "2026-11-29")
    (home.root / THIRD).unlink()
    assert run("verify", rescore=rescore) == 0
    told = capsys.readouterr().out
    assert f"1 removed on 2026-11-29, the first records/{THIRD}: a bad seed" in told


def test_rows_of_an_older_suite_are_noted_and_not_compared(home, capsys):
    shutil.copytree(PUBLISHED / "v1/pocket-100", home.root / "v1/pocket-100")
    home.refile()
    assert run("verify") == 0
    assert "pocket-100: 4 rows stand in several suites" in capsys.readouterr().out


def test_a_ref_of_git_is_a_base(home, capsys):
    top = home.root.parents[1]
    git(top, "init", "-q")
    git(top, "add", "-A")
    git(top, "commit", "-qm", "honest")
    assert run("verify", "--base", "HEAD") == 0
    assert run("remove", THIRD, "--reason", "told") == 0
    assert run("verify", "--base", "HEAD") == 0
    with home.data_set(OTHER) as found:
        found["author"] = [1] * len(found["author"])
    home.refile()
    assert run("verify") == 0, "right in itself"
    capsys.readouterr()
    assert run("verify", "--base", "HEAD") == 1
    said = capsys.readouterr().out
    assert f"records/{OTHER}: has sha256" in said and "since HEAD" in said
    assert "is not that of HEAD" in said
    with pytest.raises(UnknownName, match="neither a folder nor a git ref"):
        run("verify", "--base", "nothing")


def test_outcomes_may_be_scored_anew_from_the_texts_that_were_filed(home, tmp_path, capsys):
    """Where the rules of scoring change, outcomes may, and nothing else; and nobody takes the word
    of who says that they have."""
    shutil.copytree(home.root.parent, tmp_path / "before" / "leaderboard")
    for place in WITH_TEXTS:
        with home.edited(place) as body:
            for each in body["data_sets"].values():
                each["author"] = [0] * len(each["author"])
        with_event(home, place, event="rescore", sha256=file_sha256(home.root / place))
    base = tmp_path / "before" / "leaderboard" / "records"
    assert run("verify", "--base", base, rescore=new_rules) == 0
    assert "was scored anew" not in capsys.readouterr().out
    assert run("verify", "--base", base, rescore=rescore) == 1, "the old rules say otherwise"
    assert run("verify", "--base", base, rescore=not_here) == 1
    said = capsys.readouterr().out
    assert f"records/{STUDENT}: has other outcomes than in {base}, and is not scored again" in said
    assert run("verify", rescore=not_here) == 0
    told = f"note: records/{STUDENT}: was scored anew on 2026-11-29, and is not scored again here"
    assert f"{told}: no data folder given" in capsys.readouterr().out


def new_rules(record, found):
    """The author's extractor finds nothing any more."""
    return {
        name: {**each, "author": [0] * len(each["author"])}
        for name, each in rescore(record, found).items()
    }


def test_two_who_file_at_once_lose_no_line(home, monkeypatch):
    def slowly(path, text):
        time.sleep(0.3)
        real(path, text)

    real = ledger.replace_text
    ledger_of(home.root).write_text("")
    monkeypatch.setattr(ledger, "replace_text", slowly)
    files = [home.root / place for place in (STUDENT, SECOND)]
    with ThreadPoolExecutor() as pool:
        list(
            pool.map(lambda file: file_records(home.root, [file], "published", "2026-11-29"), files)
        )
    assert {event.path for event in events(home)} == {STUDENT, SECOND}
