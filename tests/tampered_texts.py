"""Ways to come by texts that no student wrote for the run, and to tell of a run that never was.

The ledger and all hashes are made right again.
"""

import json
import lzma
from collections.abc import Callable
from typing import Any

from leaderboard.store.ledger import generations_of
from leaderboard.store.record import Record
from tests.tampered import (
    SECOND,
    STUDENT,
    THIRD,
    TRACK,
    Board,
    tampered,
    texts_of,
)
from tests.tampered_facts import TRIALS, edited, with_trials

ELSEWHERE = "v2/elsewhere/std_cot/seed0.json"
NEWER = STUDENT.replace("v2/", "v3/")


def _packed(board: Board, place: str, body: Any) -> None:
    path = generations_of(board.root, place)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(lzma.compress(body if isinstance(body, bytes) else json.dumps(body).encode()))


def _texts(board: Board, place: str) -> dict[str, Any]:
    return texts_of(Record.load(board.root / place))


# ---------------------------------------------------------------- texts of others


@tampered(
    "copies", f"has 100.0% of its wrong answers, to the letter, from records/{STUDENT}", THIRD
)
def the_texts_of_another_seed(board: Board) -> None:
    _packed(board, THIRD, _texts(board, STUDENT) | {"seed": 2})


@tampered("copies", "has 100.0% of its wrong answers, .* from other seeds of std_cot", THIRD)
def the_best_that_two_other_seeds_wrote(board: Board) -> None:
    one, other = (_texts(board, place)["data_sets"] for place in (STUDENT, SECOND))
    best = {name: [max(pair) for pair in zip(one[name], other[name], strict=True)] for name in one}
    _packed(board, THIRD, _texts(board, THIRD) | {"data_sets": best})


@tampered("copies", f"wrong answers, to the letter, from records/{ELSEWHERE}", STUDENT)
def the_texts_of_a_training_on_another_track(board: Board) -> None:
    board.copy(STUDENT, ELSEWHERE)
    with board.edited(ELSEWHERE) as body:
        body["track"] = body["snapshot"]["track"]["name"] = "elsewhere"
        body["training"]["tokens"] *= 2
    _packed(board, ELSEWHERE, _texts(board, STUDENT) | {"track": "elsewhere"})


@tampered("generations", "holds lists of something else than texts", f"generations/{STUDENT}.xz")
def texts_that_are_heavy_to_read(board: Board) -> None:
    of = {**_texts(board, STUDENT), "data_sets": {}}
    head = json.dumps(of).removesuffix("{}}").encode()
    _packed(board, STUDENT, head + b'{"pocket_chain":[' + b",".join([b"{}"] * 5000) + b"]}}")


# ---------------------------------------------------------------- runs that never were


@tampered("provenance", "version 3 of pocket-100; should be 2 at the most", NEWER)
def a_version_that_the_track_does_not_have(board: Board) -> None:
    board.copy(STUDENT, NEWER)
    with board.edited(NEWER) as body:
        body["snapshot"]["track"]["version"] = 3


@tampered("provenance", "a name that is not mistaken for pocket-100", "Pocket_100")
def a_track_that_looks_like_another(board: Board) -> None:
    place = STUDENT.replace("pocket-100", "Pocket_100")
    board.copy(STUDENT, place)
    with board.edited(place) as body:
        body["track"] = body["snapshot"]["track"]["name"] = "Pocket_100"


def _commanded(words: str) -> Callable[[Board], None]:
    def attack(board: Board) -> None:
        with board.edited() as body:
            body["provenance"]["command"] = words

    attack.__name__ = f"commanded_by_{words}"
    return attack


_RUN = "skbench run pocket-100 --methods std_cot --seeds 0"
for _words in (
    f"{_RUN} --seeds=5",
    f"{_RUN} --limit=5",
    f"{_RUN} --lim 5",
    f"{_RUN} --split=dev",
    f"{_RUN} --set std_cot.restarts=9",
    f"{_RUN} --trust-task-code",
    "skbench run pocket-100 --trust-task-code --methods std_cot --seeds 0",
    "skbench run",
):
    tampered("provenance", "makes another run")(_commanded(_words))
tampered("provenance", "of a built-in track")(_commanded(_RUN.replace("pocket-100", "./evil.toml")))


@tampered("provenance", "should be a line of text")
def a_commit_with_a_line_break(board: Board) -> None:
    with board.edited() as body:
        body["provenance"]["commit"] += "\n"


@tampered("coverage", "should be one table", f"records/{TRACK}:")
def a_setting_that_parts_the_rows_of_a_table(board: Board) -> None:
    for place, path in ((STUDENT, "/etc"), (SECOND, "elsewhere")):
        with board.edited(place) as body:
            body["snapshot"]["track"]["reranker"] = {"path": path}


@tampered("tried", "learning_rate 1e.308; should be above 0", TRIALS)
def a_rate_that_nobody_can_train_at(board: Board) -> None:
    with edited(board, with_trials(board)) as body:
        body["trials"][0]["settings"]["learning_rate"] = 1e308


@tampered("tried", "another number of questions than the first", TRIALS)
def a_trial_on_a_question_more(board: Board) -> None:
    with edited(board, with_trials(board)) as body:
        outcomes = body["trials"][1]["outcomes"]
        outcomes |= {name: [*of, 1.0] for name, of in outcomes.items()}
