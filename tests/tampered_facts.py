"""Honest files of each kind beside the records, and ways to tamper with trials and maps."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from leaderboard.store.maps import Point, Side, Sweep, World, publish_map
from leaderboard.store.probes import ProbePoint, ProbeRecord
from leaderboard.store.record import Record
from leaderboard.store.reruns import publish_rerun, rerun
from leaderboard.store.studies import Run, Study, publish_study
from leaderboard.verify.reading import MOST_BYTES
from tests.tampered import SET, STUDENT, TRACK, Board, tampered
from tests.tampered_runs import trials_of

VERSION, OF = TRACK.split("/")
TRIALS = f"trials/{TRACK}/std_cot.json"
MAP, STUDY, QUESTION = f"maps/{VERSION}/why.json", f"studies/{VERSION}/why.json", "studies/why.toml"
PROBE = f"probes/{TRACK}/std_cot/seed0.json"
RERUN = f"reruns/{TRACK}/std_cot/seed0-1.json"
CLEAN = {"dirty": False}


@contextmanager
def edited(board: Board, file: str) -> Iterator[dict[str, Any]]:
    """A file beside the records, written back."""
    path = board.root.parent / file
    body = json.loads(path.read_text())
    yield body
    path.write_text(json.dumps(body))


def twice(board: Board, file: str) -> None:
    """Its first key once more, before the others."""
    path = board.root.parent / file
    path.write_text(path.read_text().replace("{", '{"schema": 1, ', 1))


# ---------------------------------------------------------------- honest files


def with_trials(board: Board) -> str:
    trials_of(board, {"learning_rate": 0.009}, {"learning_rate": 0.003})
    return TRIALS


def with_map(board: Board) -> str:
    side = Side(0.5, None, 100, 0, True, "c0ffee", False, "2026-11-21", "run")
    point = Point("items", "40", "skintern", "std_cot", 0, OF, [World(0, side, side)])
    publish_map(Sweep(1, "why", [point]), board.root.parent / "maps" / VERSION)
    return MAP


def with_study(board: Board) -> str:
    groups = {n: each.group for n, each in Record.load(board.root / STUDENT).data_sets.items()}
    answers = [dict.fromkeys(groups, bits * 20) for bits in ("01", "10")]
    runs = [Run("long/std_cot", seed, each, {}, None, CLEAN) for seed, each in enumerate(answers)]
    found = Study(1, "why", OF, 15, groups, dict.fromkeys(groups, "sha256"), runs)
    publish_study(found, board.root.parent / "studies" / VERSION)
    return STUDY


def with_question(board: Board) -> str:
    rule = 'rule = { pair = "A", margin = 6.0, below = "a", within = "b", undecided = "c" }\n'
    pairs = 'pairs = [{ name = "A", asks = "which", a = "long/std_cot", b = "short/std_cot" }]\n'
    path = board.root.parent / QUESTION
    path.parent.mkdir(exist_ok=True)
    path.write_text(f'about = "Why?"\n{rule}{pairs}')
    return QUESTION


def with_probe(board: Board) -> str:
    points = [ProbePoint(float(n), n, [[n]], [n]) for n in (0, 1)]
    version = int(VERSION[1:])
    told = ProbeRecord(1, OF, "std_cot", "std_cot", 0, ["a"], [1.0], points, ["b"], CLEAN, version)
    told.save(board.root.parent / "probes" / told.place)
    return PROBE


def with_rerun(board: Board) -> str:
    path, record = board.root / STUDENT, Record.load(board.root / STUDENT)
    again = replace(record, provenance=record.provenance | CLEAN)
    publish_rerun(rerun(path, record, again, is_inside=True), path)
    return RERUN


HONEST: list[Callable[[Board], str]] = [
    with_trials, with_map, with_study, with_question, with_probe, with_rerun,
]  # fmt: skip
"""Adds a file, and says which; other files of tampering add theirs."""

# ---------------------------------------------------------------- trials


@tampered("tried", f"holds the trials of {TRIALS}", f"trials/{TRACK}/kard.json")
def trials_of_another_row(board: Board) -> None:
    path = board.root.parent / with_trials(board)
    path.rename(path.with_name("kard.json"))


@tampered("tried", "holds the trials of trials/v1/", TRIALS)
def trials_of_another_version(board: Board) -> None:
    with edited(board, with_trials(board)) as body:
        body["version"] = 1


@tampered("tried", "trial 1: provenance.dirty 0; should be false", TRIALS)
def trials_from_an_uncommitted_tree(board: Board) -> None:
    with edited(board, with_trials(board)) as body:
        body["trials"][0]["provenance"] = {"commit": "c0ffee", "dirty": 0}


@tampered("tried", "trial 1: provenance.dirty None", TRIALS)
def trials_of_nobody_knows_what_code(board: Board) -> None:
    with edited(board, with_trials(board)) as body:
        body["trials"][0]["provenance"] = {}


@tampered("tried", f"asked the test questions of {SET}", TRIALS)
def trials_on_test(board: Board) -> None:
    tested = Record.load(board.root / STUDENT).data_sets[SET].items_sha256
    with edited(board, with_trials(board)) as body:
        for trial in body["trials"]:
            trial["items_sha256"][SET] = tested


@tampered("tried", "other questions than most trials", f"trials/{TRACK}/skintern.json")
def trials_on_easier_questions(board: Board) -> None:
    path = board.root.parent / with_trials(board)
    for label in ("kard", "skintern"):
        path.with_name(f"{label}.json").write_text(
            path.read_text().replace('"label": "std_cot"', f'"label": "{label}"')
        )
    with edited(board, f"trials/{TRACK}/skintern.json") as body:
        for trial in body["trials"]:
            trial["items_sha256"][SET] = "easier"


@tampered("tried", "trials on .*; should be .*: those of id", TRIALS)
def trials_on_fewer_data_sets(board: Board) -> None:
    with edited(board, with_trials(board)) as body:
        for trial in body["trials"]:
            del trial["items_sha256"][SET], trial["outcomes"][SET]


@tampered("tried", "trials of luck; should be of learning_rate, or of a field", TRIALS)
def trials_of_what_no_method_has(board: Board) -> None:
    with edited(board, with_trials(board)) as body:
        body["trials"][0]["settings"]["luck"] = 1


@tampered("tried", "missing key", f"trials/{TRACK}/nobody.json")
def trials_of_no_record_that_are_none(board: Board) -> None:
    path = board.root.parent / with_trials(board)
    path.with_name("nobody.json").write_text("{}")


@tampered("tried", "is no place in trials", f"trials/{TRACK}/std_cot/x.json")
def trials_where_nobody_looks(board: Board) -> None:
    path = board.root.parent / "trials" / TRACK / "std_cot" / "x.json"
    path.parent.mkdir(parents=True)
    path.write_text("{}")


@tampered("tried", "is a link or a folder", TRIALS)
def trials_that_are_a_link(board: Board) -> None:
    path = board.root.parent / with_trials(board)
    path.rename(board.root.parent.parent / "elsewhere")
    path.symlink_to(board.root.parent.parent / "elsewhere")


@tampered("tried", "trials: is a symbolic link", "trials")
def all_trials_elsewhere(board: Board) -> None:
    folder = board.root.parent / "trials"
    folder.symlink_to(board.root.parent.parent)


# ---------------------------------------------------------------- maps


def _world(board: Board, **changes: object) -> None:
    with edited(board, with_map(board)) as body:
        body["points"][0]["worlds"][0]["treatment"].update(changes)


@tampered("maps", "a world of items = 40 twice", MAP)
def a_world_counted_twice(board: Board) -> None:
    with edited(board, with_map(board)) as body:
        body["points"][0]["worlds"] *= 2


@tampered("maps", "two points of one name", MAP)
def a_point_told_twice(board: Board) -> None:
    with edited(board, with_map(board)) as body:
        body["points"] *= 2


@tampered("maps", "id must be less than or equal to 1", MAP)
def more_right_than_asked(board: Board) -> None:
    _world(board, id=7.0)


@tampered("maps", "ood must be greater than or equal to 0", MAP)
def fewer_right_than_none(board: Board) -> None:
    _world(board, ood=-3.0)


@tampered("maps", "runs come from an uncommitted working tree", MAP)
def a_map_from_an_uncommitted_tree(board: Board) -> None:
    _world(board, dirty=True)


@tampered("maps", "did not answer all test items", MAP)
def a_map_of_a_few_questions(board: Board) -> None:
    _world(board, is_full=False)


@tampered("maps", "points must not be empty", MAP)
def a_map_of_nothing(board: Board) -> None:
    with edited(board, with_map(board)) as body:
        body["points"] = []


@tampered("maps", "key 'schema' stands there twice", MAP)
def a_map_with_two_schemas(board: Board) -> None:
    twice(board, with_map(board))


@tampered("maps", "bytes, and is not read", MAP)
def a_map_too_large(board: Board) -> None:
    _world(board, command="x" * MOST_BYTES)
