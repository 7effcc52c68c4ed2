"""What befalls a command, its machine and its files: after it the same command comes to the same.

One file, so that one undisturbed run serves all.
"""

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from random import Random

import pytest

from tests.leaderboard_records import record, save
from tests.soak.clocks import BACKWARDS
from tests.soak.commands import KILL, ROOT, TOLD, Ended, Shell, facts, half_written, trace, whole
from tests.soak.conftest import RUN, SECRETS, Undisturbed
from tests.soak.drawn import STAGES, Changes, moment, stage_of
from tests.soak.forms import LONG, SEED, n


@pytest.mark.parametrize(
    ("stage", "number"), [(stage, i) for stage, (*_, moments) in STAGES.items() for i in moments]
)
def test_a_run_that_is_killed_comes_to_the_same(
    stage: str, number: int, shell: Shell, undisturbed: Undisturbed, home: Path
) -> None:
    changes = undisturbed.changes
    at = moment(changes, *stage_of(changes, stage), stage, number)
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
    save(
        home / "records" / "v1",
        [record(label, seed) for label in ("kard", "std_cot") for seed in (0, 1)],
    )
    board.mkdir(parents=True)
    (board.parents[1] / "README.md").write_text(README)
    return home, board


def tree(folder: Path) -> dict[str, bytes]:
    files = (path for path in sorted(folder.rglob("*")) if path.is_file())
    return {str(path.relative_to(folder)): path.read_bytes() for path in files}


@pytest.fixture(scope="session")
def published(
    shell: Shell, tmp_path_factory: pytest.TempPathFactory
) -> tuple[dict[str, bytes], Changes]:
    """A board as it is published undisturbed, and what was changed when."""
    home, board = board_of(tmp_path_factory.mktemp("published"))
    told = shell.folder / "told-published"
    shell.fine("board", "publish", "toy", "--records", str(board), home=home, **{TOLD: str(told)})
    return tree(board.parents[1]), trace(told)


@pytest.mark.parametrize("number", range(1, n(2, 11)))
def test_a_board_whose_publication_is_killed_comes_to_the_same(
    number: int,
    shell: Shell,
    published: tuple[dict[str, bytes], Changes],
    tmp_path: Path,
) -> None:
    expected, changes = published
    home, board = board_of(tmp_path)
    words = ("board", "publish", "toy", "--records", str(board))
    at = moment(changes, changes[1][0], changes[-1][0], "board", number)
    assert shell.run(*words, home=home, **{KILL: at}).code == -9
    before = {"README.md": README.encode()}
    assert not half_written(tree(board.parents[1]), expected, before)
    shell.fine(*words, home=home)
    assert whole(tree(board.parents[1])) == expected
    shell.fine("board", "render", "--check", "--records", str(board), home=home)


DISK_BYTES = 4 * 2**20


