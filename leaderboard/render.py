"""Rows as tables: text, markdown, LaTeX (booktabs), CSV and JSON."""

import csv
import io
import json
from collections.abc import Mapping, Sequence
from typing import Any, Literal, TypeAlias, cast

from tabulate import tabulate

from leaderboard.rank import Row, row_json
from leaderboard.stats import Estimate

TableFormat = Literal["text", "markdown", "latex"]
Format: TypeAlias = Literal["markdown", "latex", "csv", "json"]
_STYLE: Mapping[TableFormat, str] = {
    "text": "simple",
    "markdown": "pipe",
    "latex": "latex_booktabs",
}
_HEADERS = (
    "method",
    "seeds",
    "ID",
    "OOD",
    "FLOPs rel.",
    "prompt-only rel.",
    "ttft ms",
    "tpot ms",
    "prompt tok",
    "gen tok",
    "train tok",
    "train s",
)
DAGGER = "†"


def export(rows: Sequence[Row], form: Format) -> str:
    """All rows in a format to publish: tables hold rounded numbers, csv and json exact ones."""
    if form == "json":
        return json.dumps([row_json(row) for row in rows], indent=1) + "\n"
    if form == "csv":
        return _csv(rows)
    note = legend(rows)
    note = f"% {note.replace('%', 'percent')}" if form == "latex" else note
    return f"{table(rows, form)}\n\n{note}\n\n{detail(rows, form)}\n"


def table(rows: Sequence[Row], form: TableFormat) -> str:
    """The main table: accuracy with its interval, and what it costs."""
    return _tabulate(_HEADERS, [_cells(row) for row in rows], form)


def detail(rows: Sequence[Row], form: TableFormat) -> str:
    """Accuracy per data set, under the other extractors, and the share of failed extractions."""
    names = sorted({name for row in rows for name in row.tasks})
    headers = ["method", *names, "ID author", "OOD author", "ID flexible", "OOD flexible"]
    body = [
        [
            _method(row),
            *(_percent(row.tasks.get(name)) for name in names),
            _percent(row.id_author),
            _percent(row.ood_author),
            _percent(row.id_flexible),
            _percent(row.ood_flexible),
            _percent(row.failed),
            str(row.overflow),
            _percent(row.retrieval_recall),
        ]
        for row in rows
    ]
    return _tabulate([*headers, "failed", "overflow", "recall"], body, form)


def legend(rows: Sequence[Row]) -> str:
    """One line that says what the numbers of the tables mean."""
    reference = rows[0].reference if rows else "the reference"
    note = (
        "ID, OOD: accuracy in %, unweighted mean over data sets, [95 % interval over items and"
        f" seeds]. Costs per solved question: FLOPs relative to {reference} (rel.: every call,"
        " prompt and completion; prompt-only: linear layers over the prompt), median ttft and tpot"
        " at batch 1, mean tokens. Training: tokens, seconds. failed: % of questions in which no"
        " answer was found; overflow: prompts that did not fit; recall: % of the relevant passages"
        " that were retrieved."
    )
    dirty = f" {DAGGER} run from an uncommitted working tree."
    return note + (dirty if any(row.dirty for row in rows) else "")


def _cells(row: Row) -> list[str]:
    return [
        _method(row),
        str(row.n_seeds),
        _interval(row.id),
        _interval(row.ood),
        _ratio(row.relative_flops),
        _ratio(row.relative_prompt_only_flops),
        f"{row.ttft_s * 1000:.2f}",
        "-" if row.tpot_s is None else f"{row.tpot_s * 1000:.2f}",
        f"{row.prompt_tokens:.1f}",
        f"{row.generated_tokens:.1f}",
        f"{row.train_tokens:,}",
        f"{row.train_s:.1f}",
    ]


def _method(row: Row) -> str:
    return f"{row.method} {DAGGER}" if row.dirty else row.method


def _percent(fraction: float | None) -> str:
    return "-" if fraction is None else f"{100 * fraction:.1f}"


def _interval(estimate: Estimate | None) -> str:
    if estimate is None:
        return "-"
    low, high = _percent(estimate.low), _percent(estimate.high)
    return f"{_percent(estimate.value)} [{low}, {high}]"


def _ratio(ratio: float | None) -> str:
    return "-" if ratio is None else f"{ratio:.2f}"


def _tabulate(headers: Sequence[str], body: Sequence[Sequence[str]], form: TableFormat) -> str:
    return tabulate(
        body,
        headers=headers,
        tablefmt=_STYLE[form],
        disable_numparse=True,
        colalign=("left", *("right" for _ in headers[1:])) if body else None,
    )


def _csv(rows: Sequence[Row]) -> str:
    """One line per row; nested values become columns such as `id.low` and `tasks.NAME`."""
    flat = [_flat(row_json(row)) for row in rows]
    columns = list(dict.fromkeys(column for line in flat for column in line))
    text = io.StringIO()
    writer = csv.DictWriter(text, columns, lineterminator="\n")
    writer.writeheader()
    writer.writerows(flat)
    return text.getvalue()


def _flat(body: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for key, value in body.items():
        if isinstance(value, dict):
            flat |= _flat(cast(dict[str, Any], value), f"{prefix}{key}.")
        else:
            flat[f"{prefix}{key}"] = value
    return flat
