"""One command as several processes: each takes the cells that no other has taken."""

import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from threading import Thread

CELLS = "SKBENCH_CELLS"
"""In the environment: the hash of the cells as the process that shared the command saw them."""
POSITION = "TQDM_POSITION"
"""In the environment: which of the processes this is, and so the line of its bars."""


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
            "sources or inputs were edited since the command began, so its processes do not make"
            " the same records: run it from a clone that nobody edits"
        )


def _end_with_parent() -> None:
    os.read(sys.stdin.fileno(), 1)  # nobody writes there: it returns when the other end is closed
    os._exit(1)


class ChangedError(OSError):
    """The processes of one command see other sources."""


def share(arguments: Sequence[str], n_jobs: int, cells: str) -> int:
    """Run `skbench ARGUMENTS` in `n_jobs` processes; the worst of their exit codes.

    One that is killed has none: what it was at is left to the others and to the caller.

    `cells` is the hash of what they are to make.

    The processor's cores are divided among them: two threads of one process speed up these small
    models less than two processes do.
    """
    n_threads = max(1, len(os.sched_getaffinity(0)) // n_jobs)
    command = [sys.executable, "-m", "bench", *arguments, "--jobs", "1"]
    workers = [
        subprocess.Popen(
            command,
            env=os.environ
            | {"OMP_NUM_THREADS": str(n_threads), POSITION: str(number), CELLS: cells},
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
        )
        for number in range(n_jobs)
    ]
    try:
        codes = [worker.wait() for worker in workers]
    except KeyboardInterrupt:
        # The terminal has told them too; what they have made stays.
        for worker in workers:
            worker.wait()
        raise
    lost = [-code for code in codes if code < 0]
    if lost:
        signals = ", ".join(sorted({signal.Signals(each).name for each in lost}))
        print(
            f"{len(lost)} of {n_jobs} processes were killed ({signals}): this one does what they"
            " left; if memory ran out, fewer --jobs need less",
            file=sys.stderr,
        )
    return max(0, *codes)
