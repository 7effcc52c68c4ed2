"""A checkpoint that was judged, held against a row of the board: questions and lengths alone."""

from collections.abc import Sequence
from dataclasses import replace

from leaderboard.compare.gate.findings import QUALITY, Metric, Report, empty, judged
from leaderboard.compare.gate.reach import reach
from leaderboard.compare.regress import Rule, comparable, of
from leaderboard.store.record import Record

COMPARED: tuple[Metric, ...] = (*QUALITY, "prompt_tokens", "generated_tokens")
"""The checkpoint may be of another shape and machine: its FLOPs and times are its own."""


def held(base: Sequence[Record], against: str, checkpoint: Sequence[Record]) -> Report:
    """The checkpoint's records beside those of a label of the base, which has some.

    How it was trained is not known, so it counts as one more draw of the row's training: a run of
    the row itself is no regression.
    """
    report, rows = empty(), of(base, against)
    label, track = checkpoint[0].label, rows[0].track
    if checkpoint[0].version != rows[0].version:
        report.incomplete.append(
            f"{track}/{label}: judged on v{checkpoint[0].version}, the base has"
            f" v{rows[0].version} of the track; judge it again"
        )
        return report
    if not comparable(rows, checkpoint, report):
        return report
    rule = Rule.of(base)
    stand_ins = [_as_run_of(rows[0], record) for record in checkpoint]
    found = [f for f in rule.findings(rows, stand_ins) if f.metric in COMPARED]
    report.findings.extend(replace(f, label=label) for f in judged(found))
    seeds = ", ".join(str(record.seed) for record in rows)
    report.notes.append(f"{track}: {label} against {against}, seed {seeds} of the base")
    if not any(f.metric == "prompt_tokens" for f in found):
        report.notes.append(
            f"{track}: prompt tokens are compared within a seed, and the base has none of"
            f" {', '.join(str(record.seed) for record in checkpoint)}"
        )
    report.reach.append(reach(track, {against: (rows, stand_ins)}, base, rule.pool))
    return report


def _as_run_of(row: Record, checkpoint: Record) -> Record:
    """Its answers as another run of the row's: of its kind, which says how far seeds differ."""
    return replace(
        checkpoint,
        track=row.track,
        label=row.label,
        training=row.training,
        latency=None,
        snapshot={**checkpoint.snapshot, "own": row.own},
    )
