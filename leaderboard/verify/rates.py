"""Whether times are in seconds: rows of one student on one device are of one order of speed, and
no device is faster than those that there are."""

from collections.abc import Callable, Iterator, Mapping
from statistics import median

from leaderboard.store.record import Record
from leaderboard.verify.snapshot import whole
from leaderboard.verify.tree import Fault, Tree

FACTOR = 50
"""From the median of the track: honest rows were within twelve, a wrong unit is a thousand."""
MOST_OF_CPU, MOST_OF_ANY = 1e14, 1e16
"""FLOPs a second, above what server processors with matrix units, and what accelerators do."""
ENOUGH_ROWS = 3
"""Below, nobody can tell which row is the odd one."""


def check_rates(tree: Tree) -> Iterator[Fault]:
    """Rows that are of another order than the median of their track and device, or beyond
    any device."""
    for place, record in tree.records.items():
        yield from (Fault(tree.file(place), *fault) for fault in _beyond(record))
    for table in tree.tables():
        for device in sorted({str(record.provenance.get("device")) for record in table.values()}):
            same = {p: r for p, r in table.items() if str(r.provenance.get("device")) == device}
            for name, of in _RATES.items():
                yield from _odd(tree, same, name, of)


def _beyond(record: Record) -> Iterator[tuple[str, str]]:
    """Rates that no device has, whatever it is called."""
    is_cpu = str(record.provenance.get("device")).startswith("CPU")
    n_devices = whole(record.provenance.get("processes")) or 1
    most = n_devices * (MOST_OF_CPU if is_cpu else MOST_OF_ANY)
    for name, flops_per_s in _speeds(record).items():
        if flops_per_s > most:
            yield (
                f"{name}: {flops_per_s:.3g} FLOPs a second",
                f"{most:g} at most{' on a CPU' * is_cpu}: are its times in seconds?",
            )


def _speeds(record: Record) -> dict[str, float]:
    """FLOPs a second that each time implies, at the mean cost of a call, question and run."""
    spent, times, sets = record.training, record.latency, record.data_sets.values()
    found = {"training.seconds": spent.flops / spent.seconds} if spent.seconds else {}
    n_calls = sum(sum(each.n_calls) for each in sets)
    if times is not None and n_calls:
        prefill = sum(sum(each.prefill_flops) for each in sets)
        decode = sum(sum(each.decode_flops) for each in sets)
        n_items = sum(len(each.items) for each in sets)
        found["latency.ttft_s_p50"] = prefill / n_calls / times.ttft_s_p50
        found["latency.questions_per_s"] = (prefill + decode) / n_items * times.questions_per_s
    return found


def _odd(
    tree: Tree, records: Mapping[str, Record], name: str, of: Callable[[Record], float | None]
) -> Iterator[Fault]:
    found = {place: rate for place, record in records.items() if (rate := of(record))}
    if len(found) < ENOUGH_ROWS:
        return
    usual = median(found.values())
    for place, rate in found.items():
        if not usual / FACTOR <= rate <= usual * FACTOR:
            yield Fault(
                tree.file(place),
                f"{name} {rate:.3g}, the median of the track on its device {usual:.3g}",
                f"within {FACTOR} times of it: are its times in seconds?",
            )


def _ttft(record: Record) -> float | None:
    return record.latency and record.latency.ttft_s_p50


def _tpot(record: Record) -> float | None:
    return record.latency and record.latency.tpot_s_p50


def _training(record: Record) -> float | None:
    spent = record.training
    return spent.tokens / spent.seconds if spent.seconds else None


_RATES: Mapping[str, Callable[[Record], float | None]] = {
    "latency.ttft_s_p50": _ttft,
    "latency.tpot_s_p50": _tpot,
    "training tokens a second": _training,
}
