"""Convergence bands: whether a run's training loss went the way of the published runs.

A band is made per tenth of the optimizer steps from the curves of one label's published seeds:
from their lowest to their highest, in log(loss + SOFT), and a margin on either side, which is
the larger of 3 standard deviations over seeds and log(1 + LEAST).

Why half: fresh seeds of pocket differ by up to 9 % (one standard deviation of a tenth), most
with few items, and the largest of ten tenths must stay inside even against one or two published
seeds. A loss whose labels are shifted by one, or whose mask is lost, is 3 to 30 times as high in
the first tenth. What a band cannot see is a fault of a few tens of percent: a mask that begins
one token early adds 20 to 40 % there.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from math import exp, log
from statistics import stdev
from typing import Any

from leaderboard.rows.row import Row
from leaderboard.stats.formats import NONE, tabulated
from leaderboard.store.record import Record

LEAST = 0.5
SOFT = 0.02
"""Nats: at a loss below this, ratios are noise and only the absolute difference counts."""


@dataclass(frozen=True, slots=True)
class Judgement:
    """One run against the band of its label."""

    label: str
    seed: int
    n_reference: int
    """Published runs of the label that made the band, this one left out; 0: not judged."""
    curve: list[float]
    """Mean training loss of each tenth of the steps, in nats; [] where the record holds none."""
    outside: list[int]
    """Tenths of the steps outside the band, the first is 0."""

    @property
    def verdict(self) -> str:
        """What a reader is told: which part of training is outside, or why nothing was judged."""
        if not self.curve:
            return "no loss curve"
        if not self.n_reference:
            return "no reference"
        if not self.outside:
            return "inside"
        parts = [f"{10 * tenth}-{10 * tenth + 10} %" for tenth in self.outside]
        return f"OUTSIDE at {', '.join(parts)} of the steps"


def band(losses: Sequence[float]) -> tuple[float, float]:
    """Lowest and highest healthy loss, in nats, where the reference runs had these."""
    logs = [log(max(loss, 0.0) + SOFT) for loss in losses]
    margin = max(3 * stdev(logs) if len(logs) > 1 else 0.0, log(1 + LEAST))
    return max(0.0, exp(min(logs) - margin) - SOFT), exp(max(logs) + margin) - SOFT


def outside(curve: Sequence[float], reference_curves: Sequence[Sequence[float]]) -> list[int]:
    """Positions of `curve` (mean loss of each tenth, the first is 0) that leave the band.

    The curve of a run that is not done, with its first tenths alone, is judged as far as it
    goes. A loss that is not a finite number is outside. Without reference curves nothing is.
    """
    found: list[int] = []
    for tenth, loss in enumerate(curve):
        losses = [each[tenth] for each in reference_curves if tenth < len(each)]
        if not losses:
            continue
        low, high = band(losses)
        if not low <= loss <= high:  # also where the loss is no number
            found.append(tenth)
    return found


def judge(records: Sequence[Record], published: Sequence[Record]) -> list[Judgement]:
    """Every trained run against the other published runs of its label: a run that is itself
    published is left out of its own band. Sorted by label and seed."""
    found: list[Judgement] = []
    for record in sorted(records, key=lambda r: (r.label, r.seed)):
        if record.training.tokens:
            curve = record.training.loss_curve
            reference = _curves(record, published) if curve else []
            bad = outside(curve, reference)
            found.append(Judgement(record.label, record.seed, len(reference), curve, bad))
    return found


def flagged(rows: Sequence[Row], judgements: Sequence[Judgement]) -> list[Row]:
    """The rows, with what is outside the band of the label's published runs."""
    return [
        replace(
            row,
            outside=[
                f"seed {each.seed}: {each.verdict}"
                for each in judgements
                if each.label == row.method and each.outside
            ],
        )
        for row in rows
    ]


def bands_json(judgements: Sequence[Judgement]) -> list[dict[str, Any]]:
    """Judgements as plain data."""
    return [asdict(each) | {"verdict": each.verdict} for each in judgements]


def bands_text(judgements: Sequence[Judgement]) -> str:
    """One line per run, and how many are outside."""
    body = [
        [each.label, str(each.seed), str(each.n_reference or NONE), each.verdict]
        for each in judgements
    ]
    judged = [each for each in judgements if each.n_reference]
    n_outside = sum(bool(each.outside) for each in judged)
    table = tabulated(("method", "seed", "reference runs", "training loss"), body, "text")
    return f"{table}\n\n{n_outside} of {len(judged)} judged runs outside their band"


def _curves(record: Record, published: Sequence[Record]) -> list[list[float]]:
    return [
        other.training.loss_curve
        for other in published
        if other.label == record.label and other.training.loss_curve and other != record
    ]