@contextmanager
def disk(folder: Path, n_bytes: int = DISK_BYTES) -> Iterator[Path]:
    """A small disk of its own at `folder`."""
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={n_bytes}", "tmpfs", str(folder)]
    done = subprocess.run(mount, capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip(f"no disk can be mounted here: {done.stderr.strip()}")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


def is_clear(done: Ended, *codes: int) -> bool:
    """Whether a command ended with such a code and one line for people."""
    told = [line for line in done.err.splitlines() if line.startswith("skbench: ")]
    return done.code in codes and len(told) == 1 and "Traceback" not in done.err


@pytest.mark.parametrize("number", range(n(1, 20)))
def test_a_disk_that_is_full_is_told_and_gone_on_with(
    number: int, shell: Shell, undisturbed: Undisturbed, tmp_path: Path
) -> None:
    used = sum(len(path.read_bytes()) for path in undisturbed.home.rglob("*") if path.is_file())
    with disk(tmp_path / "disk") as folder:
        ballast, home = folder / "ballast", folder / "home"
        share = Random(f"{SEED}/disk/{number}").random()
        ballast.write_bytes(bytes(DISK_BYTES - int(share * used)))
        done = shell.run(*RUN, home=home)
        assert is_clear(done, 3) and "No space left" in done.err, done.err
        assert not half_written(facts(home), undisturbed.facts), done.err
        ballast.unlink()
        shell.fine(*RUN, home=home)
        assert facts(home) == undisturbed.facts


def test_a_home_that_cannot_be_written_to_is_told(
    shell: Shell, undisturbed: Undisturbed, tmp_path: Path
) -> None:
    with disk(tmp_path / "disk") as folder:
        subprocess.run(["mount", "-o", "remount,ro", str(folder)], check=True)
        done = shell.run(*RUN, home=folder / "home")
        assert is_clear(done, 3) and str(folder) in done.err, done.err
        assert not list(folder.iterdir())
        subprocess.run(["mount", "-o", "remount,rw", str(folder)], check=True)
        shell.fine(*RUN, home=folder / "home")
        assert facts(folder / "home") == undisturbed.facts


def test_two_runs_at_once_make_everything_once(
    shell: Shell, undisturbed: Undisturbed, home: Path
) -> None:
    both = [shell.begin(*RUN, home=home) for _ in range(2)]
    done = [each.end() for each in both]
    assert [each.code for each in done] == [0, 0], [each.err for each in done]
    assert sum(each.err.count(": running") for each in done) == 2, [each.err for each in done]
    assert facts(home) == undisturbed.facts


@pytest.mark.skipif(not LONG, reason="three processes that import everything: `make soak`")
def test_a_process_of_several_is_lost(shell: Shell, undisturbed: Undisturbed, home: Path) -> None:
    err = shell.folder / "err-jobs"
    environment = os.environ | {"SKBENCH_HOME": str(home), "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", "bench", *RUN, "--jobs", "2"]
    with (
        err.open("wb") as told,
        subprocess.Popen(command, env=environment, cwd=shell.folder, stderr=told) as began,
    ):
        while not err.read_bytes().count(b": running"):
            assert began.poll() is None, err.read_text()
        children = Path(f"/proc/{began.pid}/task/{began.pid}/children").read_text().split()
        os.kill(int(children[0]), signal.SIGKILL)
    assert began.returncode == 0 and "1 of 2 processes were killed" in err.read_text()
    assert whole(facts(home)) == undisturbed.facts


def test_a_clock_that_goes_backwards_changes_nothing(
    shell: Shell, undisturbed: Undisturbed, home: Path
) -> None:
    if not shell.nursery.has_clock:
        pytest.skip("no C compiler to make a clock with")
    shell.fine(*RUN, home=home, **{BACKWARDS: "1"})
    assert facts(home) == undisturbed.facts


@pytest.mark.skipif(not LONG, reason="imports everything: `make soak`")
def test_a_command_that_nobody_bore_comes_to_the_same(
    shell: Shell, undisturbed: Undisturbed, home: Path
) -> None:
    environment = os.environ | {"SKBENCH_HOME": str(home), "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", "bench", *RUN]
    subprocess.run(command, env=environment, cwd=shell.folder, check=True, capture_output=True)
    assert facts(home) == undisturbed.facts


def flipped(content: bytes) -> bytes:
    middle = len(content) // 2
    return content[:middle] + bytes([content[middle] ^ 0xFF]) + content[middle + 1 :]


def cut(content: bytes) -> bytes:
    return content[: len(content) // 2]


def emptied(_: bytes) -> bytes:
    return b""


DAMAGE: tuple[Callable[[bytes], bytes], ...] = (flipped, cut, emptied)
CHECKPOINT, WEIGHTS = "runs/**/checkpoint", "runs/**/weights"
ALONE = {
    "in_training": (
        *("corpora/*/corpus.jsonl", "corpora/*/passages.jsonl", "corpora/*/manifest.json"),
        *("tokenizers/*/tokenizer.json", "tokenizers/*/tokenizer_config.json"),
        *(f"{CHECKPOINT}/state.pt", f"{CHECKPOINT}/train.jsonl", f"{CHECKPOINT}/SHA256SUMS"),
        "runs/**/train.jsonl",
    ),
    "trained": (
        *(f"{WEIGHTS}/model.safetensors", f"{WEIGHTS}/config.json", f"{WEIGHTS}/SHA256SUMS"),
        *("runs/**/trained.json", "loglikelihood/*.json"),
    ),
    "done": ("records/**/seed0-*.json",),
}
"""State of a home -> files that are read again by the command that goes on from there."""
TOGETHER = [
    ("in_training", ("corpora/*/corpus.jsonl", "tokenizers/*/tokenizer.json"), emptied),
    ("in_training", (f"{CHECKPOINT}/state.pt", "corpora/*/manifest.json"), flipped),
    ("trained", (f"{WEIGHTS}/model.safetensors", "loglikelihood/*.json"), flipped),
    ("trained", ("runs/**/trained.json",), cut),
    ("done", ("records/**/seed0-*.json",), cut),
]
"""For the short form."""
CASES = TOGETHER + [
    (state, (pattern,), damage)
    for state, patterns in ALONE.items()
    for pattern in patterns
    for damage in DAMAGE
    if LONG
]


@pytest.fixture(scope="session")
def in_training(
    shell: Shell, undisturbed: Undisturbed, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """A home whose command was killed after its last checkpoint."""
    home = tmp_path_factory.mktemp("in_training") / "home"
    changes = enumerate(undisturbed.changes)
    last = max(n for n, (_, what) in changes if what.endswith("/checkpoint"))
    # By number, not by time: on a busy machine training is over before a thread wakes.
    done = shell.run(*RUN, home=home, **{KILL: f"{last + 1} 0"})
    assert done.code == -9 and list(home.rglob("checkpoint/state.pt"))
    return home


@pytest.fixture(scope="session")
def trained(undisturbed: Undisturbed, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home whose students were trained and not judged."""
    home = tmp_path_factory.mktemp("trained") / "home"
    shutil.copytree(undisturbed.home, home)
    for each in ("records", "generations"):
        shutil.rmtree(home / each)
    return home


@pytest.fixture
def done(undisturbed: Undisturbed) -> Path:
    """A home where all was done."""
    return undisturbed.home


@pytest.mark.parametrize(("state", "patterns", "damage"), CASES)
def test_what_was_damaged_is_made_again(
    state: str,
    patterns: tuple[str, ...],
    damage: Callable[[bytes], bytes],
    request: pytest.FixtureRequest,
    shell: Shell,
    undisturbed: Undisturbed,
    home: Path,
) -> None:
    shutil.copytree(request.getfixturevalue(state), home)
    for pattern in patterns:
        paths = [*home.glob(pattern)]
        assert paths, pattern
        for path in paths:
            path.write_bytes(damage(path.read_bytes()))
    shell.fine(*RUN, home=home)
    assert whole(facts(home)) == undisturbed.facts


def test_a_run_leaves_no_secret_in_its_home(undisturbed: Undisturbed) -> None:
    files = [path for path in undisturbed.home.rglob("*") if path.is_file()]
    assert len(files) > 10
    for word in SECRETS.values():
        assert word not in undisturbed.said
        assert not [path for path in files if word.encode() in path.read_bytes()]
