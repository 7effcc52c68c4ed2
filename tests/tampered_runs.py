"""Ways to tamper with whose run a record is: its origin, its questions, its twins.

The ledger and all hashes are made right again.
"""

import re
from collections.abc import Mapping
from pathlib import Path

from leaderboard.store.files import file_sha256
from leaderboard.store.record import Record
from leaderboard.store.trials import SCHEMA, Trial, Trials
from tests.tampered import OTHER, PUBLISHED, SECOND, SET, STUDENT, TRACK, Board, tampered

FOURTH = f"{TRACK}/std_cot/seed3.json"

# ---------------------------------------------------------------- whose run it is


@tampered("provenance", "provenance.commit None")
def a_commit_left_out(board: Board) -> None:
    with board.edited() as body:
        del body["provenance"]["commit"]


@tampered("provenance", "provenance.dirty None")
def silence_on_an_uncommitted_tree(board: Board) -> None:
    with board.edited() as body:
        del body["provenance"]["dirty"]


@tampered("provenance", "provenance.dirty 1")
def a_number_for_a_tree(board: Board) -> None:
    with board.edited() as body:
        body["provenance"]["dirty"] = 1


@tampered("provenance", "provenance.date '2026-02-30'")
def a_day_that_never_was(board: Board) -> None:
    with board.edited() as body:
        body["provenance"]["date"] = "2026-02-30"


@tampered("provenance", "null alone")
def a_commit_that_nobody_knows(board: Board) -> None:
    with board.edited() as body:
        body["provenance"]["commit"] = None


@tampered("provenance", "names no python")
def versions_left_out(board: Board) -> None:
    with board.edited() as body:
        body["provenance"]["versions"] = {}


@tampered("provenance", "reference 'kard', in its snapshot 'std_cot'")
def another_reference(board: Board) -> None:
    with board.edited() as body:
        body["reference"] = "kard"


@tampered("provenance", "reference 'mine'")
def a_reference_that_the_track_does_not_have(board: Board) -> None:
    with board.edited() as body:
        body["reference"] = body["snapshot"]["track"]["reference"] = "mine"


@tampered("coverage", "other reference than most")
def another_reference_in_the_snapshot_as_well(board: Board) -> None:
    with board.edited() as body:
        body["reference"] = body["snapshot"]["track"]["reference"] = "kard"


@tampered("provenance", "method 'kard' under label 'std_cot'")
def another_method(board: Board) -> None:
    with board.edited() as body:
        body["method"] = "kard"


@tampered("provenance", "snapshot.method.restarts", f"{TRACK}/std_cot[restarts=3]/seed0.json")
def another_label_than_its_fields(board: Board) -> None:
    place = f"{TRACK}/std_cot[restarts=3]/seed0.json"
    board.move(STUDENT, place)
    with board.edited(place) as body:
        body["label"] = "std_cot[restarts=3]"


@tampered("provenance", "with settings of its own", f"{TRACK}/mine/seed0.json")
def a_row_that_says_it_tuned_another(board: Board) -> None:
    place = f"{TRACK}/mine/seed0.json"
    board.move(OTHER, place)
    with board.edited(place) as body:
        body["label"] = "mine"
        body["snapshot"]["own"] = {"of": "std_cot", "name": "tuned", "settings": {}}


@tampered("provenance", "with settings of its own")
def settings_of_nobody(board: Board) -> None:
    with board.edited() as body:
        body["snapshot"]["own"] = {"settings": {}}


@tampered("provenance", "with settings of its own", f"{TRACK}/std_cot+mine/seed0.json")
def a_second_row_of_settings(board: Board) -> None:
    """Which the table would be held against."""
    place = f"{TRACK}/std_cot+mine/seed0.json"
    board.move(as_tuned(board, learning_rate=0.009), place)
    with board.edited(place) as body:
        body["label"], body["snapshot"]["own"]["name"] = "std_cot+mine", "mine"


@tampered("provenance", "snapshot.method .*'rationales': 9.* should be .*'rationales': 1")
def a_field_that_the_label_does_not_name(board: Board) -> None:
    with board.edited() as body:
        body["snapshot"]["method"]["rationales"] = 9


