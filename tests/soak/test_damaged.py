"""Files of the home that were damaged: made again, and the command comes to the same."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.soak.commands import KILL, Shell, facts, killed_at, whole
from tests.soak.conftest import RUN, Undisturbed
from tests.soak.forms import LONG


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
    last = max(at for at, what in undisturbed.changes if what.endswith("/checkpoint"))
    done = shell.run(*RUN, home=home, **{KILL: killed_at(undisturbed.changes, last + 0.001)})
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
