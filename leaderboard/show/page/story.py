"""A row's whole story: what it scored, what it was given, how it was run, where its files lie."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any, Literal, cast

from leaderboard.rows.audit import GIVEN, Treatment
from leaderboard.rows.reruns import LEVELS, level, steps
from leaderboard.rows.row import Row
from leaderboard.stats.formats import NONE, interval, percent, ratio
from leaderboard.store.record import GROUPS, Record
from leaderboard.store.reruns import Rerun

_DIGITS = 8
"""Of a hash, as signatures have: it names one, and the records have the rest."""


@dataclass(frozen=True, slots=True)
class Facts:
    """Names with a value, or with one a seed where they differ."""

    title: str
    facts: list[tuple[str, list[str]]]
    kind: Literal["facts"] = "facts"


@dataclass(frozen=True, slots=True)
class Grid:
    """A table of texts; the first column names its lines."""

    title: str
    head: list[str]
    body: list[list[str]]
    kind: Literal["grid"] = "grid"


@dataclass(frozen=True, slots=True)
class Curves:
    """Lines over the course of training, in equal steps."""

    title: str
    about: str
    lines: list[tuple[str, list[float]]]
    kind: Literal["curves"] = "curves"


Block = Facts | Grid | Curves


def story(
    row: Row, records: Sequence[Record], given: Treatment | None, reruns: Sequence[Rerun]
) -> list[Block]:
    """What there is to tell of a row: its records, what the audit says, its runs made again."""
    curves = [
        (_seed(r), [float(f"{loss:.3g}") for loss in r.training.loss_curve])
        for r in records
        if r.training.loss_curve
    ]
    blocks: list[Block] = [_result(row), _signatures(row), _scores(records)]
    if curves:
        about = "Mean loss of each tenth of the optimizer steps"
        blocks.append(Curves("Training loss", about, curves))
    blocks += [_training(records), *_treatment(row, given), *_again(reruns)]
    blocks += [_settings(records[0]), _provenance(records), _hashes(records), _files(records)]
    return [each for each in blocks if not isinstance(each, Facts) or each.facts]


def _result(row: Row) -> Facts:
    told = {
        "ID": f"{interval(row.id)} %",
        "OOD": "" if row.ood is None else f"{interval(row.ood)} %",
        "ID, OOD by the author's extractor": _both(row.id_author, row.ood_author),
        "ID, OOD by the flexible extractor": _both(row.id_flexible, row.ood_flexible),
        "questions without an answer": f"{percent(row.failed)} %",
        "prompts that did not fit": str(row.overflow) if row.overflow else "",
        "FLOPs of a question": f"{row.total_flops:.3g}" if row.total_flops else "",
        "of these decoding": f"{row.decode_flops:.3g}" if row.decode_flops else "",
        "prompt-only FLOPs, relative": ratio(row.relative_prompt_only_flops),
        "relevant passages found": "" if (r := row.retrieval_recall) is None else f"{percent(r)} %",
        "largest memory": _gib(row.peak_memory_bytes),
        "knowledge in prompts": row.knowledge or "",
    }
    return Facts("Result", [(name, [text]) for name, text in told.items() if text not in ("", "-")])


def _signatures(row: Row) -> Facts:
    """Of the headlines; those of data sets are in the exports."""
    return Facts(
        "Signatures", [("", [row.signatures[of]]) for of in GROUPS if of in row.signatures]
    )


def _gib(n_bytes: int | None) -> str:
    return "" if n_bytes is None else f"{n_bytes / 2**30:.2f} GiB"


def _both(in_domain: float | None, out: float | None) -> str:
    return f"{percent(in_domain)} %, {percent(out)}{'' if out is None else ' %'}"


def _scores(records: Sequence[Record]) -> Grid:
    body = list[list[str]]()
    for name, first in records[0].data_sets.items():
        outcomes = [record.data_sets[name].outcomes for record in records]
        each = [sum(found) / len(found) for found in outcomes]
        questions = f"{len(first.items):,}"
        cells = [name, first.group.upper(), questions, percent(sum(each) / len(each))]
        body.append([*cells, *map(percent, each)])
    head = ["data set", "group", "questions", "mean %", *map(_seed, records)]
    return Grid("Accuracy by data set and seed", head, body)


def _training(records: Sequence[Record]) -> Facts:
    spent = [record.training for record in records]
    if not any(each.n_steps for each in spent):
        return Facts("Training", [("", ["Nothing was trained."])])
    told = {
        "final loss": [f"{t.final_loss:.4g}" if t.final_loss is not None else NONE for t in spent],
        "tokens": [f"{t.tokens:,}" for t in spent],
        "seconds": [f"{t.seconds:,.1f}" for t in spent],
        "largest memory": [_gib(t.peak_memory_bytes) for t in spent],
        "FLOPs": [f"{t.flops:.3g}" for t in spent],
        "examples": [f"{t.n_examples:,}" for t in spent],
        "examples left out": [f"{t.skipped_examples:,}" for t in spent],
        "knowledge kept, run by run": [
            ", ".join(f"{percent(share)} %" for share in t.kept_ratio) for t in spent
        ],
    }
    return Facts("Training", list(_by_seed(records, told)))


def _treatment(row: Row, given: Treatment | None) -> Iterator[Block]:
    if given is None:
        return
    body = list[list[str]]()
    for name, words in GIVEN.items():
        spent = format(getattr(given, name), ",.4g" if "flops" in name else ",.0f")
        body.append([words, spent, ratio(given.ratios[name])])
    restarts = NONE if given.restarts is None else str(given.restarts)
    body.append(["restarts of the optimizer", restarts, NONE])
    same = {True: "as the reference", False: "not as the reference", None: "not known"}
    body.append(["decoding", same[given.same_decoding], NONE])
    yield Grid("What it was given", ["", "mean", f"\N{MULTIPLICATION SIGN} {row.reference}"], body)
    if given.warnings:
        yield Facts("Not matched with the reference", [("", list(given.warnings.values()))])


def _again(reruns: Sequence[Rerun]) -> Iterator[Block]:
    if not reruns:
        yield Facts("Determinism", [("", ["not run again"])])
        return
    told = [
        (
            f"{each.machine} machine, {each.software} software",
            [f"{each.level}; {100 * each.flipped:.2f} % of outcomes flipped"],
        )
        for each in steps(reruns)
    ]
    yield Facts("Determinism", told)
    body = [
        [
            f"seed {each.seed}",
            "the same" if each.is_same_device else _text(each.again.get("device")),
            "the same" if each.is_same_software else "another",
            f"{each.flips:,} of {each.n:,}",
            f"{each.other_lengths:,}",
            _text(each.again.get("date")),
            LEVELS[level(each)],
        ]
        for each in reruns
    ]
    head = ["run", "machine", "software", "flipped", "other lengths", "date", "level"]
    yield Grid("Run again", head, body)


def _settings(record: Record) -> Facts:
    method = cast(Mapping[str, Any], record.snapshot.get("method") or {})
    own = cast(Mapping[str, Any], (record.own or {}).get("settings") or {})
    told = [(name, [_text(value)]) for name, value in method.items()]
    told += [(f"{name}, chosen on dev", [_text(value)]) for name, value in own.items()]
    track = cast(Mapping[str, Any], record.snapshot.get("track") or {})
    for name in ("student", "training", "decoding"):
        told += [(f"{name} of the track", [_text(track[name])])] if name in track else []
    return Facts("Settings", told)


def _provenance(records: Sequence[Record]) -> Facts:
    names = ("command", "commit", "dirty", "date", "device", "precision", "versions")
    return Facts("Where it came from", list(_told(records, names)))


def _hashes(records: Sequence[Record]) -> Facts:
    known = sorted({key for record in records for key in record.provenance})
    names = [key for key in known if key.endswith(("sha256", "key", "revision"))]
    told = list(_told(records, names, _DIGITS))
    for name, data_set in records[0].data_sets.items():
        told.append((f"questions of {name}", [data_set.items_sha256[:_DIGITS]]))
    return Facts(f"Hashes, their first {_DIGITS} digits", told)


def _files(records: Sequence[Record]) -> Facts:
    """Where `publish` puts them, beside this board's README."""
    found = [f"records/{r.place}" for r in records]
    return Facts("Record files", [("", found)])


