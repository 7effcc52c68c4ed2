"""Does the device have units for bf16? Measured: without them it multiplies bf16 all the same, but
so slowly that a run would not end, and no processor's name says it for sure.
"""

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any, Literal

from bench.run.cell import Cell
from bench.track import Track

if TYPE_CHECKING:
    import torch

Precision = Literal["fp32", "bf16"]

ENOUGH = 0.8
"""Of the speed of fp32: units for bf16 are made to be faster than that."""
SMALLEST, LARGEST = 128, 8192
"""Rows of the matrices: from what a device without units multiplies in a millisecond."""
LONG_ENOUGH_S = 1e-3
ROUNDS, TRIES = 2, 3
"""The fastest of all counts: what else the machine does can only make a product slower."""


@dataclass(frozen=True, slots=True)
class Speeds:
    """GFLOP/s of matrix products, on a CPU of one thread."""

    fp32: float
    bf16: float

    @property
    def has_units(self) -> bool:
        """For bf16."""
        return self.bf16 >= ENOUGH * self.fp32

    def __str__(self) -> str:
        if self.has_units:
            return f"units, {self.bf16 / self.fp32:.2g} times as fast as fp32"
        return f"no units, {_times(self)} slower than fp32"


def _times(speeds: Speeds) -> str:
    factor = speeds.fp32 / speeds.bf16
    return f"{factor:.1f} times" if factor < 10 else f"{factor:.0f} times"


@cache
def speeds() -> Speeds:
    """Of this device, measured once a process, in about a tenth of a second.

    One thread shows what units a core has, and unlike several it need not wait for a core that
    does something else.
    """
    import torch

    kinds, n_threads = (torch.float32, torch.bfloat16), torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        rounds = [[_gflop_per_s(kind) for kind in kinds] for _ in range(ROUNDS)]
    finally:
        torch.set_num_threads(n_threads)
    return Speeds(*map(max, zip(*rounds, strict=True)))


def _gflop_per_s(dtype: "torch.dtype") -> float:
    """Of a product that takes a millisecond or more."""
    import torch

    from bench.students.student import device

    n = SMALLEST
    while True:
        matrix = torch.ones(n, n, dtype=dtype, device=device())
        _seconds(matrix)  # the first one of a shape also compiles
        best = min(_seconds(matrix) for _ in range(TRIES))
        if best >= LONG_ENOUGH_S or n >= LARGEST:
            return 2 * n**3 / best / 1e9
        n *= 2


def _seconds(matrix: "torch.Tensor") -> float:
    from bench.ground.clock import clock

    began = clock()
    (matrix @ matrix)[0, 0].item()  # waits for the device
    return clock() - began


def asked(track: Track, *, trains: bool) -> Precision:
    """What a row of the track is made in; what is not trained only has the weights' own."""
    trained = trains and track.training.precision == "bf16"
    return "bf16" if trained or track.student.bf16_weights else "fp32"


def told(track: Track, *, trains: bool) -> dict[str, Any]:
    """For a record: the precision, and whether the device has units for it."""
    found = asked(track, trains=trains)
    return {"precision": found, "precision_units": found == "fp32" or speeds().has_units}


def warn(cells: Sequence[Cell]) -> None:
    """One line on stderr, once a process, if cells that are to be made ask for missing units."""
    from bench.students.student import device, device_type

    if device_type() != device().type:
        return  # another machine trains, and its units cannot be seen from here
    for cell in cells:
        if asked(cell.track, trains=cell.method.trains) == "bf16" and not speeds().has_units:
            return _say(_warning(cell.track, speeds()))


@cache
def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def _warning(track: Track, found: Speeds) -> str:
    from bench.students.student import device

    what = "CPU" if device().type == "cpu" else "GPU"
    weights = " and student.bf16_weights = false" if track.student.bf16_weights else ""
    return (
        f"track '{track.name}' asks for bf16, and this {what} multiplies it {_times(found)} slower"
        f" than fp32 ({found.bf16:.2g} against {found.fp32:.2g} GFLOP/s): the run will take many"
        " times as long. Use a machine with units for bf16, or copy the track under another name"
        f' with training.precision = "fp32"{weights}'
    )