@tampered("provenance", "snapshot.method 'x'")
def no_fields(board: Board) -> None:
    with board.edited() as body:
        body["snapshot"]["method"] = "x"


@tampered("provenance", "snapshot.restarts 3; should be 0")
def restarts_that_the_label_does_not_name(board: Board) -> None:
    with board.edited() as body:
        body["snapshot"]["restarts"] = 3


@tampered("provenance", "without settings of its own", f"{TRACK}/std_cot+best/seed0.json")
def a_row_of_a_run_that_nobody_tuned(board: Board) -> None:
    place = f"{TRACK}/std_cot+best/seed0.json"
    board.move(STUDENT, place)
    with board.edited(place) as body:
        body["label"] = "std_cot+best"


@tampered("provenance", "upper_bound false under label .* should be true", "few_shot")
def an_upper_bound_that_does_not_say_so(board: Board) -> None:
    place = "v2/pocket/few_shot[knowledge=all]/seed0.json"
    board.copy(str(PUBLISHED / place), place)
    with board.edited(place) as body:
        del body["snapshot"]["upper_bound"]


@tampered("provenance", "upper_bound true under label 'std_cot'; should be false")
def a_row_that_takes_no_place(board: Board) -> None:
    with board.edited() as body:
        body["snapshot"]["upper_bound"] = True


@tampered("provenance", "skewed true under label 'std_cot'; should be false")
def a_prompt_called_skewed(board: Board) -> None:
    with board.edited() as body:
        body["skewed"] = True


@tampered("provenance", "skewed false under label .* should be true", "as_released")
def a_skewed_prompt_that_does_not_say_so(board: Board) -> None:
    place = "v2/pocket/cascod[as_released=true]/seed0.json"
    board.copy(str(PUBLISHED / place), place)
    with board.edited(place) as body:
        body["skewed"] = False


@tampered("provenance", "has no field 'mine'", "few_shot")
def a_label_that_no_method_here_has(board: Board) -> None:
    place = "v2/pocket/few_shot[knowledge=all]/seed0.json"
    board.copy(str(PUBLISHED / place), to := place.replace("]", ",mine=1]"))
    with board.edited(to) as body:
        body["label"] = body["label"].replace("]", ",mine=1]")


@tampered("form", "method must match")
def a_method_that_no_file_can_have(board: Board) -> None:
    with board.edited() as body:
        body["method"] = "std cot"


@tampered("provenance", "is more to a shell than its words")
def a_command_with_another_behind_it(board: Board) -> None:
    with board.edited() as body:
        body["provenance"]["command"] += "; rm -r ."


@tampered("provenance", "makes another run")
def the_command_of_another_run(board: Board) -> None:
    with board.edited() as body:
        body["provenance"]["command"] = "skbench run pocket-100 --methods kard --seeds 0"


@tampered("provenance", "makes another run")
def the_command_of_fewer_questions(board: Board) -> None:
    with board.edited() as body:
        body["provenance"]["command"] += " --limit 5"


@tampered("provenance", "makes another run")
def the_command_of_another_verb(board: Board) -> None:
    with board.edited() as body:
        command = body["provenance"]["command"]
        body["provenance"]["command"] = command.replace("skbench run", "skbench plan")


@tampered("provenance", "makes another run", f"{TRACK}/std_cot+tuned")
def the_command_of_the_untuned_row(board: Board) -> None:
    with board.edited(as_tuned(board, learning_rate=0.009)) as body:
        command = body["provenance"]["command"]
        body["provenance"]["command"] = command.removesuffix(" --tuned")


@tampered("provenance", "contamination")
def an_overlap_of_no_share(board: Board) -> None:
    with board.edited() as body:
        found = {"shared_13gram": "none", "equal_questions": 0.0, "may_be_known_to": []}
        body["provenance"]["contamination"] = {SET: found}


@tampered("provenance", "contamination of elsewhere")
def an_overlap_of_another_data_set(board: Board) -> None:
    with board.edited() as body:
        found = {"shared_13gram": 0.0, "equal_questions": 0.0, "may_be_known_to": []}
        body["provenance"]["contamination"] = {"elsewhere": found}


# ---------------------------------------------------------------- the questions of the track


