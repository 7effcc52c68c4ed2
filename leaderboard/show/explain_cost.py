"""From a cost of a row down to what it is made of: sums over questions, or fields of records."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

from leaderboard.rows.rank import rows
from leaderboard.rows.reruns import Step, steps_text
from leaderboard.rows.row import Row
from leaderboard.rows.settings import shown
from leaderboard.rows.spent import spent
from leaderboard.show.explain_runs import (
    Answer,
    Run,
    answers,
    explained_text,
    reruns_steps,
    run_facts,
)
from leaderboard.show.signature import content_hashes
from leaderboard.stats.formats import NONE, ratio, tabulated
from leaderboard.store.comparable import check_seeds
from leaderboard.store.record import Record

Number: TypeAlias = int | float | None


@dataclass(frozen=True, slots=True)
class _Cell:
    """How a cost comes about, and how it is written."""

    columns: tuple[str, ...] = ()
    """Of a data set, whose sums over questions it is made of; () for one of a whole run."""
    fields: tuple[str, ...] = ()
    """Of a record's latency or training: its own first, and what it rests on."""
    of: str = ""
    """The cost that a relative one divides by that of the reference."""
    form: Callable[[Any], str] = "{:,} FLOPs".format


_ALL_FLOPS = ("prefill_flops", "decode_flops", "helper_flops")
_TRAINING = ("training.n_examples", "training.n_steps")


def _milliseconds(seconds: float) -> str:
    return f"{1000 * seconds:.2f} ms"


COST_CELLS: Mapping[str, _Cell] = {
    "relative_flops": _Cell(_ALL_FLOPS, of="total_flops", form=ratio),
    "relative_prompt_only_flops": _Cell(("prompt_only_flops",), of="prompt_only_flops", form=ratio),
    "total_flops": _Cell(_ALL_FLOPS),
    "prompt_only_flops": _Cell(("prompt_only_flops",)),
    "prompt_tokens": _Cell(("prompt_tokens",), form="{:.1f} tokens".format),
    "generated_tokens": _Cell(("generated_tokens",), form="{:.1f} tokens".format),
    "ttft_s": _Cell(fields=("latency.ttft_s_p50", "latency.n"), form=_milliseconds),
    "tpot_s": _Cell(fields=("latency.tpot_s_p50", "latency.n"), form=_milliseconds),
    "train_tokens": _Cell(fields=("training.tokens", *_TRAINING), form="{:,} tokens".format),
    "train_s": _Cell(fields=("training.seconds", *_TRAINING), form="{:.1f} s".format),
    "train_flops": _Cell(fields=("training.flops", *_TRAINING)),
}
"""The costs of the table, and what its relative ones relate, by their names in json and csv."""


@dataclass(frozen=True, slots=True)
class CostPart:
    """A data set with its sum over questions, or a field of the records."""

    name: str
    values: dict[int, Number]
    """By seed."""
    questions: dict[int, int] | None
    """By seed: that it is a sum over, those whose prompt fitted; None for a field."""


@dataclass(frozen=True, slots=True)
class CostExplanation:
    """A cell: the row of a label in the column of a cost."""

    track: str
    suite: str
    label: str
    cell: str
    value: Number
    """None as in the table: nobody knows, or the questions are not those of the reference."""
    formula: str
    run_again: list[Step]
    """Where the reruns of these runs stand; [] without any."""
    parts: list[CostPart]
    runs: list[Run]
    answers: list[Answer]


def explain_cost(
    mine: Mapping[Path, Record],
    track: Mapping[Path, Record],
    cell: str,
    n_items: int,
    newer: str | None = None,
) -> CostExplanation:
    """What a cost of COST_CELLS is made of; else as `explain`."""
    records = list(mine.values())
    check_seeds(records)
    first, hashes = records[0], content_hashes(mine)
    table = {row.method: row for row in _rows(records, list(track.values()))}
    row = table[first.label]
    return CostExplanation(
        track=first.track,
        suite=f"v{first.version}",
        label=first.label,
        cell=cell,
        value=getattr(row, cell),
        formula=_formula(cell, row, table.get(row.reference)),
        run_again=reruns_steps(list(mine)),
        parts=_parts(COST_CELLS[cell], records),
        runs=[run_facts(path, each, hashes[path], newer) for path, each in mine.items()],
        answers=answers(list(first.data_sets), mine, n_items),
    )


