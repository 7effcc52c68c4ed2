"""Fair treatment: what each row was given, beside what the track's reference was given."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Any, cast

from leaderboard.stats.formats import (
    DIRTY,
    MARKS,
    NONE,
    SKEWED,
    UNEQUAL,
    TableFormat,
    marked,
    tabulated,
)
from leaderboard.store.board import by_label
from leaderboard.store.comparable import track_settings
from leaderboard.store.record import Record

TOLERANCE = 0.05
"""Tokens may differ by this share: batches are drawn by seed, and prompts differ by a word."""
GIVEN: Mapping[str, str] = {
    "train_tokens": "training tokens",
    "n_steps": "optimizer steps",
    "n_examples": "examples",
    "teacher_tokens": "teacher tokens",
    "teacher_and_helper_flops": "teacher FLOPs",
    "written_tokens": "tokens that the student wrote",
    "tuning_trials": "tuning trials",
}
"""What training was given, and how a warning calls it."""
_ROUGH = frozenset({"train_tokens", "teacher_tokens", "teacher_and_helper_flops", "written_tokens"})
"""Those that match within the tolerance; the others match exactly."""
_TELLING = frozenset({"train_tokens", "n_steps", "tuning_trials", "decoding"})
"""Where a difference could by itself explain a difference in accuracy: the main table marks it.
What the teacher wrote is a method's own need; so are restarts, and examples that it leaves out."""


@dataclass(frozen=True, slots=True)
class Treatment:
    """What the runs of one label were given: means over seeds.

    `ratios` are to the track's reference label, by the names of the fields; None where one of
    the two does not train or the reference has none of it. `warnings` say in words what is not
    matched, by the names of the fields; {} where the reference has no row.
    """

    label: str
    n_seeds: int
    trains: bool
    train_tokens: float
    n_steps: float
    n_examples: float
    teacher_tokens: float
    teacher_and_helper_flops: float
    """Of a teacher of logits, a critic and a reranker."""
    written_tokens: float
    """That the student itself wrote to learn on."""
    tuning_trials: float
    restarts: int | None
    """Fresh starts of the optimizer within a run; None where the records do not say."""
    decoding: Mapping[str, Any] | None
    same_decoding: bool | None
    """Whether it is the reference's; None where the records of one do not say."""
    ratios: dict[str, float | None]
    warnings: dict[str, str]
    dirty: bool
    skewed: bool

    @property
    def telling(self) -> list[str]:
        """The warnings that the main table marks."""
        return [text for what, text in self.warnings.items() if what in _TELLING]


def audit(records: Sequence[Record]) -> list[Treatment]:
    """The treatment of every label of one track, by label, each against the reference."""
    groups = by_label(records)
    reference = groups.get(records[0].reference) if records else None
    return [_treatment(group, reference) for group in groups.values()]


def audit_table(treatments: Sequence[Treatment], form: TableFormat) -> str:
    """One line per label; what it was given, and in brackets the ratio to the reference."""
    headers = (
        "method", "train tok", "steps", "examples", "teacher tok", "teacher FLOPs", "trials",
        "restarts", "decoding", "not matched",
    )  # fmt: skip
    return tabulated(headers, [_cells(each) for each in treatments], form)


def audit_legend(treatments: Sequence[Treatment], reference: str) -> str:
    """What the audit's table means, and the marks that are in it."""
    note = (
        f"Means over seeds, in brackets the ratio to {reference}. Not matched: tokens and teacher"
        f" FLOPs by more than {100 * TOLERANCE:.0f} %, the others by any difference. Rows that do"
        " not train are compared in decoding alone. Trials: learning rates that were tried on dev;"
        " a row with a knob of its own had values of that tried at the best of them."
    )
    if not any(each.label == reference for each in treatments):
        note += f" {reference} has no row here: nothing was compared."
    if any(each.telling for each in treatments):
        note += f" {UNEQUAL} {MARKS[UNEQUAL].format(reference=reference)}."
    if any(each.skewed for each in treatments):
        note += f" {SKEWED} {MARKS[SKEWED]}."
    if any(each.dirty for each in treatments):
        note += f" {DIRTY} {MARKS[DIRTY]}."
    return note


