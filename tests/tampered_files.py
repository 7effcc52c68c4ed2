"""Ways to tamper with a board's files: places, texts, and the ledger itself."""

import json
import lzma
import shutil
from dataclasses import asdict, replace

from leaderboard.store.files import file_sha256, write_once
from leaderboard.store.ledger import Event, generations_of, ledger_of
from leaderboard.store.record import Record
from leaderboard.store.reruns import rerun
from leaderboard.store.studies import Run, Study, publish_study
from tests.tampered import (
    EXTRACTORS,
    OTHER,
    SECOND,
    SET,
    STUDENT,
    THIRD,
    TRACK,
    UNTRAINED,
    Board,
    event,
    tampered,
    with_event,
)

FOREIGN = f"{TRACK}/kard/seed7.json"
MOVED = "v1/pocket-100/std_cot/seed0.json"
TEXTS = f"generations/{STUDENT}.xz"
RERUN = f"reruns/{TRACK}/std_cot/seed0-1.json"
TELLING = ("commit", "dirty", "date", "command", "device", "precision", "versions")


def _all_right(board: Board, place: str = STUDENT) -> None:
    """As a thoughtful attacker does it: found by every extractor."""
    with board.data_set(place) as found:
        n = len(found["items"])
        found |= {"strict": [1] * n, "author": [1] * n, "flexible": [1] * n, "failed": [0] * n}


# ---------------------------------------------------------------- places


@tampered("place", f"holds the record of {STUDENT}", FOREIGN)
def a_record_in_the_folder_of_another_row(board: Board) -> None:
    board.copy(STUDENT, FOREIGN)


@tampered("place", f"holds the record of {STUDENT}", MOVED)
def a_record_in_another_suite(board: Board) -> None:
    board.move(STUDENT, MOVED)


@tampered("place", "is a symbolic link", f"{TRACK}/std_cot/seed4.json")
def a_link_to_elsewhere(board: Board) -> None:
    (board.root / TRACK / "std_cot" / "seed4.json").symlink_to("/etc/passwd")


@tampered("place", "is a symbolic link", "v3")
def a_suite_that_is_a_link(board: Board) -> None:
    (board.root / "v3").symlink_to(board.root / "v2")


@tampered("place", "is no record's place", f"{TRACK}/std_cot/seed0.json.bak")
def a_file_that_is_no_record(board: Board) -> None:
    board.copy(STUDENT, f"{STUDENT}.bak")


@tampered("place", "of all published test items")
def a_record_on_other_items(board: Board) -> None:
    with board.edited() as body:
        body["scope"]["world"] = 3


@tampered("place", "trained elsewhere")
def a_checkpoint_of_unknown_training(board: Board) -> None:
    with board.edited() as body:
        body["snapshot"]["checkpoint"] = {"path": "mine"}


# ---------------------------------------------------------------- what runs wrote


@tampered("generations", f"{SET}.strict: .* outcomes are not what was written")
def outcomes_set_to_right(board: Board) -> None:
    _all_right(board)


@tampered("generations", f"{SET}.strict: 2 outcomes are not what was written")
def outcomes_swapped(board: Board) -> None:
    with board.data_set() as found:
        a, b = found["strict"].index(1), found["strict"].index(0)
        for name in EXTRACTORS:
            found[name][a], found[name][b] = found[name][b], found[name][a]


@tampered("generations", r"of \('pocket-100', 'std_cot', 1\), beside a record of", TEXTS)
def texts_of_two_seeds_swapped(board: Board) -> None:
    one, other = (generations_of(board.root, place) for place in (STUDENT, SECOND))
    kept = one.read_bytes()
    one.write_bytes(other.read_bytes())
    other.write_bytes(kept)


@tampered("generations", f"{SET}.* outcomes are not what was written")
def texts_of_another_seed_under_a_false_name(board: Board) -> None:
    texts_of_two_seeds_swapped(board)
    with board.texts(STUDENT) as body:
        body["seed"] = 0


