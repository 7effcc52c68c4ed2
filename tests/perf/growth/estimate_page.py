"""The estimate of the paper's matrix in words and tables."""

from collections.abc import Sequence
from itertools import groupby

from tests.perf.growth import estimate
from tests.perf.growth.estimate import H100, H200, QUICK, SLOW, Assumed, Card
from tests.perf.growth.matrix import BYTES, Row
from tests.perf.growth.words import digits, table

CARDS = (1, 2, 4, 8, 16, 32, 64)

HEAD = """## The paper's full matrix: an estimate, not a measurement

Nothing below was run. {n_methods} methods x {n_students} students x {n_seeds} seeds are {n_all}
cells; rows that draw nothing by the seed run once, which leaves {n_cells}. FLOPs and tokens are
those of `skbench run TRACK --dry-run`: our closed form, on a sample of rows and questions, with a
stand-in tokenizer where the student's is not at hand; `python -m tests.perf.growth.matrix DATA`
counts them."""
NOTES = """Bytes over the full bandwidth are a bound that decoding cannot beat, and the quick end
takes it. At the slow end a step takes the assumed time for each layer, as eager PyTorch starts
kernels one by one, or the bound where that is longer. Gradient checkpointing adds a third to
training, where a track sets it. Left out: loading, retrieval, scoring, latency probes, what is cut
off, and that small students may wait for kernels in training, too. Each cell fits one card."""


def told(rows: Sequence[Row]) -> str:
    """The section."""
    by_track = {name: list(found) for name, found in groupby(rows, lambda row: row.track)}
    n_methods, n_seeds = len({row.method for row in rows}), max(row.n_seeds for row in rows)
    head = HEAD.format(
        n_methods=n_methods,
        n_students=len(by_track),
        n_seeds=n_seeds,
        n_all=n_methods * len(by_track) * n_seeds,
        n_cells=sum(row.n_seeds for row in rows),
    )
    parts = [head, _assumptions(), *(_by_student(by_track, card) for card in (H100, H200))]
    return "\n\n".join([*parts, _on_cards(rows)]) + "\n"


def _assumptions() -> str:
    """What the hours follow from, beside the counts of `matrix.json`."""
    body = [
        ["peak, dense bf16, as its maker states it"]
        + [f"{card.name}: {card.flop_per_s / 1e12:.0f} TFLOP/s" for card in (H100, H200)],
        ["bandwidth, as its maker states it"]
        + [f"{card.name}: {card.bytes_per_s / 1e12:.2f} TB/s" for card in (H100, H200)],
        ["training and reading prompts: share of the peak"]
        + [f"{end.name}: {end.utilisation:.0%}" for end in (QUICK, SLOW)],
        ["decoding: least time of a layer's step"]
        + [f"{end.name}: {end.launch_s * 1e3:g} ms" for end in (QUICK, SLOW)],
        ["decoding: bytes moved", f"{BYTES} a weight, once a step", f"{BYTES} a key and a value"],
        ["decoding: batch", "what the track and the cache allow", "full to the last step"],
        ["FLOPs of training", "3 x forward: full fine-tuning", "LoRA: up to a third less"],
        ["what is written", "trained rows: a training target", "others: to the limit"],
    ]
    return table(["assumed", "", " "], body, left=3) + f"\n\n{NOTES}"


def _by_student(by_track: dict[str, list[Row]], card: Card) -> str:
    body = [
        [rows[0].student, f"{rows[0].n_parameters / 1e9:.2f}", f"{sum(r.n_seeds for r in rows)}"]
        + [_ends(rows, card, part) for part in ("training", "prefill", "decoding", "total")]
        for rows in by_track.values()
    ]
    every = [row for rows in by_track.values() for row in rows]
    parts = [_ends(every, card, part) for part in ("training", "prefill", "decoding", "total")]
    body.append(["all", "", f"{sum(r.n_seeds for r in every)}", *parts])
    head = ["student", "B parameters", "cells", "training", "reading prompts", "decoding", "all"]
    return f"GPU-hours on one {card.name}, quick to slow:\n\n{table(head, body)}"


def _ends(rows: Sequence[Row], card: Card, part: str) -> str:
    quick, slow = (
        sum(row.n_seeds * getattr(estimate.hours(row, card, end), part) for row in rows)
        for end in (QUICK, SLOW)
    )
    return f"{digits(quick)} to {digits(slow)}"


def _on_cards(rows: Sequence[Row]) -> str:
    ends = {end.name: estimate.cells(rows, H100, end) for end in (QUICK, SLOW)}
    body = [
        [f"{n}", *(digits(estimate.makespan(found, n)) for found in ends.values())] for n in CARDS
    ]
    shown = table(["cards", *(f"hours, {name}" for name in ends)], body)
    lines = [_bound(rows, end) for end in (QUICK, SLOW)]
    about = (
        f"Cells are independent, so cards of the kind {H100.name} divide them, the longest first:"
    )
    return "\n\n".join([about, shown, "\n".join(lines)])


def _bound(rows: Sequence[Row], assumed: Assumed) -> str:
    found = estimate.cells(rows, H100, assumed)
    row = max(rows, key=lambda row: estimate.hours(row, H100, assumed).total)
    n = estimate.most_useful(found)
    return (
        f"- {assumed.name}: the longest cell, `{row.method}` on {row.student}, takes"
        f" {digits(found[0])} hours; from {n} cards on it alone is the time of the whole, and no"
        " further card helps"
    )
