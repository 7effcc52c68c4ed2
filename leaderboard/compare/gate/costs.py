"""What a question costs, new beside base: counted, tested, or timed."""

from collections.abc import Iterator, Sequence
from statistics import median

from leaderboard.compare.gate.findings import Counted, Finding, Timed
from leaderboard.compare.per_question import per_question, spread_of
from leaderboard.stats.intervals import Component, difference
from leaderboard.store.record import DataSet, Latency, Record

LATENCY_RATIO = 1.3
LENGTHS = ("generated_tokens",)
_FIXED: dict[Counted, tuple[str, ...]] = {
    "prompt_tokens": (),
    "prefill_flops": ("prompt_tokens",),
    "decode_flops": ("prompt_tokens", "generated_tokens"),
    "helper_flops": ("prompt_tokens", "generated_tokens"),
}
"""Each cost, and the lengths that must agree on an item for the cost to be compared there."""
_TIMED: dict[Timed, str] = {"ttft": "ttft_s_p50", "tpot": "tpot_s_p50"}


def counted(base: Sequence[Record], new: Sequence[Record]) -> list[Finding]:
    """Exact costs of the seeds that both have, over the items where lengths agree."""
    by_seed = {record.seed: record for record in new}
    pairs = [(record, by_seed[record.seed]) for record in base if record.seed in by_seed]
    found: list[Finding] = []
    for metric in _FIXED:
        costs = [cost for old, now in pairs for cost in _comparable(old, now, metric)]
        if costs:
            # Integers to the end: a mean of large ones loses the last.
            before, after = sum(old for old, _ in costs), sum(now for _, now in costs)
            found.append(
                Finding(
                    track=base[0].track,
                    label=base[0].label,
                    metric=metric,
                    base=before / len(costs),
                    new=after / len(costs),
                    file=base[0].place,
                    verdict="regression" if after > before else "ok",
                )
            )
    return found


def generated(
    base: Sequence[Record], new: Sequence[Record], pool: Component | None
) -> list[Finding]:
    """Whether completions are longer: a one-sided test over all questions alike, items paired,
    seeds independent; [] where the base generated nothing.

    A row whose own seeds differ by more than the pool has them is judged by its own.
    """
    old, now = (per_question(side, base[0], LENGTHS) for side in (base, new))
    before = float(old.mean())
    if before == 0:
        return []
    sides = ([old / before], [now / before])
    spread = spread_of(base, sides, pool)
    return [
        Finding(
            track=base[0].track,
            label=base[0].label,
            metric="generated_tokens",
            base=before,
            new=float(now.mean()),
            file=base[0].place,
            p=difference(*sides, (spread, spread)).p_drop,
        )
    ]


def timed(base: Sequence[Record], new: Sequence[Record], most: float) -> list[Finding]:
    """Latencies over the calibration loop of their own run, medians over the records that timed
    it; [] where either side has none."""
    found: list[Finding] = []
    for metric, column in _TIMED.items():
        if _relative(base, column) and _relative(new, column):
            before, after = median(_relative(base, column)), median(_relative(new, column))
            found.append(
                Finding(
                    track=base[0].track,
                    label=base[0].label,
                    metric=metric,
                    base=before,
                    new=after,
                    file=base[0].place,
                    most=most,
                    verdict="regression" if after > most * before else "ok",
                )
            )
    return found


def is_calibrated(records: Sequence[Record]) -> bool:
    """Whether a latency of the records can be held against another's."""
    return any(_relative(records, column) for column in _TIMED.values())


def _relative(records: Sequence[Record], column: str) -> list[float]:
    latencies: list[Latency] = [r.latency for r in records if r.latency is not None]
    return [
        getattr(each, column) / each.calibration_s
        for each in latencies
        if each.calibration_s and getattr(each, column) is not None
    ]


def _comparable(base: Record, new: Record, metric: Counted) -> Iterator[tuple[int, int]]:
    """(base, new) cost of each item whose lengths agree."""
    for name, old in base.data_sets.items():
        now = new.data_sets[name]
        if not getattr(old, metric) and not getattr(now, metric):
            continue  # neither asks a helper
        position = {item: j for j, item in enumerate(now.items)}
        for i, item in enumerate(old.items):
            j = position[item]
            if not _fed_back(old, i, now, j) and all(
                getattr(old, length)[i] == getattr(now, length)[j] for length in _FIXED[metric]
            ):
                yield _cost(old, metric, i), _cost(now, metric, j)


def _cost(data_set: DataSet, metric: Counted, i: int) -> int:
    costs: Sequence[int] = getattr(data_set, metric)
    return costs[i] if costs else 0


def _fed_back(old: DataSet, i: int, now: DataSet, j: int) -> bool:
    """Whether a later prompt holds an earlier completion, and the completions differ in length.

    Then the prompt is longer because of what the student said, not of how the method asks.
    """
    same_calls = old.n_calls[i] == now.n_calls[j] > 1
    return same_calls and old.generated_tokens[i] != now.generated_tokens[j]