@tampered("generations", "solutions of .* and the record asked", TEXTS)
def a_text_lost(board: Board) -> None:
    with board.texts() as body:
        del body["data_sets"][SET][0]


@tampered("generations", "not JSON", TEXTS)
def texts_that_are_no_texts(board: Board) -> None:
    generations_of(board.root, STUDENT).write_bytes(lzma.compress(b"nothing"))


@tampered("generations", "is a link, a folder, or too large", TEXTS)
def texts_that_are_a_link(board: Board) -> None:
    path = generations_of(board.root, STUDENT)
    path.rename(path.with_suffix(".elsewhere"))
    path.symlink_to(path.with_suffix(".elsewhere"))


@tampered("generations", "goes with no record", f"generations/{TRACK}/std_cot/seed9.json.xz")
def texts_of_no_record(board: Board) -> None:
    path = generations_of(board.root, STUDENT)
    shutil.copy(path, path.with_name("seed9.json.xz"))


# ---------------------------------------------------------------- reruns and studies


def _run_again(board: Board, **changes: object) -> None:
    """A rerun of seed 0 in which all came out equal, and what is told otherwise."""
    path, record = board.root / STUDENT, Record.load(board.root / STUDENT)
    again = replace(record, provenance=record.provenance | {"dirty": False})
    found = replace(rerun(path, record, again, is_inside=True), **changes)
    write_once(board.root.parent / RERUN, asdict(found), "rerun")


@tampered("reruns", f"repeats another record than {STUDENT}", RERUN)
def a_rerun_of_another_record(board: Board) -> None:
    _run_again(board, record_sha256="0" * 64)


@tampered("reruns", "n 1000000; should be ", RERUN)
def a_rerun_of_more_questions(board: Board) -> None:
    _run_again(board, n=1_000_000)


@tampered("reruns", "flips 100000; should be ", RERUN)
def more_flips_than_questions(board: Board) -> None:
    _run_again(board, flips=100_000)


@tampered("reruns", "loss 0.1; should be ", RERUN)
def a_rerun_that_makes_its_loss_the_record_s(board: Board) -> None:
    _run_again(board, loss=0.1, loss_again=0.1)


@tampered("reruns", "is_same_device False; should be True", RERUN)
def the_same_machine_as_another(board: Board) -> None:
    _run_again(board, is_same_device=False)


@tampered("reruns", "is_inside False; should be True", RERUN)
def no_flip_and_yet_outside(board: Board) -> None:
    _run_again(board, is_inside=False)


@tampered("reruns", "'dirty': True.*; should be .*'dirty': False", RERUN)
def a_rerun_from_an_uncommitted_tree(board: Board) -> None:
    record = Record.load(board.root / STUDENT)
    _run_again(board, again={k: record.provenance.get(k) for k in TELLING} | {"dirty": True})


@tampered("studies", "long/std_cot.tuned seed 0: trials/.*: no trials", "studies/v2/why.json")
def a_study_whose_trials_are_lost(board: Board) -> None:
    own = ({"learning_rate": 0.009}, "0" * 64)
    run = Run("long/std_cot+tuned", 0, {SET: "01"}, *own, {"dirty": False})
    found = Study(1, "why", "pocket-100", 15, {SET: "id"}, {SET: "sha256"}, [run])
    publish_study(found, board.root.parent / "studies" / "v2")


# ---------------------------------------------------------------- the ledger


@tampered("ledger", "has sha256", refile=False)
def a_record_alone(board: Board) -> None:
    _all_right(board)


@tampered("ledger", "has sha256", TEXTS, refile=False)
def a_record_and_its_texts(board: Board) -> None:
    _all_right(board)
    with board.texts() as body:
        body["data_sets"][SET] = ["1110"] * len(body["data_sets"][SET])


@tampered("ledger", "has no event in the ledger", f"{TRACK}/kard/seed1.json", refile=False)
def a_record_without_an_event(board: Board) -> None:
    board.copy(f"{TRACK}/kard/seed0.json", f"{TRACK}/kard/seed1.json")