@tampered("coverage", f"lacks data set {SET}")
def a_data_set_lost(board: Board) -> None:
    with board.edited() as body:
        del body["data_sets"][SET]


@tampered("coverage", "has data set another")
def a_data_set_too_many(board: Board) -> None:
    with board.edited() as body:
        body["data_sets"]["another"] = body["data_sets"][SET]


@tampered("coverage", "is of group ood")
def a_hard_data_set_called_out_of_domain(board: Board) -> None:
    with board.data_set() as found:
        found["group"] = "ood"


@tampered("coverage", f"{SET}: other items than most")
def an_item_lost(board: Board) -> None:
    with board.data_set() as found:
        n = found["strict"].index(0)
        for column in found.values():
            if isinstance(column, list) and column:
                del column[n]


@tampered("coverage", f"{SET}: other items than most")
def other_questions_under_the_same_names(board: Board) -> None:
    with board.data_set() as found:
        found["items_sha256"] = "0" * 64


@tampered("coverage", f"{SET}: other items, .*than its questions have elsewhere", "pocket-tokens")
def clusters_that_other_tracks_do_not_know(board: Board) -> None:
    """By a table of one row, which has no other to be held against."""
    place = "v2/pocket-tokens/std_cot/seed0.json"
    board.copy(str(PUBLISHED / place), place)
    with board.data_set(place) as found:
        found["clusters"] = ["one"] * len(found["items"])


@tampered("coverage", "64 hexadecimal digits")
def no_hash_of_the_questions(board: Board) -> None:
    with board.data_set() as found:
        found["items_sha256"] = "as usual"


@tampered("coverage", f"{SET} has no items")
def a_data_set_emptied(board: Board) -> None:
    with board.data_set() as found:
        found |= {name: [] for name, column in found.items() if isinstance(column, list)}


@tampered("coverage", "other settings than most")
def other_settings(board: Board) -> None:
    with board.edited() as body:
        body["snapshot"]["track"]["training"]["lora_rank"] = 64


@tampered("coverage", "other corpus_sha256 than most")
def another_corpus(board: Board) -> None:
    with board.edited() as body:
        body["provenance"]["corpus_sha256"] = "0" * 64


@tampered("coverage", "other student_sha256 than most")
def another_student(board: Board) -> None:
    with board.edited() as body:
        body["provenance"]["student_sha256"] = "0" * 64


@tampered("coverage", "other settings than most", FOURTH)
def moved_to_a_newer_suite(board: Board) -> None:
    """With the version and the seed of its new place."""
    board.copy(str(PUBLISHED / "v1/pocket-100/std_cot/seed0.json"), FOURTH)
    with board.edited(FOURTH) as body:
        body["snapshot"]["track"]["version"] = 2
        _as_seed_3(body)


# ---------------------------------------------------------------- one run filed twice


def _as_seed_3(body: dict) -> None:
    body["seed"] = 3
    command = re.sub(r"--seeds \d+", "--seeds 3", body["provenance"]["command"])
    body["provenance"]["command"] = command


def _again(board: Board, **of_provenance: str) -> None:
    """The run of seed 0 as that of seed 3."""
    board.copy(STUDENT, FOURTH)
    with board.edited(FOURTH) as body:
        _as_seed_3(body)
        body["provenance"] |= of_provenance


@tampered("twins", "has provenance.key of", FOURTH)
def the_same_run_as_a_fourth_seed(board: Board) -> None:
    _again(board)


@tampered("twins", "has all outcomes and token counts of", FOURTH)
def the_same_run_under_another_key(board: Board) -> None:
    _again(board, key="1" * 64, train_key="2" * 64)
    with board.edited(FOURTH) as body:
        body["training"]["loss_curve"][0] += 0.001


@tampered("twins", r"has 99.9% of its answers.* of", FOURTH)
def the_same_run_with_another_answer(board: Board) -> None:
    """Under other keys, with losses a little higher."""
    _again(board, key="1" * 64, train_key="2" * 64)
    with board.edited(FOURTH) as body:
        body["training"]["loss_curve"] = [1.1 * loss for loss in body["training"]["loss_curve"]]
        body["data_sets"][SET]["generated_tokens"][0] += 1


