"""Tampering with a board is caught by the check that is there for it, and names the file."""

import re
import shutil
from importlib import import_module
from pathlib import Path

import pytest

from leaderboard.store.ledger import file_records
from leaderboard.store.record import Record
from leaderboard.verify.base import read_base
from leaderboard.verify.checks import CHECKS, Report, verify
from leaderboard.verify.tree import read_tree
from tests.tampered import CASES, PUBLISHED, STUDENT, Board, Harness, made
from tests.tampered_facts import HONEST
from tests.tampered_runs import as_tuned

for path in sorted(Path(__file__).parent.glob("tampered_*.py")):  # they add the cases when imported
    import_module(f"tests.{path.stem}")


@pytest.fixture(scope="module")
def honest(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("honest")
    made(folder)
    return folder


@pytest.fixture
def board(honest: Path, tmp_path: Path) -> Board:
    shutil.copytree(honest / "leaderboard", tmp_path / "leaderboard")
    return Board(tmp_path / "leaderboard" / "records")


def verified(board: Board, honest: Path, tmp_path: Path) -> Report:
    base = read_base(str(honest / "leaderboard" / "records"), tmp_path / "base", board.root)
    return verify(read_tree(board.root, None, base, Harness()))


def test_an_honest_board_has_no_fault(board, honest, tmp_path):
    report = verified(board, honest, tmp_path)
    assert report.faults == [] and report.n_records == 6


def test_honest_files_beside_the_records_have_no_fault(board, honest, tmp_path):
    for add in HONEST:
        assert (board.root.parent / add(board)).is_file()
    assert verified(board, honest, tmp_path).faults == []


def test_a_run_at_the_track_s_own_rate_may_stand_under_both_labels(board, honest, tmp_path):
    track = Record.load(board.root / STUDENT).snapshot["track"]
    rate = track["training"]["learning_rate"]
    place = as_tuned(board, learning_rate=rate)
    file_records(board.root, [board.root / place], "again", "2026-11-29")
    assert verified(board, honest, tmp_path).faults == []


@pytest.mark.parametrize("name", CASES)
def test_tampering_is_caught(name, board, honest, tmp_path):
    case = CASES[name]
    case.attack(board)
    if case.is_refiled:
        board.refile()
    found = verified(board, honest, tmp_path).faults
    said = [(check, str(fault)) for check, fault in found]
    assert any(
        check == case.check and case.file in text and re.search(case.says, text)
        for check, text in said
    ), said


@pytest.mark.parametrize("check", CHECKS)
def test_every_check_has_tampering_that_it_is_there_for(check):
    assert [name for name, case in CASES.items() if case.check == check]


class Told(Harness):
    """Knows the methods, and scores nothing."""

    rescore = staticmethod(lambda record, found: "this takes minutes")


def test_the_committed_board_has_no_fault():
    report = verify(read_tree(PUBLISHED, harness=Told()))
    assert [str(fault) for _, fault in report.faults] == []
    assert report.n_records == len(list(PUBLISHED.glob("v*/*/*/*.json"))) > 300
