"""One undisturbed run, and the process that bears all commands."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.soak.commands import TOLD, Nursery, Shell, facts, trace
from tests.tracks import toy_track

RUN = ("run", "own.toml", "--limit", "3", "--json")


@dataclass(frozen=True, slots=True)
class Undisturbed:
    """What the command came to that nothing happened to."""

    home: Path
    facts: dict[str, object]
    changes: list[tuple[float, str]]
    """When it changed which file, in seconds."""
    out: str


@pytest.fixture(scope="session")
def shell(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shell]:
    folder = tmp_path_factory.mktemp("shell")
    methods = ["std_cot", "zero_shot"]
    (folder / "own.toml").write_text(toy_track(methods, training={"checkpoint_steps": 1}))
    nursery = Nursery(os.environ | {"OMP_NUM_THREADS": "1"})
    yield Shell(nursery, folder)
    nursery.close()


@pytest.fixture(scope="session")
def undisturbed(shell: Shell, tmp_path_factory: pytest.TempPathFactory) -> Undisturbed:
    home, told = tmp_path_factory.mktemp("homes") / "undisturbed", shell.folder / "told"
    done = shell.fine(*RUN, home=home, **{TOLD: str(told)})
    return Undisturbed(home, facts(home), trace(told), done.out)
