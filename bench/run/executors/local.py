"""Processes on this machine: each takes the cells that no other has taken."""

import os

from bench.run import jobs
from bench.run.jobs import Work
from bench.track import ConfigError


def share(work: Work) -> int:
    """Run the command in `n_jobs` processes; the worst of their exit codes.

    With one job nobody is asked: the process that began makes the cells itself.

    The processor's cores are divided among them: two threads of one process speed up these small
    models less than two processes do.
    """
    if work.options:
        raise ConfigError(f"--slurm {work.options[0]}: goes with --executor slurm")
    n_jobs = work.n_jobs or 1
    if n_jobs == 1:
        return 0
    n_threads = max(1, len(os.sched_getaffinity(0)) // n_jobs)
    workers = [
        jobs.start(work.arguments, work.cells, position=number, n_threads=n_threads)
        for number in range(n_jobs)
    ]
    try:
        return max(worker.wait() for worker in workers)
    except KeyboardInterrupt:
        # The terminal has told them too; what they have made stays.
        for worker in workers:
            worker.wait()
        raise
