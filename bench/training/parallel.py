"""One training in several processes of a machine, each on a device of its own.

All have the same weights and see the same steps. Each takes a share of a step's sequences; losses
and gradients are summed over them, so every process makes the very step that one alone would.
"""

import os
import pickle
import signal
import sys
import traceback
from collections.abc import Callable, Iterable, Sequence
from contextlib import nullcontext, redirect_stderr
from datetime import timedelta
from multiprocessing import get_context, parent_process
from multiprocessing.connection import wait
from multiprocessing.process import BaseProcess
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Thread
from typing import Any, TypeVar

import torch
from torch import Tensor
from torch import distributed as dist

from bench.batch import Tokens
from bench.students.student import device
from bench.track import ConfigError

T = TypeVar("T")

TIMEOUT = timedelta(hours=1)
"""For what the first process does alone: a checkpoint of a large model. Dead ones are noticed."""
STORE, FOUND, ERROR = "store", "found", "error"


class LostError(OSError):
    """A process of a training died; the message says how, and what to do."""


# ------------------------------------------------------------ within a process


def leads() -> bool:
    """Whether this process writes files; one alone does."""
    return not dist.is_initialized() or dist.get_rank() == 0


def share(sequences: Sequence[Tokens]) -> list[Tokens]:
    """What of a step's sequences is this process's: all are dealt like cards, longest first."""
    dealt = sorted(sequences, key=len, reverse=True)
    return dealt[dist.get_rank() :: dist.get_world_size()] if dist.is_initialized() else dealt


def first_makes(make: Callable[[], T]) -> T:
    """What the first process makes, for all: what is drawn may differ between devices."""
    if not dist.is_initialized():
        return make()
    found: list[Any] = [make() if leads() else None]
    dist.broadcast_object_list(found)
    return found[0]


def summed(*values: float) -> list[float]:
    """The values, each summed over the processes."""
    if not dist.is_initialized():
        return list(values)
    total = torch.tensor(values, dtype=torch.float64, device=device())
    dist.all_reduce(total)
    return total.tolist()


def sum_gradients(weights: Iterable[Tensor]) -> None:
    """Let each weight's gradient be the sum over the processes, none where none has one."""
    if not dist.is_initialized():
        return
    weights = list(weights)
    n_with = summed(*(float(weight.grad is not None) for weight in weights))
    for weight, n in zip(weights, n_with, strict=True):
        if n == 0:
            continue  # the optimizer passes it over, as it does in one process
        if weight.grad is None:
            weight.grad = torch.zeros_like(weight)
        dist.all_reduce(weight.grad)


# ------------------------------------------------------------ around them


def check(n: int) -> None:
    """ConfigError where the machine has accelerators, but not one for each of `n` processes."""
    if torch.cuda.is_available() and n > torch.cuda.device_count():
        raise ConfigError(
            f"--processes {n}: each needs a GPU, and {torch.cuda.device_count()} are visible: ask"
            " for so many at most"
        )


def together(n: int, work: Callable[..., T], *arguments: Any) -> T:
    """What `work(*arguments)`, done by `n` processes together, returns in the first of them.

    Both must be of modules that a new process can import. An error of one is raised here,
    LostError if one was killed; either way, and on Ctrl-C, none is left running.
    """
    check(n)
    spawn, n_threads = get_context("spawn"), max(1, torch.get_num_threads() // n)
    with TemporaryDirectory(prefix="skbench-") as name:
        folder = Path(name)
        processes = [
            spawn.Process(target=_begin, args=(rank, n, n_threads, folder, work, arguments))
            for rank in range(n)
        ]
        try:
            for process in processes:
                process.start()
            _watch(processes, folder)
        finally:
            for process in processes:
                if process.pid is not None:
                    process.kill()
                    process.join()
        return pickle.loads((folder / FOUND).read_bytes())


def _watch(processes: Sequence[BaseProcess], folder: Path) -> None:
    """Wait for all; the error of the first that fails."""
    left = list(processes)
    while left:
        wait([process.sentinel for process in left])
        codes = [process.exitcode for process in processes]
        lost = [(code, rank) for rank, code in enumerate(codes) if code]
        # Those that were killed come first: errors of others may be that they miss them.
        for code, rank in sorted(lost):
            if code > 0 and (folder / ERROR).is_file():
                raise pickle.loads((folder / ERROR).read_bytes())
            how = f"killed ({signal.Signals(-code).name})" if code < 0 else f"exit code {code}"
            raise LostError(
                f"process {rank + 1} of {len(processes)} of a training was lost: {how}; the others"
                " were ended. If memory ran out, fewer --processes or a lower"
                " training.micro_batch_tokens need less; the same command goes on from the last"
                " checkpoint"
            )
        # Of what was looked at: one that ended since then must still be.
        left = [p for p, code in zip(processes, codes, strict=True) if code is None]


def _begin(
    rank: int, n: int, n_threads: int, folder: Path, work: Callable[..., Any], arguments: Any
) -> None:
    """One of the processes: it joins the others, works, and leaves what it found or its error."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the process that began it ends it
    Thread(target=_end_with_parent, daemon=True).start()
    torch.set_num_threads(n_threads)
    # The first alone speaks of what they do.
    with Path(os.devnull).open("w") as nowhere:
        try:
            with redirect_stderr(nowhere) if rank else nullcontext():
                _join(rank, n, folder)
                found = work(*arguments)
                if rank == 0:
                    (folder / FOUND).write_bytes(pickle.dumps(found))
                dist.destroy_process_group()
        except Exception as error:
            _leave(error, f"in process {rank + 1} of {n}", folder / ERROR)
            # At once: to take leave of the others may wait for them.
            sys.stderr.flush()
            os._exit(1)


def _join(rank: int, n: int, folder: Path) -> None:
    if torch.cuda.is_available():
        torch.cuda.set_device(rank)
    backend = "nccl" if torch.cuda.is_available() else "gloo"
    place = (folder / STORE).as_uri()
    dist.init_process_group(backend, place, rank=rank, world_size=n, timeout=TIMEOUT)


def _leave(error: Exception, where: str, path: Path) -> None:
    """Write the error, unless another process had one before: this one may follow from it."""
    try:
        told = pickle.loads(pickle.dumps(error))
    except Exception:  # of a class that cannot be pickled
        told = RuntimeError(repr(error))
    told.add_note(f"{where}:\n{traceback.format_exc()}")
    part = path.with_name(f"{path.name}.{os.getpid()}")
    part.write_bytes(pickle.dumps(told))
    try:
        os.link(part, path)
    except FileExistsError:
        return


def _end_with_parent() -> None:
    parent = parent_process()
    assert parent is not None
    parent.join()
    os._exit(1)