def _treatment(records: Sequence[Record], reference: Sequence[Record] | None) -> Treatment:
    spent, trains = _spent(records), _trains(records)
    base = _spent(reference) if reference and trains and _trains(reference) else None
    unlike = _decoding_differences(records, reference)
    warnings = _warnings(spent, base) if base else {}
    restarts, others = _restarts(records[0]), _restarts(reference[0]) if reference else None
    if base and None not in (restarts, others) and restarts != others:
        warnings["restarts"] = f"restarts {restarts}, the reference {others}"
    if unlike:
        warnings["decoding"] = f"decoding: {', '.join(unlike)}"
    return Treatment(
        label=records[0].label,
        n_seeds=len(records),
        trains=trains,
        restarts=restarts,
        decoding=_decoding(records[0]),
        same_decoding=None if unlike is None else not unlike,
        ratios={name: spent[name] / base[name] if base and base[name] else None for name in GIVEN},
        warnings=warnings,
        dirty=any(record.provenance.get("dirty") is True for record in records),
        skewed=any(record.skewed for record in records),
        **spent,
    )


def _trains(records: Sequence[Record]) -> bool:
    return any(record.training.tokens for record in records)


def _spent(records: Sequence[Record]) -> dict[str, float]:
    stored = {"train_tokens": "tokens", "teacher_and_helper_flops": "teacher_flops"}
    found = {
        name: fmean(getattr(record.training, stored.get(name, name)) for record in records)
        for name in GIVEN
    }
    # They chose for all seeds, whichever of them was told.
    found["tuning_trials"] = max(record.training.tuning_trials for record in records)
    found["teacher_and_helper_flops"] += fmean(r.training.helper_flops for r in records)
    return found


def _warnings(spent: Mapping[str, float], base: Mapping[str, float]) -> dict[str, str]:
    """What training was given that the reference was not, in words."""
    found: dict[str, str] = {}
    for name, words in GIVEN.items():
        value, other = spent[name], base[name]
        if name not in _ROUGH:
            if value != other:
                found[name] = f"{words} {value:,g}, the reference {other:,g}"
        elif other == 0:
            if value:
                found[name] = f"{words} {value:,.3g}, the reference none"
        elif abs(value - other) > TOLERANCE * other:
            found[name] = f"{words} {value / other:.2f}x the reference"
    return found


def _decoding(record: Record) -> Mapping[str, Any] | None:
    decoding = (track_settings(record) or {}).get("decoding")
    return cast(Mapping[str, Any], decoding) if isinstance(decoding, Mapping) else None


def _decoding_differences(
    records: Sequence[Record], reference: Sequence[Record] | None
) -> list[str] | None:
    """The settings that any seed had otherwise than the reference, in words; None: not known."""
    base = _decoding(reference[0]) if reference else None
    own = [_decoding(record) for record in records]
    if base is None or None in own:
        return None
    found: dict[str, str] = {}
    for each in own:
        settings = each or {}
        for name in sorted([*base, *(set(settings) - set(base))]):
            value, other = json.dumps(settings.get(name)), json.dumps(base.get(name))
            if value != other:
                found[name] = f"{name} {value}, the reference {other}"
    return list(found.values())


def _restarts(record: Record) -> int | None:
    """As the record says; else, of a method that was shown knowledge, from its runs between."""
    told = record.snapshot.get("restarts")
    if isinstance(told, int):
        return told
    kept = record.training.kept_ratio
    return len(kept) - 1 if kept else None


def _cells(each: Treatment) -> list[str]:
    def cell(name: str, form: str = ",.0f") -> str:
        ratio = each.ratios[name]
        shown = format(getattr(each, name), form)
        return shown if ratio is None else f"{shown} ({ratio:.2f}x)"

    marks = {DIRTY: each.dirty, SKEWED: each.skewed, UNEQUAL: bool(each.telling)}
    same = {True: "same", False: "differs", None: NONE}[each.same_decoding]
    return [
        marked(each.label, marks),
        cell("train_tokens"),
        cell("n_steps"),
        cell("n_examples"),
        cell("teacher_tokens"),
        cell("teacher_and_helper_flops", ".2e") if each.teacher_and_helper_flops else "0",
        cell("tuning_trials"),
        NONE if each.restarts is None else str(each.restarts),
        same,
        "; ".join(each.warnings.values()) or NONE,
    ]
