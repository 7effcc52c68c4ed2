"""What training a row of pocket took, from the committed records: nothing is measured anew."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

RECORDS = Path(__file__).parents[3] / "leaderboard" / "records" / "v2" / "pocket"
REFERENCE = "std_cot"


@dataclass(frozen=True, slots=True)
class Step:
    """An optimizer step of a method, its runs' median; and the most memory of its runs."""

    label: str
    seeds: int
    seconds: float
    least: float
    most: float
    tokens: float
    flops: float
    peak_bytes: int


def steps() -> list[Step]:
    """Of each method that trains, with its own settings, the reference first."""
    found = [_step(folder) for folder in sorted(RECORDS.iterdir()) if "[" not in folder.name]
    return sorted(filter(None, found), key=lambda each: (each.label != REFERENCE, each.seconds))


def devices() -> list[str]:
    """Where the records were made."""
    bodies = [body for folder in RECORDS.iterdir() for body in _bodies(folder)]
    return sorted({body["provenance"]["device"] for body in bodies})


def _step(folder: Path) -> Step | None:
    bodies = _bodies(folder)
    if not all(body["training"]["n_steps"] for body in bodies):
        return None
    seconds = _each(bodies, "seconds")
    return Step(
        label=folder.name,
        seeds=len(bodies),
        seconds=median(seconds),
        least=min(seconds),
        most=max(seconds),
        tokens=median(_each(bodies, "tokens")),
        flops=median(_each(bodies, "flops")),
        peak_bytes=max(body["latency"]["peak_memory_bytes"] for body in bodies),
    )


def _bodies(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(path.read_bytes()) for path in sorted(folder.glob("seed*.json"))]


def _each(bodies: Sequence[Mapping[str, Any]], name: str) -> list[float]:
    """A cost of training in each run, over its steps."""
    return [body["training"][name] / body["training"]["n_steps"] for body in bodies]
