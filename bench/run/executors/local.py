"""Processes on this machine: each takes the cells that no other has taken."""

import os
import signal
import sys

from bench.ground.exits import FINE
from bench.run import jobs
from bench.run.jobs import Work
from bench.track import ConfigError


def share(work: Work) -> int:
    """Run the command in `n_jobs` processes; the worst of their exit codes.

    One that is killed has none: what it was at is left to the others and to the caller.

    With one job nobody is asked: the process that began makes the cells itself.

    The processor's cores are divided among them: two threads of one process speed up these small
    models less than two processes do.
    """
    if work.options:
        raise ConfigError(f"--slurm {work.options[0]}: goes with --executor slurm")
    n_jobs = work.n_jobs or 1
    if n_jobs == 1:
        return FINE
    n_threads = max(1, _n_cores() // n_jobs)
    workers = [
        jobs.start(work.arguments, work.cells, position=number, n_threads=n_threads)
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
    return max(FINE, *codes)


def _n_cores() -> int:
    """That this process may use; all of the machine's where the system does not say, as macOS."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
