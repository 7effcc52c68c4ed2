"""Ways to tamper with what training and timing spent; ledger and hashes are made right again."""

from tests.tampered import OTHER, Board, tampered

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
