"""One command as several processes: what they are told, and what each checks before it begins."""

import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from threading import Thread
from typing import TypeVar

CELLS = "SKBENCH_CELLS"
"""In the environment: the hash of the cells as the process that shared the command saw them."""
OWN = "SKBENCH_OWN_CELLS"
"""In the environment: numbers of the cells that the process makes, where it does not share all."""
POSITION = "TQDM_POSITION"
"""In the environment: which of the processes this is, and so the line of its bars."""

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Task:
    """Cells that are trained alike: one process makes them, one after the other."""

    title: str
    numbers: Sequence[int]
    """Of the command's cells, from 0."""


@dataclass(frozen=True, slots=True)
class Work:
    """A command and what is to do of it."""

    arguments: Sequence[str]
    cells: str
    """Hash of the cells that the command makes."""
    tasks: Sequence[Task] = ()
    n_jobs: int | None = None
    """At once; None leaves it to the executor."""
    options: Sequence[str] = ()
    """KEY=VALUE, of the executor's own."""


def is_shared() -> bool:
    """Whether this process is one of those that share a command."""
    return POSITION in os.environ


def check(cells: str) -> None:
    """ChangedError unless this process was given these cells.

    A process that shares a command ends with the one that began it, however that one ends.
    """
    if is_shared():
        Thread(target=_end_with_parent, daemon=True).start()
    if os.environ.get(CELLS, cells) != cells:
        raise ChangedError(
            "the processes of the command do not make the same records: sources or inputs were"
            " edited since it began (run it from a clone that nobody edits), or they have another"
            " kind of device than it (tell it theirs: SKBENCH_DEVICE=cuda)"
        )


def own(cells: Sequence[T]) -> list[T]:
    """Those of the command's cells that this process makes: all, unless it was given some."""
    numbers = os.environ.get(OWN)
    return list(cells) if numbers is None else [cells[int(each)] for each in numbers.split(",")]


def _end_with_parent() -> None:
    os.read(sys.stdin.fileno(), 1)  # nobody writes there: it returns when the other end is closed
    os._exit(1)


class ChangedError(OSError):
    """The processes of one command see other sources."""


def start(
    arguments: Sequence[str],
    cells: str,
    *,
    position: int,
    n_threads: int,
    numbers: Sequence[int] | None = None,
) -> "subprocess.Popen[bytes]":
    """Start `skbench ARGUMENTS` as one of the processes that share a command.

    `cells` is the hash of what the command makes, `numbers` the cells that are this process's own.
    """
    told = {"OMP_NUM_THREADS": str(n_threads), POSITION: str(position), CELLS: cells}
    if numbers is not None:
        told[OWN] = ",".join(map(str, numbers))
    return subprocess.Popen(
        [sys.executable, "-m", "bench", *arguments, "--jobs", "1"],
        env=os.environ | told,
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
    )
