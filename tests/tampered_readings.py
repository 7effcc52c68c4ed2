"""Ways to tamper with studies, probes and reruns that are added, and with what readers trip over:
numbers without bound, keys told twice, folders, and what is no text."""

import lzma

from leaderboard.store.ledger import generations_of, ledger_of
from leaderboard.verify.reading import MOST_BYTES
from tests.tampered import OTHER, SET, STUDENT, TRACK, Board, tampered
from tests.tampered_facts import (
    PROBE,
    QUESTION,
    RERUN,
    STUDY,
    edited,
    twice,
    with_probe,
    with_question,
    with_rerun,
    with_study,
)

AGAIN = f"reruns/{TRACK}/std_cot/seed0-2.json"
TEXTS = f"generations/{STUDENT}.xz"
HUGE = 10**400

# ---------------------------------------------------------------- studies


@tampered("studies", "std_cot seed 1: provenance.dirty None; should be false", STUDY)
def a_run_of_a_study_of_unknown_code(board: Board) -> None:
    with edited(board, with_study(board)) as body:
        body["runs"][1]["provenance"] = {}


@tampered("studies", "has data sets .*; should be those of the track", STUDY)
def groups_of_a_study_swapped(board: Board) -> None:
    with edited(board, with_study(board)) as body:
        body["groups"][SET] = "ood"


@tampered("studies", "seed 1: has all outcomes of seed 0", STUDY)
def a_run_of_a_study_under_two_seeds(board: Board) -> None:
    with edited(board, with_study(board)) as body:
        body["runs"][1]["outcomes"] = body["runs"][0]["outcomes"]


@tampered("studies", "runs.0.row ", STUDY)
def a_row_longer_than_a_name_can_be(board: Board) -> None:
    with edited(board, with_study(board)) as body:
        body["runs"][0]["row"] = f"long/{'b' * 5000}+tuned"


@tampered("studies", "a track of .* characters; should be 100 at most", STUDY)
def a_point_longer_than_a_track_can_be(board: Board) -> None:
    with edited(board, with_study(board)) as body:
        body["runs"][0]["row"] = f"{'b' * 95}/std_cot+tuned"


@tampered("studies", "is a link or a folder", STUDY)
def a_folder_as_a_study(board: Board) -> None:
    (board.root.parent / STUDY).mkdir(parents=True)


@tampered("studies", "key 'schema' stands there twice", STUDY)
def a_study_with_two_schemas(board: Board) -> None:
    twice(board, with_study(board))


@tampered("studies", "bytes, and is not read", STUDY)
def a_study_too_large(board: Board) -> None:
    with edited(board, with_study(board)) as body:
        body["runs"][0]["provenance"]["x"] = "x" * MOST_BYTES


def _question(board: Board, old: str, new: str) -> None:
    path = board.root.parent / with_question(board)
    path.write_text(path.read_text().replace(old, new), encoding="latin-1")


@tampered("studies", "names no pair", QUESTION)
def a_rule_of_no_pair(board: Board) -> None:
    _question(board, 'pair = "A"', 'pair = "X"')


@tampered("studies", "codec can't decode", QUESTION)
def a_question_that_is_no_text(board: Board) -> None:
    _question(board, "Why?", "Wozu, für wen?")


@tampered("studies", "unknown key 'more'", QUESTION)
def a_question_of_a_date(board: Board) -> None:
    _question(board, 'about = "Why?"', "about = 2026-11-30\nmore = 1")


# ---------------------------------------------------------------- probes and reruns


@tampered("probes", f"holds the probe of {TRACK}/std_cot/seed0.json", "seed3.json")
def a_probe_of_another_seed(board: Board) -> None:
    path = board.root.parent / with_probe(board)
    path.rename(path.with_name("seed3.json"))


@tampered("probes", "must rise within 0 and 1", PROBE)
def a_probe_that_went_too_far(board: Board) -> None:
    with edited(board, with_probe(board)) as body:
        body["points"][1]["progress"] = 2.0


@tampered("probes", "key 'schema' stands there twice", PROBE)
def a_probe_with_two_schemas(board: Board) -> None:
    twice(board, with_probe(board))


@tampered("reruns", f"tells what {RERUN} tells", AGAIN, refile=False)
def a_rerun_counted_twice(board: Board) -> None:
    path = board.root.parent / with_rerun(board)
    path.with_name("seed0-2.json").write_bytes(path.read_bytes())


@tampered("reruns", "is a link or a folder", AGAIN)
def a_folder_as_a_rerun(board: Board) -> None:
    (board.root.parent / AGAIN).mkdir(parents=True)


@tampered("reruns", "key 'schema' stands there twice", RERUN, refile=False)
def a_rerun_with_two_schemas(board: Board) -> None:
    twice(board, with_rerun(board))


@tampered("reruns", "n must be less than or equal to", RERUN, refile=False)
def a_rerun_of_more_questions_than_were_ever_asked(board: Board) -> None:
    with edited(board, with_rerun(board)) as body:
        body["n"] = 10**16


# ---------------------------------------------------------------- numbers, texts and the ledger


@tampered("form", "training.tuning_trials must be less than or equal to 1000000000000000")
def more_trials_than_anybody_makes(board: Board) -> None:
    with board.edited() as body:
        body["training"]["tuning_trials"] = 10**16


@tampered("form", "holds a number of 401 digits, more than 31")
def a_budget_that_no_float_holds(board: Board) -> None:
    with board.edited() as body:
        body["snapshot"]["track"]["training"]["batch_size"] = HUGE


@tampered("coverage", "other settings than most", OTHER)
def a_budget_beyond_64_bits(board: Board) -> None:
    with board.edited(OTHER) as body:
        body["snapshot"]["track"]["decoding"]["max_new_tokens"] = 10**30


@tampered("generations", "is a link, a folder, or too large", TEXTS)
def a_folder_as_texts(board: Board) -> None:
    path = generations_of(board.root, STUDENT)
    path.unlink()
    path.mkdir()


@tampered("generations", "bytes after what xz packed", TEXTS)
def something_else_behind_the_texts(board: Board) -> None:
    path = generations_of(board.root, STUDENT)
    path.write_bytes(path.read_bytes() + b"<script>")


@tampered("generations", "key 'seed' stands there twice", TEXTS)
def texts_of_two_seeds(board: Board) -> None:
    path = generations_of(board.root, STUDENT)
    body = lzma.decompress(path.read_bytes())
    path.write_bytes(lzma.compress(body.replace(b"{", b'{"seed": 9, ', 1)))


@tampered("ledger", "key 'reason' stands there twice", "ledger.jsonl", refile=False)
def a_line_with_two_reasons(board: Board) -> None:
    with board.lines() as lines:
        lines[-1] = lines[-1].replace("{", '{"reason": "never removed", ', 1)


@tampered("ledger", "not UTF-8 .* should be lines of UTF-8", "ledger.jsonl", refile=False)
def a_ledger_that_is_no_text(board: Board) -> None:
    ledger_of(board.root).write_bytes(b"\xff\xfe\n")


@tampered("ledger", "names .* as the line before", "ledger.jsonl", refile=False)
def a_ledger_with_other_line_breaks(board: Board) -> None:
    path = ledger_of(board.root)
    path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))