def cost_text(found: CostExplanation) -> str:
    """The same for reading: the cell, what it is made of, its runs, and the answers asked for."""
    value = NONE if found.value is None else COST_CELLS[found.cell].form(found.value)
    head = f"{found.track} {found.suite}, {found.label}: {found.cell} {value}"
    told = [head, found.formula, steps_text(found.run_again)]
    return explained_text(told, _parts_table(found.parts), found.runs, found.answers)


def _rows(mine: Sequence[Record], track: Sequence[Record]) -> list[Row]:
    """The row of these runs as the table has it, and that of its reference."""
    label, seeds = mine[0].label, {record.seed for record in mine}
    table = shown(track, ())
    if all(record.label != label for record in table):  # another stands there, with tuned settings
        table = shown(track, (), tuned=False)
    own = [record for record in table if record.label == label and record.seed in seeds]
    beside = [r for r in table if r.label == own[0].reference != label]
    return rows([*own, *beside], track)


def _formula(cell: str, row: Row, reference: Row | None) -> str:
    how, n = COST_CELLS[cell], f"{row.n_seeds} seed{'s' if row.n_seeds > 1 else ''}"
    if how.fields:
        kind = "median" if how.fields[0].startswith("latency") else "mean"
        return f"{cell} = {kind} over {n} of {how.fields[0]}"
    columns = " + ".join(how.columns)
    mean = f"sum of {columns} over all solved questions of {n} / their number"
    if not how.of:
        return f"{cell} = {mean}"
    own, others = (None if r is None else f"{getattr(r, how.of):,}" for r in (row, reference))
    relation = f"{cell} = {how.of} {own} / {others or 'unknown'} of {row.reference}"
    if reference is None:
        relation += f", not related: {row.reference} has no row here"
    elif getattr(row, cell) is None:
        relation += ", not related: no student ran, or a prompt did not fit"
    return f"{relation}; {how.of} = {mean}"


def _parts(how: _Cell, records: Sequence[Record]) -> list[CostPart]:
    if how.fields:
        return [
            CostPart(name, {record.seed: _field(record, name) for record in records}, None)
            for name in how.fields
        ]
    return [_data_set(name, how.columns, records) for name in records[0].data_sets]


def _data_set(name: str, columns: Sequence[str], records: Sequence[Record]) -> CostPart:
    found = {
        record.seed: [spent([record.data_sets[name]], column) for column in columns]
        for record in records
    }
    return CostPart(
        name,
        {seed: sum(total for total, _ in each) for seed, each in found.items()},
        {seed: each[0][1] for seed, each in found.items()},
    )


def _field(record: Record, name: str) -> Number:
    """Of latency.X or training.X; None where no student ran."""
    part, _, field = name.partition(".")
    of = getattr(record, part)
    return None if of is None else getattr(of, field)


def _parts_table(parts: Sequence[CostPart]) -> str:
    """A line for each part: sum / questions, seed by seed, and of these the mean at the end."""
    numbers, first = list(parts[0].values), parts[0].questions
    headers = ["of the record" if first is None else "data set", *(f"seed {s}" for s in numbers)]
    body = [[part.name, *(_number(part, seed) for seed in numbers)] for part in parts]
    if first is not None:
        means = (_mean(parts, seed) for seed in numbers)
        body.append(["mean per question", *(f"{mean:,.1f}" for mean in means)])
    return tabulated(headers, body, "text")


def _number(part: CostPart, seed: int) -> str:
    value = part.values[seed]
    if value is None:
        return NONE
    return f"{value:,}" if part.questions is None else f"{value:,} / {part.questions[seed]}"


def _mean(parts: Sequence[CostPart], seed: int) -> float:
    total = sum(part.values[seed] or 0 for part in parts)
    return total / sum((part.questions or {})[seed] for part in parts)
