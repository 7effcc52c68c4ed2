"""Ways to tamper with what training and timing spent; ledger and hashes are made right again."""

from tests.tampered import CSQA, OTHER, PUBLISHED, Board, tampered

# ---------------------------------------------------------------- training and times


@tampered("training", "training.tokens 0 with")
def training_that_cost_nothing(board: Board) -> None:
    with board.edited() as body:
        body["training"]["tokens"] = 0


@tampered("training", "training.final_loss None")
def training_without_a_loss(board: Board) -> None:
    with board.edited() as body:
        body["training"]["final_loss"] = None


@tampered("training", "loss_curve of 9 points")
def a_point_of_the_loss_curve_lost(board: Board) -> None:
    with board.edited() as body:
        del body["training"]["loss_curve"][-1]


@tampered("training", "kept_ratio of 1 runs", OTHER)
def runs_between_restarts_lost(board: Board) -> None:
    with board.edited(OTHER) as body:
        body["training"]["kept_ratio"] = [1.0]


@tampered("training", "n_steps 5000 for")
def more_steps_than_epochs(board: Board) -> None:
    with board.edited() as body:
        body["training"]["n_steps"] = 5000


@tampered("training", "latency is null, of kind 'student'")
def times_left_out(board: Board) -> None:
    with board.edited() as body:
        body |= {"schema": 2, "latency": None}


@tampered("training", "p50 .*, p95")
def a_median_above_the_slowest(board: Board) -> None:
    with board.edited() as body:
        body["latency"]["ttft_s_p95"] = body["latency"]["ttft_s_p50"] / 2


@tampered("training", r"latency\.n 3")
def fewer_questions_timed(board: Board) -> None:
    with board.edited() as body:
        body["latency"]["n"] = 3


@tampered("training", "are its times in seconds")
def milliseconds_in_the_place_of_seconds(board: Board) -> None:
    with board.edited() as body:
        for name in ("ttft_s_p50", "ttft_s_p95", "tpot_s_p50", "tpot_s_p95"):
            body["latency"][name] *= 1000


@tampered("rates", "latency.ttft_s_p50")
def milliseconds_with_a_rate_to_match(board: Board) -> None:
    milliseconds_in_the_place_of_seconds(board)
    with board.edited() as body:
        body["latency"]["questions_per_s"] /= 1000


@tampered("rates", "latency.tpot_s_p50")
def further_tokens_in_no_time(board: Board) -> None:
    with board.edited() as body:
        body["latency"]["tpot_s_p50"] /= 1000


@tampered("rates", "training tokens a second")
def training_in_milliseconds(board: Board) -> None:
    with board.edited() as body:
        body["training"]["seconds"] *= 1000


@tampered("training", "a loss of -0.5")
def a_negative_loss(board: Board) -> None:
    with board.edited() as body:
        body["training"]["loss_curve"][3] = -0.5


@tampered("training", "final_loss .*, the curve's last point")
def a_last_loss_far_below_the_curve(board: Board) -> None:
    with board.edited() as body:
        body["training"]["final_loss"] /= 100


@tampered("training", "final_loss .*, the curve's last point")
def a_last_loss_far_above_the_curve(board: Board) -> None:
    with board.edited() as body:
        body["training"]["final_loss"] *= 100


@tampered("training", "skipped_examples 1; should be 0 at most")
def an_example_left_out_where_that_ends_a_run(board: Board) -> None:
    with board.edited() as body:
        body["training"]["skipped_examples"] = 1


@tampered("training", "skipped_examples .* meet no more", CSQA)
def more_examples_left_out_than_met(board: Board) -> None:
    board.copy(str(PUBLISHED / CSQA), CSQA)
    with board.edited(CSQA) as body:
        body["training"]["skipped_examples"] = 10**9


@tampered("flops", r"training\.flops .* for training\.tokens")
def training_at_a_tenth_of_its_cost(board: Board) -> None:
    with board.edited() as body:
        body["training"]["flops"] //= 10


@tampered("flops", r"training\.flops .* for training\.tokens", OTHER)
def training_on_half_of_its_tokens(board: Board) -> None:
    with board.edited(OTHER) as body:
        body["training"]["tokens"] //= 2


@tampered("rates", "latency.ttft_s_p50: .* at most on a CPU")
def a_device_that_nobody_else_has(board: Board) -> None:
    _on_a_device(board, "CPU of my own")


@tampered("rates", "training.seconds: .* 1e.16 at most: ")
def an_accelerator_beyond_all_others(board: Board) -> None:
    _on_a_device(board, "GPU of my own")


@tampered("rates", "training.seconds: .* FLOPs a second")
def training_in_no_time_on_a_device_of_its_own(board: Board) -> None:
    _on_a_device(board, "CPU of my own")


def _on_a_device(board: Board, name: str) -> None:
    """All times a millionth; with as many answers in each second."""
    with board.edited() as body:
        body["provenance"]["device"] = name
        for key in ("ttft_s_p50", "ttft_s_p95", "tpot_s_p50", "tpot_s_p95"):
            body["latency"][key] /= 1e6
        body["latency"]["questions_per_s"] *= 1e6
        body["training"]["seconds"] /= 1e6
