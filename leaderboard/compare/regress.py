"""Whether new records are worse than base records: the gate of continuous integration."""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean

from leaderboard.compare.gate.costs import (
    LATENCY_RATIO,
    LENGTHS,
    counted,
    generated,
    is_calibrated,
    timed,
)
from leaderboard.compare.gate.findings import Finding, Report, empty, judged
from leaderboard.compare.gate.reach import reach
from leaderboard.compare.pair import check_pairs, group_difference
from leaderboard.compare.per_question import pool_of
from leaderboard.stats.averages import Seeds, matrices, seeds
from leaderboard.stats.intervals import Component
from leaderboard.store.reading import RecordError
from leaderboard.store.record import GROUPS, Record


@dataclass(frozen=True, slots=True)
class Rule:
    """What counts as worse: how far runs of one row differ by their seed, and what is tolerated."""

    pool: Seeds
    lengths: Component | None
    """The same of generated tokens, as a share of the row's."""
    latency_ratio: float

    @classmethod
    def of(cls, *tables: Sequence[Record], latency_ratio: float = LATENCY_RATIO) -> "Rule":
        """As the runs of the tables tell, each once; RecordError where seeds of a row answered
        other items."""
        return cls(seeds(*tables), pool_of(LENGTHS, *tables), latency_ratio)

    def findings(self, base: Sequence[Record], new: Sequence[Record]) -> list[Finding]:
        """All comparisons of one label; tests are not adjusted yet, nor judged."""
        return [
            *_accuracy(base, new, self.pool),
            *counted(base, new),
            *generated(base, new, self.lengths),
            *timed(base, new, self.latency_ratio),
        ]


def regress(
    track: str,
    base: Sequence[Record],
    new: Sequence[Record],
    *,
    common: bool = False,
    latency_ratio: float = LATENCY_RATIO,
) -> Report:
    """Compare the records of one track, label by label.

    With `common` only the (label, seed) pairs that both have, so that one new seed can be
    compared with the same one of three; where there is none, the report is incomplete.
    """
    report, known = empty(), base
    if base and new and base[0].version != new[0].version:
        report.notes.append(
            f"{track}: base has v{base[0].version}, new v{new[0].version}:"
            " another suite version, nothing compared"
        )
        return report
    rule = Rule.of(base, new, latency_ratio=latency_ratio)
    if common:
        base, new = _shared(base, new), _shared(new, base)
        if not base:
            report.incomplete.append(
                f"{track}: base and new have no (label, seed) in common; nothing was compared"
            )
            return report
    if not base:
        report.notes.append(f"{track}: the base has no records; nothing to compare")
    found: list[Finding] = []
    sides: dict[str, tuple[list[Record], list[Record]]] = {}
    for label in sorted({record.label for record in base}):
        old, now = of(base, label), of(new, label)
        if _can_be_compared(old, now, report):
            sides[label] = old, now
            found += rule.findings(old, now)
    report.findings.extend(judged(found))
    if sides:
        report.reach.append(reach(track, sides, known, rule.pool))
        untimed = [label for label, pair in sides.items() if not all(map(is_calibrated, pair))]
        if untimed:
            report.notes.append(
                f"{track}: latency is not compared for {len(untimed)} of {len(sides)} rows: base or"
                " new has no calibration loop beside it"
            )
    return report


def of(records: Sequence[Record], label: str) -> list[Record]:
    """Those of a label, which may be none."""
    return [record for record in records if record.label == label]


def comparable(base: Sequence[Record], new: Sequence[Record], report: Report) -> bool:
    """Whether both answered the same items; what differs goes to the report."""
    try:
        check_pairs(new, base)
    except RecordError as error:
        name = f"{base[0].track}/{base[0].label}"
        report.incomplete.append(f"{name}: base and new differ: {error}")
        return False
    return True


def _can_be_compared(base: Sequence[Record], new: Sequence[Record], report: Report) -> bool:
    """Whether the records of a label can be; what is missing goes to the report."""
    missing = sorted({r.seed for r in base} - {r.seed for r in new})
    if missing:
        name = f"{base[0].track}/{base[0].label}"
        report.incomplete.append(f"{name}: no new record of seed {', '.join(map(str, missing))}")
    return bool(new) and comparable(base, new, report)


def _shared(records: Sequence[Record], others: Sequence[Record]) -> list[Record]:
    """The records whose label and seed are among the others'."""
    pairs = {(other.label, other.seed) for other in others}
    return [record for record in records if (record.label, record.seed) in pairs]


def _accuracy(base: Sequence[Record], new: Sequence[Record], pool: Seeds) -> list[Finding]:
    found: list[Finding] = []
    for group in GROUPS:
        gap = group_difference(new, base, group, pool)
        if gap is not None:
            before = fmean(float(matrix.mean()) for matrix in matrices(base, group))
            found.append(
                Finding(
                    track=base[0].track,
                    label=base[0].label,
                    metric=group,
                    base=before,
                    new=before + gap.value,
                    file=base[0].place,
                    p=gap.p_drop,
                )
            )
    return found