@tampered("ledger", "is filed, and not there", THIRD, refile=False)
def a_record_lost(board: Board) -> None:
    (board.root / THIRD).unlink()


@tampered("ledger", "is not there", "ledger.jsonl", refile=False)
def no_ledger(board: Board) -> None:
    ledger_of(board.root).unlink()


@tampered("ledger", "line 2: has number 3", "ledger.jsonl", refile=False)
def a_line_lost(board: Board) -> None:
    with board.lines() as lines:
        del lines[1]


@tampered("ledger", "line 1: names .* as the line before", "ledger.jsonl", refile=False)
def the_first_lines_lost_and_the_others_numbered_anew(board: Board) -> None:
    with board.lines() as lines:
        told = [event(line) for line in lines[1:]]
        again = [replace(each, number=n) for n, each in enumerate(told, 1)]
        lines[:] = [json.dumps({k: getattr(e, k) for k in Event.__slots__}) for e in again]


@tampered("ledger", "line 1: has number 2", "ledger.jsonl", refile=False)
def lines_in_another_order(board: Board) -> None:
    with board.lines() as lines:
        lines[0], lines[1] = lines[1], lines[0]


@tampered("ledger", "unknown key 'by'", "ledger.jsonl", refile=False)
def a_line_that_says_more(board: Board) -> None:
    with board.lines() as lines:
        lines[-1] = lines[-1].replace("{", '{"by": "me", ', 1)


@tampered("ledger", f"files {UNTRAINED}, which is filed", "ledger.jsonl", refile=False)
def a_changed_record_filed_again(board: Board) -> None:
    _all_right(board, UNTRAINED)
    with_event(board, UNTRAINED, sha256=file_sha256(board.root / UNTRAINED))


@tampered("ledger", "scored anew without generations", "ledger.jsonl", refile=False)
def a_changed_record_as_if_scored_anew(board: Board) -> None:
    _all_right(board, UNTRAINED)
    with_event(board, UNTRAINED, event="rescore", sha256=file_sha256(board.root / UNTRAINED))


@tampered("ledger", "from texts that were not kept before", "ledger.jsonl", refile=False)
def a_changed_record_with_texts_made_up_for_it(board: Board) -> None:
    _all_right(board, UNTRAINED)
    path = generations_of(board.root, UNTRAINED)
    path.parent.mkdir(parents=True)
    path.write_bytes(b"x")
    told = {"sha256": file_sha256(board.root / UNTRAINED), "generations": "4" * 64}
    with_event(board, UNTRAINED, event="rescore", **told)


@tampered("ledger", "from other texts than were filed", "ledger.jsonl", refile=False)
def texts_replaced_as_if_scored_anew(board: Board) -> None:
    with_event(board, STUDENT, event="rescore", generations="4" * 64)


@tampered("ledger", "which is not filed", "ledger.jsonl", refile=False)
def a_record_removed_twice(board: Board) -> None:
    (board.root / THIRD).unlink()
    with_event(board, THIRD, event="remove")
    with_event(board, THIRD, event="remove")


@tampered("ledger", f"removes {THIRD} with hash", "ledger.jsonl", refile=False)
def another_record_removed_than_was_filed(board: Board) -> None:
    (board.root / THIRD).unlink()
    with_event(board, THIRD, event="remove", sha256="5" * 64)


# ---------------------------------------------------------------- the base


@tampered("base", "since", OTHER)
def a_changed_record_in_a_ledger_written_anew(board: Board) -> None:
    _all_right(board, OTHER)


@tampered("base", "line 2: is not that of", "ledger.jsonl")
def a_record_taken_out_of_a_ledger_written_anew(board: Board) -> None:
    (board.root / OTHER).unlink()


@tampered("base", "was scored anew, and differs in more", refile=False)
def costs_changed_as_if_scored_anew(board: Board) -> None:
    with board.edited() as body:
        body["training"]["teacher_tokens"] = 1
    with_event(board, STUDENT, event="rescore", sha256=file_sha256(board.root / STUDENT))
