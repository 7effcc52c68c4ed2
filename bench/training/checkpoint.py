"""A training so far, kept whole or not at all, so that one that was cut off goes on."""

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from bench.ground.files import writing
from bench.ground.sums import intact, seal
from bench.track import ConfigError
from bench.training.progress import Progress

CHECKPOINT, STATE, LOG = "checkpoint", "state.pt", "train.jsonl"


def keep(
    out: Path,
    weights: Mapping[str, Tensor],
    optimizer: Any,
    progress: Progress,
    total: int,
    *,
    revision: str | None,
) -> None:
    """Everything needed to go on, and the log so far; `total` is for who asks how far it is,
    `revision` that of the student as it came."""
    part, folder = out / f"{CHECKPOINT}.part", out / CHECKPOINT
    shutil.rmtree(part, ignore_errors=True)
    part.mkdir()
    saved = {
        "weights": {name: weight.detach() for name, weight in weights.items()},
        "optimizer": optimizer.state_dict(),
        "progress": progress.plain(),
        "total": total,
        "revision": revision,
    }
    with writing(part):
        torch.save(saved, part / STATE)
        shutil.copyfile(out / LOG, part / LOG)
        seal(part)
    shutil.rmtree(folder, ignore_errors=True)
    part.rename(folder)


def newest(out: Path) -> Path | None:
    """What was kept last; None where there is nothing, or nothing undamaged."""
    # A run that was killed between its last two steps has left the newest one there.
    return next(filter(intact, (out / f"{CHECKPOINT}.part", out / CHECKPOINT)), None)


def log_of(folder: Path | None) -> bytes:
    """The log as it was then."""
    return b"" if folder is None else (folder / LOG).read_bytes()


def revive(
    folder: Path, weights: Mapping[str, Tensor], optimizer: Any, *, revision: str | None
) -> Progress:
    """Put weights and optimizer back to where they were then; ConfigError if they are those of
    another student than that of `revision`."""
    place = next(iter(weights.values())).device
    saved = torch.load(folder / STATE, weights_only=True, map_location=place)
    if saved["revision"] != revision:
        raise ConfigError(
            f"{folder}: of the student at revision {saved['revision']}, which is at {revision} now:"
            " set student.revision, or delete that folder and train again"
        )
    with torch.no_grad():
        for name, weight in weights.items():
            weight.copy_(saved["weights"][name])
    optimizer.load_state_dict(saved["optimizer"])
    return Progress.revived(saved["progress"])


def drop(out: Path) -> None:
    """What the finished training needs no more."""
    shutil.rmtree(out / CHECKPOINT, ignore_errors=True)


def steps(out: Path) -> tuple[int, int] | None:
    """The step of a run's checkpoint and how many there are; None without one that is whole."""
    if not intact(out / CHECKPOINT):
        return None
    saved = torch.load(out / CHECKPOINT / STATE, weights_only=True, mmap=True, map_location="meta")
    return saved["progress"]["step"], saved["total"]
