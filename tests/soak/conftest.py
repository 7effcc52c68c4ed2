"""One undisturbed run, and the process that bears all commands."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.soak.clocks import library
from tests.soak.commands import TOLD, Nursery, Shell, facts, trace
from tests.tracks import toy_track

RUN = ("run", "own.toml", "--limit", "3", "--json")


SECRETS = {
    "OPENAI_API_KEY": "sk-of-an-endpoint",
    "HF_TOKEN": "hf_of_a_hub",
    "PASSWORD_OF_A_PROXY": "of-a-proxy",
}
ENVIRONMENT = {**SECRETS, "HTTPS_PROXY": f"http://me:{SECRETS['PASSWORD_OF_A_PROXY']}@127.0.0.1:9"}
"""What the undisturbed run inherits; the others do not."""


@dataclass(frozen=True, slots=True)
class Undisturbed:
    """What the command came to that nothing happened to."""

    home: Path
    facts: dict[str, object]
    changes: list[tuple[float, str]]
    """When it changed which file, in seconds."""
    said: str


@pytest.fixture(scope="session")
def shell(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shell]:
    folder = tmp_path_factory.mktemp("shell")
    methods = ["std_cot", "zero_shot"]
    (folder / "own.toml").write_text(toy_track(methods, training={"checkpoint_steps": 1}))
    nursery = Nursery(os.environ | {"OMP_NUM_THREADS": "1"}, library(folder))
    yield Shell(nursery, folder)
    nursery.close()


@pytest.fixture(scope="session")
def undisturbed(shell: Shell, tmp_path_factory: pytest.TempPathFactory) -> Undisturbed:
    home, told = tmp_path_factory.mktemp("homes") / "undisturbed", shell.folder / "told"
    done = shell.fine(*RUN, home=home, **ENVIRONMENT, **{TOLD: str(told)})
    return Undisturbed(home, facts(home), trace(told), done.out + done.err)