def _told(
    records: Sequence[Record], names: Sequence[str], most: int | None = None
) -> Iterator[tuple[str, list[str]]]:
    """Facts by name, of `most` characters where that is given."""
    found = {name: [_text(r.provenance.get(name))[:most] for r in records] for name in names}
    return _by_seed(records, found)


def _by_seed(
    records: Sequence[Record], found: Mapping[str, Sequence[str]]
) -> Iterator[tuple[str, list[str]]]:
    """What all seeds share once, what they do not share with its seeds; nothing where empty."""
    for name, values in found.items():
        known = sorted(
            (value, record.seed) for value, record in zip(values, records, strict=True) if value
        )
        groups = [(v, [seed for _, seed in each]) for v, each in groupby(known, lambda k: k[0])]
        if groups and len(groups[0][1]) == len(records):
            yield name, [groups[0][0]]
        elif groups:
            told = sorted((of, value) for value, of in groups)
            yield name, [f"{value}  (seed {', '.join(map(str, of))})" for of, value in told]


def _seed(record: Record) -> str:
    return f"seed {record.seed}"


def _text(value: object) -> str:
    """A fact as it was stored; a table as its names and values."""
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    if isinstance(value, Mapping):
        table = cast(Mapping[str, object], value)
        return ", ".join(f"{name} {text}" for name in table if (text := _text(table[name])))
    return json.dumps(value, ensure_ascii=False)
