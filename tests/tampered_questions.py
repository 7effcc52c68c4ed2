"""Ways to tamper with what a record holds and what its questions cost.

The ledger and all hashes are made right again.
"""

from tests.tampered import KARD, SET, STUDENT, Board, tampered

# ---------------------------------------------------------------- what a record may hold


@tampered("form", "ttft_s_p50 .*3600")
def a_first_token_after_an_absurd_time(board: Board) -> None:
    with board.edited() as body:
        body["latency"]["ttft_s_p50"] = body["latency"]["ttft_s_p95"] = 1e9


@tampered("form", "NaN, which is no number")
def a_loss_that_is_no_number(board: Board) -> None:
    with board.edited() as body:
        body["training"]["loss_curve"][3] = float("nan")


@tampered("form", "Infinity, which is no number")
def an_infinite_setting(board: Board) -> None:
    with board.edited() as body:
        body["snapshot"]["track"]["training"]["learning_rate"] = float("inf")


@tampered("form", "prompt_tokens.* greater than or equal to 0")
def negative_tokens(board: Board) -> None:
    with board.data_set() as found:
        found["prompt_tokens"][0] = -11


@tampered("form", "n_examples .*1000000000000000")
def more_examples_than_a_float_can_count(board: Board) -> None:
    with board.edited() as body:
        body["training"]["n_examples"] = 10**20


@tampered("form", "label must match")
def a_script_in_the_label(board: Board) -> None:
    with board.edited() as body:
        body["label"] = "std_cot<script>alert(1)</script>"


@tampered("form", "track must match")
def a_path_in_the_track(board: Board) -> None:
    with board.edited() as body:
        body["track"] = "../../pocket"


@tampered("form", "label must match")
def a_control_character_in_the_label(board: Board) -> None:
    with board.edited() as body:
        body["label"] = "std_cot\x1b[2J"


@tampered("form", r"data_sets.*must match")
def markup_in_the_name_of_a_data_set(board: Board) -> None:
    with board.edited() as body:
        body["data_sets"]["x|y"] = body["data_sets"].pop(SET)


@tampered("form", "unknown key 'endorsed'")
def an_unknown_key(board: Board) -> None:
    with board.edited() as body:
        body["endorsed"] = True


@tampered("form", "strict has .* entries")
def an_item_lost_in_one_column(board: Board) -> None:
    with board.data_set() as found:
        del found["strict"][0]


@tampered("form", "this is of schema 2")
def an_older_schema_number_with_newer_keys(board: Board) -> None:
    with board.data_set() as found:
        found["graded"] = {"bleu_2": [0.5] * len(found["items"])}


@tampered("form", "'seed' stands there twice")
def a_key_told_twice(board: Board) -> None:
    path = board.root / STUDENT
    path.write_text(path.read_text().replace("{", '{"seed": 7,', 1))


@tampered("form", "nested too deeply|not JSON")
def endless_brackets(board: Board) -> None:
    (board.root / STUDENT).write_text("[" * 100_000)


@tampered("form", "not JSON")
def cut_off_in_the_middle(board: Board) -> None:
    path = board.root / STUDENT
    path.write_bytes(path.read_bytes()[:5000])


@tampered("form", "bytes, and is not read")
def a_huge_file(board: Board) -> None:
    with (board.root / STUDENT).open("ab") as file:
        file.write(b" " * 17 * 2**20)


# ---------------------------------------------------------------- outcomes and their costs


@tampered("outcomes", "an item twice")
def an_item_asked_twice(board: Board) -> None:
    with board.data_set() as found:
        found["items"][1] = found["items"][0]


@tampered("outcomes", "right, and failed")
def right_where_no_answer_was_found(board: Board) -> None:
    with board.data_set() as found:
        found["failed"][found["strict"].index(1)] = 1


@tampered("outcomes", "wrong by flexible")
def right_by_the_stricter_rule_alone(board: Board) -> None:
    with board.data_set() as found:
        found["strict"][found["flexible"].index(0)] = 1


