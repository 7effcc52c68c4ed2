"""An alarm is asked again of seeds that neither side had: it fails where they alarm as well.

What is counted needs no second opinion, and a row that draws nothing by its seed can give none:
their alarms stand. Base and items are the same in both tests, so that two false alarms are less
rare than the square of one; but never more frequent than the first.
"""

import shlex
from collections.abc import Sequence
from dataclasses import replace

from leaderboard.compare.gate.findings import Again, Finding, Report, judged
from leaderboard.compare.regress import Rule, comparable, of
from leaderboard.store.reading import RecordError
from leaderboard.store.record import Record

FEWEST = 2
"""Fresh seeds to ask, where the new side has fewer."""


def reruns(
    report: Report, base: Sequence[Record], new: Sequence[Record], gate: Sequence[str]
) -> list[str]:
    """The commands that run fresh seeds of what alarmed, and the gate's own with them; [] where
    nothing alarmed that a rerun could take back. `gate` are the words of the gate's command."""
    labels = [label for label in _alarmed(report) if _draws([*of(base, label), *of(new, label)])]
    if not labels:
        return []
    n = max(FEWEST, *(len(of(new, label)) for label in labels))
    first = 1 + max(record.seed for record in [*base, *new])
    seeds = ",".join(str(seed) for seed in range(first, first + n))
    found: dict[tuple[str, ...], list[str]] = {}
    for label in labels:
        words, method = _command(of(new, label)[0])
        found.setdefault(words, []).append(method)
    commands = [
        [*words, "--methods", ",".join(methods), "--seeds", seeds]
        for words, methods in found.items()
    ]
    return [shlex.join(words) for words in (*commands, [*gate, "--confirm", seeds])]


def confirmed(
    report: Report,
    base: Sequence[Record],
    fresh: Sequence[Record],
    seeds: Sequence[int],
    rule: Rule,
) -> Report:
    """The report of a track with each alarm tested again, fresh seeds alone beside all of the base,
    at the same levels, after Holm over the alarms. RecordError where a seed is not fresh."""
    if stale := sorted({record.seed for record in base} & set(seeds)):
        raise RecordError(
            f"--confirm: the base has seed {', '.join(map(str, stale))}; name seeds that it has not"
        )
    incomplete, found = list(report.incomplete), list[Finding]()
    waiting: set[str] = set()
    part = replace(report, incomplete=incomplete)
    for label in _alarmed(report):
        old, now = of(base, label), of(fresh, label)
        if not now and not _draws(old):
            continue
        if missing := sorted(set(seeds) - {record.seed for record in now}):
            told = ", ".join(map(str, missing))
            incomplete.append(f"{old[0].track}/{label}: no local record of fresh seed {told}")
            waiting.add(label)
        elif comparable(old, now, part):
            found += rule.findings(old, now)
        else:
            waiting.add(label)
    alarms = {(f.label, f.metric) for f in report.findings if f.regression and not f.is_exact}
    second = {
        (f.label, f.metric): f for f in judged([f for f in found if (f.label, f.metric) in alarms])
    }

    def asked(first: Finding) -> Finding:
        if (first.label, first.metric) not in alarms:
            return first
        if first.label in waiting:
            return replace(first, verdict="unconfirmed")
        then = second.get((first.label, first.metric))
        if then is None:
            return first
        said = Again(sorted(seeds), then.new, then.p)
        return replace(
            first, verdict="regression" if then.regression else "unconfirmed", again=said
        )

    return replace(part, findings=[asked(first) for first in report.findings])


def _alarmed(report: Report) -> list[str]:
    """Labels with an alarm that chance may have raised."""
    return sorted({f.label for f in report.findings if f.regression and not f.is_exact})


def _draws(records: Sequence[Record]) -> bool:
    """Whether another seed gives another run."""
    return any(record.training.n_steps or record.seed for record in records)


def _command(record: Record) -> tuple[tuple[str, ...], str]:
    """The words that made the record, less its method and seed; and its method."""
    told = record.provenance.get("command")
    words = shlex.split(told) if isinstance(told, str) else []
    if not {"--methods", "--seeds"} <= {*words[:-1]}:
        return ("skbench", "run", record.track), record.label
    at, by = words.index("--methods"), words.index("--seeds")
    kept = [word for i, word in enumerate(words) if i not in (at, at + 1, by, by + 1)]
    return tuple(kept), words[at + 1]
