"""An array of Slurm jobs, through submitit: a task for the cells that are trained alike.

The submitting machine and the nodes see one home, one clone and one interpreter, at the same paths.
A task that Slurm puts back into its queue goes on from its checkpoint.
"""

import os
import re
import shutil
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.ground import bars
from bench.ground.exits import FINE, INCOMPLETE
from bench.ground.places import home
from bench.run import jobs
from bench.run.jobs import Work
from bench.track import ConfigError

DEFAULTS = {"job-name": "skbench", "time": "60"}
"""Options of sbatch where the command names no others; the time of a task, in minutes."""
FIXED = ("array", "error", "open-mode", "output", "signal")
"""Options of sbatch that are not the user's to set: the array depends on them."""
MAX_TIMEOUTS = 100
"""How often a task goes on after its time was over."""
GRACE_S = 5.0
"""In which a job that lost its process hears why."""
LOOK_S = 1.0
"""Between two looks at the queue."""
N_LOOKS = 20
"""How often a task is missed in the queue before it counts as lost: its result may come late."""
MAX_SILENCE = 600
"""How often Slurm may fail to answer before the command gives up waiting."""


class NoSlurmError(OSError):
    """This machine cannot submit to Slurm, or Slurm does not answer."""


@dataclass(frozen=True, slots=True)
class Job:
    """What a node runs: the command, for some of its cells."""

    arguments: Sequence[str]
    cells: str
    numbers: Sequence[int]

    def __call__(self) -> int:
        """Its exit code; a process that a signal ended leaves no result, as if killed with it."""
        n_threads = int(os.environ.get("SLURM_CPUS_PER_TASK") or 1)
        # Leaving the block closes the process's stdin, with which it ends.
        with jobs.start(
            self.arguments, self.cells, position=0, n_threads=n_threads, numbers=self.numbers
        ) as process:
            code = process.wait()
            if code < 0:
                # Slurm tells a step's processes one after the other: what it tells this one, to
                # make room and queue again, comes now. A result would say that the task is over.
                time.sleep(GRACE_S)
                os._exit(1)
            return code

    def checkpoint(self) -> Any:
        """The same again: what submitit queues where a task is preempted, or its time is over."""
        from submitit.helpers import DelayedSubmission

        return DelayedSubmission(self)


def share(work: Work) -> int:
    """Submit the tasks as one array and wait for them; the worst of their exit codes.

    ConfigError for an option that sbatch does not take, NoSlurmError where there is no Slurm.
    """
    submitted = _submit(work)
    name = str(submitted[0].job_id).partition("_")[0]
    log = submitted[0].paths.stderr
    print(f"slurm job {name}: {len(submitted)} tasks; logs: {log.parent}", file=sys.stderr)
    try:
        return max(_codes(work, submitted, name))
    except KeyboardInterrupt:
        is_over = subprocess.run(["scancel", name], check=False).returncode == 0
        told = "cancelled" if is_over else f"Slurm did not cancel it: scancel {name}"
        print(f"slurm job {name}: {told}", file=sys.stderr)
        raise


def _submit(work: Work) -> list[Any]:
    options = _options(work.options)
    if shutil.which("sbatch") is None:
        raise NoSlurmError("--executor slurm: no sbatch here: run it where jobs are submitted")
    try:
        from submitit import SlurmExecutor
        from submitit.core.utils import FailedJobError
    except ImportError as error:
        raise NoSlurmError(f"--executor slurm: {error}: pip install submitit") from error
    executor = SlurmExecutor(home().resolve() / "slurm", max_num_timeout=MAX_TIMEOUTS)
    executor.update_parameters(
        additional_parameters=options,
        array_parallelism=work.n_jobs or len(work.tasks),
        # srun has not taken this over from sbatch since 22.05.
        setup=["export SRUN_CPUS_PER_TASK=${SLURM_CPUS_PER_TASK:-1}"],
    )
    # The last word holds: whatever the command says, its tasks run where they are.
    arguments = [*work.arguments, "--executor", "local"]
    try:
        with executor.batch():
            return [
                executor.submit(Job(arguments, work.cells, task.numbers)) for task in work.tasks
            ]
    except FailedJobError as error:
        raise ConfigError(f"--executor slurm: sbatch refused: {error}") from error


def _options(given: Sequence[str]) -> dict[str, str | bool]:
    """Options of sbatch by name; ConfigError for what is none."""
    found: dict[str, str | bool] = {**DEFAULTS}
    for each in given:
        key, is_pair, value = each.partition("=")
        if not re.fullmatch(r"[a-z][a-z-]*", key) or not value.isprintable():
            raise ConfigError(
                f"--slurm {each}: expected KEY=VALUE or KEY, an option of sbatch as in"
                " partition=gpu or exclusive"
            )
        if key in FIXED:
            raise ConfigError(f"--slurm {each}: {key} is set by the array itself: leave it out")
        found[key] = value if is_pair else True
    return found


def _codes(work: Work, submitted: Sequence[Any], name: str) -> list[int]:
    """The exit code of each task, once all are over."""
    left = dict(zip((job.job_id for job in submitted), submitted, strict=True))
    titles = {job.job_id: task.title for job, task in zip(submitted, work.tasks, strict=True)}
    codes, missed = list[int](), Counter[str]()
    with bars.Bar(what=f"slurm job {name}", total=len(left), unit="task") as bar:
        while left:
            queued = _queue()
            missed.update(left.keys() - queued.keys())
            for number, job in list(left.items()):
                if job.paths.result_pickle.is_file() or missed[number] == N_LOOKS:
                    del left[number]
                    codes.append(_code(job, titles[number]))
                    bar.update()
            bar.note(running=str(sum(queued.get(each) == "RUNNING" for each in left)))
            time.sleep(LOOK_S if left else 0)
    return codes


def _queue() -> dict[str, str]:
    """Number -> state of this user's jobs that are not over; NoSlurmError after a long silence."""
    words = ["squeue", "--array", "--noheader", f"--user={os.getuid()}", "--format=%i %T"]
    told = ""
    for _ in range(MAX_SILENCE):
        done = subprocess.run(words, capture_output=True, text=True, check=False)
        if done.returncode == 0:
            return dict(line.split() for line in done.stdout.splitlines())
        told = done.stderr.strip()
        time.sleep(LOOK_S)
    raise NoSlurmError(f"squeue does not answer: {told}; the jobs may go on")


def _code(job: Any, title: str) -> int:
    """The exit code of a task that is over; what went wrong is told."""
    log = job.paths.stderr
    if not job.paths.result_pickle.is_file():
        print(
            f"{title}: slurm job {job.job_id} ended without a result: killed, cancelled, or out"
            f" of memory; its log: {log}",
            file=sys.stderr,
        )
        return INCOMPLETE
    if job.exception() is not None:
        print(f"{title}: slurm job {job.job_id} failed; its log: {log}", file=sys.stderr)
        return INCOMPLETE
    code = job.result()
    if code != FINE:
        print(f"{title}: {_last_line(log)}; its log: {log}", file=sys.stderr)
    return code


def _last_line(log: Path) -> str:
    lines = log.read_text(errors="replace").splitlines() if log.is_file() else []
    own = [line for line in lines if line.startswith("skbench: ")]
    return (own or lines or ["no output"])[-1]
