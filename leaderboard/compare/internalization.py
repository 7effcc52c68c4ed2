"""Internalization: how much of the knowledge a student still needs to see while it trains."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

import numpy as np

from leaderboard.stats.formats import (
    DIRTY,
    MARKS,
    NONE,
    TableFormat,
    interval,
    marked,
    percent,
    tabulated,
)
from leaderboard.stats.intervals import Estimate, Matrix, headline
from leaderboard.store.probes import ProbePoint, ProbeRecord
from leaderboard.store.reading import RecordError


@dataclass(frozen=True, slots=True)
class Reading:
    """One label at one point of training, its seeds brought together; fractions."""

    progress: float
    accuracy: list[Estimate]
    """Per share: mean over seeds, 95 % interval over items and seeds."""
    per_seed: list[list[float]]
    """(shares, seeds)"""
    cloze: Estimate | None
    """P@1 over all facts; None where the probe has no facts."""


@dataclass(frozen=True, slots=True)
class Internalization:
    """One label of a track over the course of training."""

    label: str
    seeds: list[int]
    shares: list[float]
    readings: list[Reading]
    dirty: bool


def internalization(probes: Sequence[ProbeRecord]) -> list[Internalization]:
    """One entry per label; RecordError where probes of a track asked different things."""
    for probe in probes:
        for name in ("track", "version", "items", "shares", "facts"):
            if getattr(probe, name) != getattr(probes[0], name):
                raise RecordError(
                    f"{probe.track}/{probe.label} seed {probe.seed}: the probe has other {name}"
                    f" than {probes[0].label} seed {probes[0].seed}; probe both in the same way"
                )
    ordered = sorted(probes, key=lambda probe: (probe.label, probe.seed))
    return [
        _of_label(label, list(group)) for label, group in groupby(ordered, key=lambda p: p.label)
    ]


def probes_table(found: Sequence[Internalization], form: TableFormat) -> str:
    """One line per label and point of training."""
    shares = found[0].shares if found else []
    headers = ["method", "seeds", "progress", *(f"{100 * share:.0f} %" for share in shares)]
    body = [
        line for each in found for line in _lines(each, marked(each.label, {DIRTY: each.dirty}))
    ]
    return tabulated([*headers, "cloze P@1"], body, form)


def probes_legend(found: Sequence[Internalization]) -> str:
    """What the table means."""
    note = (
        "Accuracy in % on the probe's questions with that share of the words of their knowledge in"
        " the prompt, [95 % interval over items and seeds]; 0 %: the question alone. progress:"
        " share of the optimizer steps done. cloze P@1: % of the facts that the student completes"
        " rightly, before -> after training in the last line."
    )
    dirty = f" {DIRTY} {MARKS[DIRTY]}."
    return note + (dirty if any(each.dirty for each in found) else "")


def _of_label(label: str, probes: Sequence[ProbeRecord]) -> Internalization:
    first = probes[0]
    at = [point.progress for point in first.points]
    for probe in probes:
        if [point.progress for point in probe.points] != at:
            raise RecordError(
                f"{probe.track}/{label}: seeds {first.seed} and {probe.seed} were probed at other"
                " points of training; probe both in the same way"
            )
    return Internalization(
        label=label,
        seeds=[probe.seed for probe in probes],
        shares=first.shares,
        readings=[_reading([probe.points[i] for probe in probes]) for i in range(len(at))],
        dirty=any(probe.provenance.get("dirty") is True for probe in probes),
    )


def _reading(points: Sequence[ProbePoint]) -> Reading:
    """The seeds' outcomes at one point of training."""
    by_share = np.array([point.accuracy for point in points], dtype=np.float64).swapaxes(0, 1)
    cloze = np.array([point.cloze for point in points], dtype=np.float64)
    shares: list[Matrix] = list(by_share)
    return Reading(
        progress=points[0].progress,
        accuracy=[headline([outcomes]) for outcomes in shares],
        per_seed=[outcomes.mean(axis=1).tolist() for outcomes in shares],
        cloze=headline([cloze]) if cloze.size else None,
    )


def _lines(each: Internalization, name: str) -> list[list[str]]:
    lines: list[list[str]] = []
    for i, reading in enumerate(each.readings):
        head = [name, str(len(each.seeds))] if i == 0 else ["", ""]
        cells = [interval(accuracy) for accuracy in reading.accuracy]
        lines.append([*head, f"{reading.progress:g}", *cells, _cloze(reading)])
    if len(lines) > 1 and each.readings[0].cloze is not None:
        lines[-1][-1] = f"{_cloze(each.readings[0])} -> {lines[-1][-1]}"
    return lines


def _cloze(reading: Reading) -> str:
    return NONE if reading.cloze is None else percent(reading.cloze.value)
