"""Ways to tamper with costs of real students, and with what papers report."""

import shutil

from leaderboard.verify.reading import MOST_BYTES
from tests.tampered import PUBLISHED, Board, tampered
from tests.tampered_facts import HONEST, edited, twice

COST, PAPER = "cost/smollm2-360m.json", "reported/skintern.json"


def with_cost(board: Board) -> str:
    return _published(board, COST)


def with_paper(board: Board) -> str:
    return _published(board, PAPER)


def _published(board: Board, file: str) -> str:
    path = board.root.parent / file
    path.parent.mkdir()
    shutil.copyfile(PUBLISHED.parent / file, path)
    return file


HONEST.extend((with_cost, with_paper))


def _method(board: Board, label: str, **changes: object) -> None:
    with edited(board, with_cost(board)) as body:
        (found,) = (each for each in body["methods"] if each["label"] == label)
        found.update(changes)


@tampered("costs", r"skintern: prefill_flops 1e\+13 for 182342 tokens; should be from", COST)
def cheaper_prompts(board: Board) -> None:
    _method(board, "skintern", prefill_flops=10_000_000_000_000)


@tampered("costs", r"kard: decode_flops 1e\+16", COST)
def a_rival_that_is_dear(board: Board) -> None:
    _method(board, "kard", decode_flops=10_000_000_000_000_000)


@tampered("costs", "skintern: prompt_only_flops 100 for 182342 tokens; should be 723517440", COST)
def the_paper_s_measure_touched(board: Board) -> None:
    _method(board, "skintern", prompt_only_flops=100)


@tampered("costs", "skintern: 7 calls; should be 1304", COST)
def questions_without_a_call(board: Board) -> None:
    _method(board, "skintern", n_calls=7)


@tampered("costs", r"prompt_only_flops are 7.235e\+08 a token for 1000000 parameters", COST)
def a_smaller_student(board: Board) -> None:
    with edited(board, with_cost(board)) as body:
        body["n_parameters"] = 1_000_000


@tampered("costs", "skintern stands there twice", COST)
def a_method_told_twice(board: Board) -> None:
    with edited(board, with_cost(board)) as body:
        body["methods"] += [each for each in body["methods"] if each["label"] == "skintern"]


@tampered("costs", "is of track 'smollm2-360m'", "cost/llama2-7b.json")
def a_cost_of_another_student(board: Board) -> None:
    path = board.root.parent / with_cost(board)
    path.rename(path.with_name("llama2-7b.json"))


@tampered("costs", "bytes, and is not read", COST)
def a_cost_too_large(board: Board) -> None:
    with edited(board, with_cost(board)) as body:
        body["student"] = "x" * MOST_BYTES


@tampered("costs", "cost: is a symbolic link", "cost")
def all_costs_elsewhere(board: Board) -> None:
    (board.root.parent / "cost").symlink_to(board.root.parent.parent)


@tampered("costs", "numbers, *the paper has", PAPER)
def a_paper_s_row_with_a_number_more(board: Board) -> None:
    with edited(board, with_paper(board)) as body:
        body["students"][0]["rows"][0]["accuracy"].append(99.0)


@tampered("costs", "key 'schema' stands there twice", PAPER)
def a_paper_with_two_schemas(board: Board) -> None:
    twice(board, with_paper(board))