@tampered("twins", "has nearly the loss curve of", SECOND)
def nearly_the_loss_curve_of_another_seed(board: Board) -> None:
    with board.edited(STUDENT) as body:
        curve = body["training"]["loss_curve"]
    with board.edited(SECOND) as body:
        body["training"]["loss_curve"] = [loss + 1e-5 for loss in curve]


def trials_of(board: Board, *tried: Mapping[str, float]) -> Path:
    """The file of trials of std_cot, of which the first was the best."""
    version, track = TRACK.split("/")
    sets = Record.load(board.root / STUDENT).data_sets
    asked = {name: "sha256" for name, each in sets.items() if each.group == "id"}
    trials = [
        Trial(settings, {name: [float(number == 0)] for name in asked}, asked, {"dirty": False})
        for number, settings in enumerate(tried)
    ]
    path = board.root.parent / "trials" / version / track / "std_cot.json"
    Trials(SCHEMA, track, int(version[1:]), "std_cot", 0, trials).save(path)
    return path


@tampered("trials", "no trials", f"{TRACK}/std_cot+tuned")
def trials_that_are_lost(board: Board) -> None:
    as_tuned(board, learning_rate=0.009)
    trials_of(board, {"learning_rate": 0.009}).unlink()


@tampered("trials", "another file than chose its settings", f"{TRACK}/std_cot+tuned")
def trials_that_were_added_later(board: Board) -> None:
    as_tuned(board, learning_rate=0.009)
    trials_of(board, {"learning_rate": 0.009}, {"learning_rate": 0.027})


@tampered("trials", "settings .*0.027.* should be .*0.009", f"{TRACK}/std_cot+tuned")
def settings_that_no_trial_chose(board: Board) -> None:
    place = as_tuned(board, learning_rate=0.009)
    with board.edited(place) as body:
        body["snapshot"]["own"]["settings"] = {"learning_rate": 0.027}


@tampered("trials", "not valid|expected|should be what", f"{TRACK}/std_cot+tuned")
def trials_that_nobody_can_read(board: Board) -> None:
    place = as_tuned(board, learning_rate=0.009)
    path = trials_of(board, {"learning_rate": 0.009})
    path.write_text("{}")
    with board.edited(place) as body:
        body["snapshot"]["own"]["trials_sha256"] = file_sha256(path)


def as_tuned(board: Board, **chosen: float) -> str:
    """The run of seed 0 once more, as that of a row whose trials chose these settings."""
    place = f"{TRACK}/std_cot+tuned/seed0.json"
    board.copy(STUDENT, place)
    with board.edited(place) as body:
        body["label"] = "std_cot+tuned"
        own = {"of": "std_cot", "name": "tuned", "settings": chosen}
        body["snapshot"]["own"] = own | {"trials_sha256": file_sha256(trials_of(board, chosen))}
        body["provenance"] |= {"key": "1" * 64, "train_key": "2" * 64}
        body["provenance"]["command"] += " --tuned"
    return place


@tampered("twins", "has all outcomes and token counts of", f"{TRACK}/std_cot")
def the_same_run_at_settings_that_were_not_the_track_s(board: Board) -> None:
    as_tuned(board, learning_rate=0.009)


@tampered("twins", "has provenance.train_key of", FOURTH)
def the_same_training_with_a_few_other_answers(board: Board) -> None:
    _again(board, key="1" * 64)
    with board.edited(FOURTH) as body:
        body["training"]["loss_curve"][0] += 0.001
        body["data_sets"][SET]["generated_tokens"][0] = body["data_sets"][SET]["n_calls"][0]


@tampered("twins", "has nearly the loss curve of .*other seeds draw other batches", SECOND)
def the_loss_curve_of_another_seed(board: Board) -> None:
    _curve_of(board, STUDENT, SECOND)


@tampered("twins", "has the loss curve of .*the same training", STUDENT)
def the_loss_curve_of_another_row(board: Board) -> None:
    _curve_of(board, OTHER, STUDENT)


def _curve_of(board: Board, src: str, dest: str) -> None:
    with board.edited(src) as body:
        curve = body["training"]["loss_curve"]
    with board.edited(dest) as body:
        body["training"]["loss_curve"] = curve