@tampered("outcomes", "though its prompt did not fit")
def an_answer_to_a_prompt_that_did_not_fit(board: Board) -> None:
    with board.data_set() as found:
        found["overflow"][found["strict"].index(1)] = 1


@tampered("outcomes", "not zero together")
def tokens_without_a_call(board: Board) -> None:
    with board.data_set() as found:
        found["n_calls"][0] = 0
        found["overflow"][0] = found["failed"][0] = 1
        found["strict"][0] = found["author"][0] = found["flexible"][0] = 0


@tampered("outcomes", "fewer tokens written than calls")
def an_answer_without_a_token(board: Board) -> None:
    with board.data_set() as found:
        found["n_calls"][0] = found["generated_tokens"][0] + 1


@tampered("outcomes", "decode FLOPs do not go with")
def tokens_written_for_nothing(board: Board) -> None:
    with board.data_set() as found:
        found["decode_flops"] = [0] * len(found["items"])


@tampered("outcomes", "of kind 'corpus'")
def a_student_called_a_corpus(board: Board) -> None:
    with board.edited() as body:
        body |= {"schema": 2, "kind": "corpus", "latency": None}


@tampered("outcomes", "no call, and its prompt did fit")
def a_question_that_was_never_asked(board: Board) -> None:
    with board.data_set() as found:
        for name in ("n_calls", "prompt_tokens", "generated_tokens"):
            found[name][0] = 0
        for name in ("prefill_flops", "decode_flops", "prompt_only_flops"):
            found[name][0] = 0


@tampered("outcomes", "more than 128 tokens")
def longer_than_the_decoding_allows(board: Board) -> None:
    with board.data_set() as found:
        found["generated_tokens"][0] = 129


@tampered("flops", "prefill_flops follow no one student's law")
def shorter_prompts_at_the_same_cost(board: Board) -> None:
    with board.data_set() as found:
        found["prompt_tokens"] = [max(1, n - 3) for n in found["prompt_tokens"]]


@tampered("flops", "decode_flops follow no one student's law")
def cheaper_decoding(board: Board) -> None:
    with board.data_set() as found:
        found["decode_flops"] = [n // 2 for n in found["decode_flops"]]


@tampered("flops", "prompt_only_flops follow no one student's law")
def a_cheaper_prompt_by_the_measure_of_the_paper(board: Board) -> None:
    with board.data_set() as found:
        found["prompt_only_flops"] = [n // 2 for n in found["prompt_only_flops"]]


@tampered("flops", "as in the track's other records")
def half_the_flops_throughout(board: Board) -> None:
    with board.edited() as body:
        for each in body["data_sets"].values():
            for name in ("prefill_flops", "decode_flops", "prompt_only_flops"):
                each[name] = [n // 2 for n in each[name]]


@tampered("flops", f"{SET}: prefill_flops 1 for 2 calls", KARD)
def calls_in_twos_at_no_cost(board: Board) -> None:
    with board.data_set(KARD) as found:
        found["n_calls"] = [2] * len(found["items"])
        found["prefill_flops"] = found["decode_flops"] = [1] * len(found["items"])


@tampered("flops", "helper_flops in a track without critic and reranker", KARD)
def help_of_nobody(board: Board) -> None:
    with board.data_set(KARD) as found:
        found["helper_flops"] = [10**9] * len(found["items"])


# ---------------------------------------------------------------- another headline


@tampered("form", "metric is for who reads to choose")
def a_grade_as_the_headline(board: Board) -> None:
    with board.edited() as body:
        body["schema"] = 2
        for found in body["data_sets"].values():
            found |= {"graded": {"mine": [1.0] * len(found["items"])}, "metric": "mine"}


@tampered("form", "graded.author has the name of a column")
def a_grade_in_the_place_of_a_column(board: Board) -> None:
    with board.edited() as body:
        body["schema"] = 2
        for found in body["data_sets"].values():
            found |= {"graded": {"author": [1.0] * len(found["items"])}}
