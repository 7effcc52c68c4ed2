"""Whether what training and timing spent can be what one run spent."""

import math
from collections.abc import Iterator

from leaderboard.store.record import N_POINTS, Record, Training
from leaderboard.verify.snapshot import told, whole
from leaderboard.verify.tree import Fault, Tree

SLOWEST, FASTEST = 1 / 20, 4
"""A batch is not twenty times slower than one question after another, nor four times faster than
as many questions at once."""
LAST, ROUNDED = (0.02, 50), 1e-6
"""A last step's loss over the mean of the last tenth, which was 0.53 to 2.03 on the board, with
batches that may be larger than others'; a curve has six decimals."""


def check_training(tree: Tree) -> Iterator[Fault]:
    """Laws between the numbers of one record."""
    for place, record in tree.records.items():
        laws = [*_training(record), *_latency(record)]
        yield from (Fault(tree.file(place), what, expected) for what, expected in laws)


def _training(record: Record) -> Iterator[tuple[str, str]]:
    spent = record.training
    steps = spent.n_steps
    for name in ("n_examples", "tokens", "seconds", "flops"):
        value = getattr(spent, name)
        if (value > 0) != (steps > 0):
            yield f"training.{name} {value:g} with {steps} steps", "above 0 exactly where it trains"
    if (spent.final_loss is not None) != (steps > 0):
        yield f"training.final_loss {spent.final_loss}", "null exactly where nothing trains"
    n_points = min(N_POINTS, steps)
    if len(spent.loss_curve) != n_points:
        yield (
            f"training.loss_curve of {len(spent.loss_curve)} points after {steps} steps",
            f"{n_points} points: a mean for each tenth of the steps",
        )
    restarts = told(record, "restarts")
    if spent.kept_ratio and isinstance(restarts, int) and len(spent.kept_ratio) != restarts + 1:
        yield (
            f"training.kept_ratio of {len(spent.kept_ratio)} runs with {restarts} restarts",
            "a share for each run between restarts",
        )
    yield from _losses(spent)
    yield from _left_out(record, spent)
    yield from _steps(record, spent)


def _losses(spent: Training) -> Iterator[tuple[str, str]]:
    """No loss is negative, and that of the last step is of the order of the last tenth's mean."""
    if spent.final_loss is None or not spent.loss_curve:
        return
    least, last = min(*spent.loss_curve, spent.final_loss), spent.loss_curve[-1]
    if least < 0:
        yield f"a loss of {least:g} in training", "0 or more: losses are likelihoods or distances"
    elif not LAST[0] * last - ROUNDED <= spent.final_loss <= LAST[1] * last + ROUNDED:
        yield (
            f"training.final_loss {spent.final_loss:g}, the curve's last point {last:g}",
            f"{LAST[0]:g} to {LAST[1]:g} times of it",
        )


def _left_out(record: Record, spent: Training) -> Iterator[tuple[str, str]]:
    """An example is left out at most as often as it is met, and where overflow is an error never:
    the run ends."""
    if told(record, "track", "decoding", "overflow") == "error":
        most, why = 0, "decoding.overflow is 'error', which ends a run"
    else:
        most = spent.n_steps * (_setting(record, "batch_size") or spent.n_examples)
        why = f"{spent.n_steps} steps meet no more"
    if spent.skipped_examples > most:
        yield f"training.skipped_examples {spent.skipped_examples}", f"{most} at most: {why}"


def _setting(record: Record, name: str) -> int | None:
    """Of training: the row's own, or the track's."""
    return whole(told(record, "own", "settings", name)) or whole(
        told(record, "track", "training", name)
    )


def _steps(record: Record, spent: Training) -> Iterator[tuple[str, str]]:
    """Whole epochs, where the track gives epochs and not another method's tokens."""
    epochs, batch = _setting(record, "epochs"), _setting(record, "batch_size")
    if told(record, "track", "training", "match") is not None or not (epochs and batch):
        return
    expected = epochs * math.ceil(spent.n_examples / batch)
    if spent.n_steps != expected:
        yield (
            f"training.n_steps {spent.n_steps} for {spent.n_examples} examples",
            f"{expected}: {epochs} epochs in batches of {batch}",
        )


def _latency(record: Record) -> Iterator[tuple[str, str]]:
    found, sets = record.latency, record.data_sets.values()
    if (found is None) != (record.kind == "corpus"):
        yield (
            f"latency is {'null' if found is None else 'there'}, of kind {record.kind!r}",
            "null exactly where no student ran",
        )
    if found is None:
        return
    for name in ("ttft_s", "tpot_s"):
        p50, p95 = (getattr(found, f"{name}_{q}") for q in ("p50", "p95"))
        if (p50 is None) != (p95 is None) or (p50 is not None and p50 > p95):
            yield f"latency.{name}: p50 {p50}, p95 {p95}", "p50 at most p95, or both null"
    n_fit = sum(each.overflow.count(0) for each in sets)
    asked = whole(told(record, "track", "decoding", "latency_questions"))
    if asked and found.n != min(asked, n_fit):
        yield (
            f"latency.n {found.n}",
            f"{min(asked, n_fit)}: decoding.latency_questions, of prompts that fit",
        )
    batch = whole(told(record, "track", "decoding", "batch_size"))
    n_calls = sum(sum(each.n_calls) for each in sets)
    n_more = sum(sum(each.generated_tokens) for each in sets) - n_calls
    alone = found.ttft_s_p50 * n_calls + (found.tpot_s_p50 or 0.0) * n_more
    n_items = sum(len(each.items) for each in sets)
    gain = alone / n_items * found.questions_per_s if n_items else 1.0
    if batch and not SLOWEST <= gain <= FASTEST * batch:
        yield (
            f"latency and questions_per_s: {batch} questions at once {gain:.3g} times as fast as"
            " one by one",
            f"{SLOWEST:g} to {FASTEST * batch} times: are its times in seconds?",
        )
