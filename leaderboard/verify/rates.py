"""Whether times are in seconds: rows of one student on one device are of one order of speed."""

from collections.abc import Callable, Iterator, Mapping
from statistics import median

from leaderboard.store.record import Record
from leaderboard.verify.tree import Fault, Tree

FACTOR = 50
"""From the median of the track: honest rows were within twelve, a wrong unit is a thousand."""
ENOUGH_ROWS = 3
"""Below, nobody can tell which row is the odd one."""


def check_rates(tree: Tree) -> Iterator[Fault]:
    """Rows that are of another order than the median of their track and device."""
    for table in tree.tables():
        for device in sorted({str(record.provenance.get("device")) for record in table.values()}):
            same = {p: r for p, r in table.items() if str(r.provenance.get("device")) == device}
            for name, of in _RATES.items():
                yield from _odd(tree, same, name, of)


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
