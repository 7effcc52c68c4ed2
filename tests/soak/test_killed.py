"""A command that is killed at any moment goes on as if it had not been."""

from collections.abc import Sequence
from pathlib import Path
from random import Random

import pytest

from tests.leaderboard_records import record, save
from tests.soak.commands import KILL, TOLD, Shell, facts, half_written, killed_at, trace, whole
from tests.soak.conftest import RUN, Undisturbed
from tests.soak.forms import SEED, n

STAGES = {
    "training": ("train.jsonl", "trained.json", n(1, 16)),
    "generation": ("trained.json", "samples-", n(1, 10)),
    "writing": ("samples-", "", n(1, 14)),
}
"""What a file is called that is changed first, and after the stage; times that it is killed."""


def moment(changes: Sequence[tuple[float, str]], stage: str, number: int) -> str:
    """For $MOMENTS_KILL: one of the stage, anywhere between its first change and the next's."""
    first, after, _ = STAGES[stage]
    began = next(at for at, what in changes if first in what)
    ended = min((at for at, what in changes if after and after in what), default=changes[-1][0])
    return killed_at(changes, Random(f"{SEED}/{stage}/{number}").uniform(began, ended))


@pytest.mark.parametrize(
    ("stage", "number"), [(stage, i) for stage, (*_, times) in STAGES.items() for i in range(times)]
)
def test_a_run_that_is_killed_comes_to_the_same(
    stage: str, number: int, shell: Shell, undisturbed: Undisturbed, home: Path
) -> None:
    at = moment(undisturbed.changes, stage, number)
    assert shell.run(*RUN, home=home, **{KILL: at}).code == -9
    assert not half_written(facts(home), undisturbed.facts)
    shell.fine(*RUN, home=home)
    assert whole(facts(home)) == undisturbed.facts
    shell.fine("clean", "--yes", home=home)
    assert not facts(home), "clean leaves something"


README = "<!-- board:toy -->\n<!-- /board -->\n"


def board_of(folder: Path) -> tuple[Path, Path]:
    """A home with records to publish, and where the board is to be."""
    home, board = folder / "home", folder / "board" / "leaderboard" / "records"
    save(home / "records" / "v1", [record(label, seed) for label in ("kard", "std_cot")
                                   for seed in (0, 1)])
    board.mkdir(parents=True)
    (board.parents[1] / "README.md").write_text(README)
    return home, board


def tree(folder: Path) -> dict[str, bytes]:
    files = (path for path in sorted(folder.rglob("*")) if path.is_file())
    return {str(path.relative_to(folder)): path.read_bytes() for path in files}


@pytest.fixture(scope="session")
def published(
    shell: Shell, tmp_path_factory: pytest.TempPathFactory
) -> tuple[dict[str, bytes], list[tuple[float, str]]]:
    """A board as it is published undisturbed, and what was changed when."""
    home, board = board_of(tmp_path_factory.mktemp("published"))
    told = shell.folder / "told-published"
    shell.fine("board", "publish", "toy", "--records", str(board), home=home, **{TOLD: str(told)})
    return tree(board.parents[1]), trace(told)


@pytest.mark.parametrize("number", range(n(1, 10)))
def test_a_board_whose_publication_is_killed_comes_to_the_same(
    number: int, shell: Shell, published: tuple[dict[str, bytes], list[tuple[float, str]]],
    tmp_path: Path,
) -> None:
    expected, changes = published
    home, board = board_of(tmp_path)
    words = ("board", "publish", "toy", "--records", str(board))
    at = killed_at(changes, Random(f"{SEED}/board/{number}").uniform(changes[1][0], changes[-1][0]))
    assert shell.run(*words, home=home, **{KILL: at}).code == -9
    before = {"README.md": README.encode()}
    assert not half_written(tree(board.parents[1]), expected, before)
    shell.fine(*words, home=home)
    assert whole(tree(board.parents[1])) == expected
    shell.fine("board", "render", "--check", "--records", str(board), home=home)
