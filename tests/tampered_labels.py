"""Ways to tamper with what runs share: a label its budget, a track its options and grades.

The ledger and all hashes are made right again.
"""

from collections.abc import Callable

from tests.tampered import (
    CSQA,
    GRADED,
    KARD,
    OTHER,
    PUBLISHED,
    SET,
    STUDENT,
    TRACK,
    UNTRAINED,
    Board,
    tampered,
)

# ---------------------------------------------------------------- what runs of one label share


def _of_training(name: str, value: object, place: str = STUDENT) -> Callable[[Board], None]:
    def attack(board: Board) -> None:
        with board.edited(place) as body:
            body["training"][name] = value

    attack.__name__ = f"another_{name}_than_the_label_s_other_runs"
    return attack


for _name, _value in {
    "n_examples": 200,
    "teacher_tokens": 0,
    "teacher_flops": 10**9,
    "helper_flops": 10**9,
    "written_tokens": 10**4,
    "kept_ratio": [1.0],
}.items():
    tampered("labels", rf"training\.{_name}: .* in most runs of std_cot")(
        _of_training(_name, _value)
    )
tampered("labels", "training.dropped_demos a step .*, runs of std_cot")(
    _of_training("dropped_demos", 10**6)
)


@tampered("labels", "training.tokens .*, runs of std_cot from")
def fewer_tokens_than_the_other_seeds(board: Board) -> None:
    with board.edited() as body:
        body["training"]["tokens"] = body["training"]["tokens"] * 4 // 5


@tampered("labels", "training.skipped_examples a step .*, runs of std_cot", "csqa/std_cot/seed")
def more_examples_left_out_than_by_another_seed(board: Board) -> None:
    for place in (CSQA, CSQA.replace("seed0", "seed1")):
        board.copy(str(PUBLISHED / place), place)
    with board.edited(CSQA) as body:
        body["training"]["skipped_examples"] = 2 * body["training"]["n_steps"]


@tampered("labels", "training.kept_ratio .*, runs of skintern from", f"{TRACK}/skintern/seed")
def knowledge_that_was_kept(board: Board) -> None:
    place = OTHER.replace("seed0", "seed1")
    board.copy(str(PUBLISHED / place), place)
    with board.edited(place) as body:
        body["training"]["kept_ratio"] = [1.0, 0.9, 0.5, 0.0]


@tampered("labels", "prompt_tokens of all questions .*, runs of std_cot from")
def prompts_a_quarter_shorter(board: Board) -> None:
    with board.edited() as body:
        for each in body["data_sets"].values():
            each["prompt_tokens"] = [n * 3 // 4 for n in each["prompt_tokens"]]


@tampered("labels", "helper_flops of all questions: 100, in most runs of std_cot 0")
def a_helper_of_one_seed(board: Board) -> None:
    with board.data_set() as found:
        found["helper_flops"] = [1] * len(found["items"])


@tampered("labels", "retrieval_recall .*, runs of kard from", f"{TRACK}/kard/seed")
def more_passages_found_than_by_another_seed(board: Board) -> None:
    with board.edited(_second_of_kard(board)) as body:
        body["retrieval_recall"] = 1.0


@tampered("labels", "any retrieval_recall: false, in most runs of kard true", f"{TRACK}/kard/seed")
def passages_found_that_are_not_told(board: Board) -> None:
    place = _second_of_kard(board)
    third = place.replace("seed1", "seed2")
    board.copy(str(PUBLISHED / third), third)
    with board.edited(place) as body:
        body["retrieval_recall"] = None


def _second_of_kard(board: Board) -> str:
    place = KARD.replace("seed0", "seed1")
    board.copy(str(PUBLISHED / place), place)
    return place


@tampered("provenance", "retrieval_recall 0.9 .* null: it retrieves nothing")
def passages_found_where_none_are_looked_for(board: Board) -> None:
    with board.edited() as body:
        body["retrieval_recall"] = 0.9


# ---------------------------------------------------------------- columns that are shown beside


@tampered("outcomes", "no such prompt: decoding.overflow is 'error'")
def a_prompt_too_long_where_that_ends_a_run(board: Board) -> None:
    with board.data_set() as found:
        for name in ("strict", "author", "flexible"):
            found[name][0] = 0
        found["overflow"][0] = found["failed"][0] = 1


@tampered("outcomes", "ranked by log-likelihood, in a row that trains")
def options_ranked_by_a_trained_student(board: Board) -> None:
    with board.data_set() as found:
        _all_ranked_right(found)


@tampered("coverage", "other n_options than most", UNTRAINED)
def other_options_ranked(board: Board) -> None:
    for label in ("few_shot/seed0", "few_shot/seed1"):
        board.copy(str(PUBLISHED / TRACK / f"{label}.json"), f"{TRACK}/{label}.json")
    with board.data_set(UNTRAINED, "pocket_comp") as found:
        _all_ranked_right(found)


def _all_ranked_right(found: dict[str, list[int]]) -> None:
    n = len(found["items"])
    found |= {"n_options": [5] * n, "loglikelihood_acc": [1] * n, "loglikelihood_acc_norm": [1] * n}


@tampered("coverage", r"bleu_2 outside of \[0, 1\]", GRADED[0])
def grades_beyond_all_measure(board: Board) -> None:
    for place in GRADED:
        board.copy(str(PUBLISHED / place), place)
    with board.data_set(GRADED[0], "skb_atomic") as found:
        found["graded"]["bleu_2"][0] = 1e9


@tampered("coverage", "other contamination than most")
def an_overlap_that_nobody_else_tells(board: Board) -> None:
    with board.edited() as body:
        found = {"shared_13gram": 0.0, "equal_questions": 0.0, "may_be_known_to": []}
        body["provenance"]["contamination"] = {SET: found}
