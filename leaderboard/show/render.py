"""Rows as tables: text, markdown and LaTeX (booktabs)."""

from collections.abc import Sequence

from leaderboard.rows.loglikelihood import LOGLIKELIHOOD_NOTE, loglikelihood_table
from leaderboard.rows.overlap import overlap_lines
from leaderboard.rows.row import Row
from leaderboard.stats.formats import (
    BOUND,
    DIRTY,
    MARKS,
    NONE,
    OUTSIDE,
    SKEWED,
    UNEQUAL,
    UNKEPT,
    TableFormat,
    escaped,
    interval,
    marked,
    percent,
    place,
    ratio,
    tabulated,
)

_HEADERS = (
    "method",
    "seeds",
    "ID",
    "rank ID",
    "OOD",
    "rank OOD",
    "FLOPs rel.",
    "prompt-only rel.",
    "ttft ms",
    "tpot ms",
    "prompt tok",
    "gen tok",
    "train tok",
    "train s",
)


def table(rows: Sequence[Row], form: TableFormat) -> str:
    """The main table: accuracy with its interval, and what it costs."""
    return tabulated(_HEADERS, [_cells(row) for row in rows], form)


def detail(rows: Sequence[Row], form: TableFormat) -> str:
    """Accuracy per data set, under the other extractors, and the share of failed extractions.

    Macro averages and overlaps with the corpus are shown where any row has them, and so is, as a
    table below, what lm-eval scores by log-likelihood.
    """
    averages = _averages(rows)
    headers = ["method", *averages, "ID author", "OOD author", "ID flexible", "OOD flexible"]
    headers += ["failed", "overflow", "recall", "kept"]
    body = [
        [
            _method(row),
            *(percent(values.get(row.method)) for values in averages.values()),
            percent(row.id_author),
            percent(row.ood_author),
            percent(row.id_flexible),
            percent(row.ood_flexible),
            percent(row.failed),
            str(row.overflow),
            percent(row.retrieval_recall),
            _kept(row),
        ]
        for row in rows
    ]
    overlap = {name: each for row in rows for name, each in row.contamination.items()}
    main = tabulated(headers, [*body, *overlap_lines(overlap, headers[1:])], form)
    below = loglikelihood_table({row.method: row.loglikelihood for row in rows}, form)
    return f"{main}\n\n{below}" if below else main


def legend(rows: Sequence[Row], *, detailed: bool = True) -> str:
    """One line that says what the numbers of the tables mean, and the marks that are in them;
    `detailed`: of `detail` as well."""
    reference = rows[0].reference if rows else "the reference"
    newer = rows[0].superseded_by if rows else None
    note = f"Suite {rows[0].suite}, superseded by {newer}. " if newer else ""
    note += (
        "ID, OOD: accuracy in %, unweighted mean over data sets, [95 % interval over items and"
        f" seeds]. Costs per solved question: FLOPs relative to {reference} (rel.: every call,"
        " prompt and completion; prompt-only: linear layers over the prompt), median ttft and tpot"
        " at batch 1, mean tokens. Training: tokens, seconds. Rows by the mean of ID and OOD."
    )
    if len(machines := timed_on(rows)) > 1:
        note += f" Times are of {len(machines)} machines: rows of two are not compared in them."
    note += _ranks_note(rows) + (_detail_note(rows) if detailed else "") + _knowledge_note(rows)
    marks = (
        (DIRTY, any(row.dirty for row in rows), ""),
        (SKEWED, any(row.skewed for row in rows), ""),
        (UNEQUAL, any(row.unequal for row in rows), ": `skbench board audit`"),
        (OUTSIDE, any(row.outside for row in rows), ": `skbench board bands --local`"),
        (BOUND, any(row.upper_bound for row in rows), ""),
        (UNKEPT, any(row.is_unkept for row in rows), ""),
    )
    return note + "".join(
        f" {mark} {MARKS[mark].format(reference=reference)}{command}."
        for mark, applies, command in marks
        if applies
    )


def timed_on(rows: Sequence[Row]) -> set[str]:
    """The devices that the times of a table are of."""
    return {device for row in rows for device in row.timed_on}


def _averages(rows: Sequence[Row]) -> dict[str, dict[str, float | None]]:
    """Column -> label -> accuracy: each data set, and the other averages where there are any."""
    columns: dict[str, dict[str, float | None]] = {}
    for name in sorted({name for row in rows for name in row.tasks}):
        columns[name] = {row.method: row.tasks.get(name) for row in rows}
        if any(name in row.tasks_macro for row in rows):
            columns[f"{name} macro"] = {row.method: row.tasks_macro.get(name) for row in rows}
    if _has_macro(rows):
        columns["ID micro"] = {row.method: row.id_micro for row in rows}
        columns["OOD micro"] = {row.method: row.ood_micro for row in rows}
    return columns


def _ranks_note(rows: Sequence[Row]) -> str:
    """What a rank is, among how many rows, and which of those shown could be the best."""
    n = max((row.id_rank.of for row in rows if row.id_rank), default=0)
    if n < 2:
        return ""
    among = f"all {n} rows of the track, shown or not" if n > len(rows) else f"{n} rows"
    best = {
        "ID": [row.method for row in rows if row.id_rank and row.id_rank.low == 1],
        "OOD": [row.method for row in rows if row.ood_rank and row.ood_rank.low == 1],
    }
    told = "; ".join(f"{group} {', '.join(names)}" for group, names in best.items() if names)
    return (
        f" rank: among {among}, from 1 + those significantly better to {n} - those worse:"
        " every pair tested as `board compare` does, p after Holm over all pairs of a group,"
        " about 95 % for its ranks together."
    ) + (f" Could be the best: {told}." if told else "")


def _detail_note(rows: Sequence[Row]) -> str:
    note = (
        " failed: % of questions in which no answer was found; overflow: prompts that did not fit;"
        " recall: % of the relevant passages that were retrieved; kept: % of the knowledge's words"
        " that training prompts showed, in each run between restarts."
    )
    if _has_macro(rows):
        note += (
            " A data set's own column is its micro average, the mean over its items; macro: the"
            " unweighted mean over its sub-tasks. ID micro, OOD micro: the mean over all items of"
            " all data sets together; ID and OOD average over data sets, as the paper does."
        )
    return note + (LOGLIKELIHOOD_NOTE if any(row.loglikelihood for row in rows) else "")


def _knowledge_note(rows: Sequence[Row]) -> str:
    """Which rows saw knowledge or passages that were written per task, which per question."""
    return "".join(
        f" knowledge: {escaped(kind, 'markdown')} -"
        f" {', '.join(row.method for row in rows if row.knowledge == kind)}."
        for kind in sorted({row.knowledge for row in rows if row.knowledge})
    )


def _has_macro(rows: Sequence[Row]) -> bool:
    return any(row.tasks_macro for row in rows)


def _cells(row: Row) -> list[str]:
    return [
        _method(row),
        str(row.n_seeds),
        interval(row.id),
        place(row.id_rank),
        interval(row.ood),
        place(row.ood_rank),
        ratio(row.relative_flops),
        ratio(row.relative_prompt_only_flops),
        _milliseconds(row.ttft_s),
        _milliseconds(row.tpot_s),
        f"{row.prompt_tokens:.1f}",
        f"{row.generated_tokens:.1f}",
        f"{row.train_tokens:,}",
        f"{row.train_s:.1f}",
    ]


def _milliseconds(seconds: float | None) -> str:
    return NONE if seconds is None else f"{seconds * 1000:.2f}"


def _method(row: Row) -> str:
    marks = {DIRTY: row.dirty, SKEWED: row.skewed, BOUND: row.upper_bound}
    marks |= {UNEQUAL: bool(row.unequal), OUTSIDE: bool(row.outside), UNKEPT: row.is_unkept}
    return marked(row.method, marks)


def _kept(row: Row) -> str:
    return " ".join(f"{100 * share:.0f}" for share in row.kept_ratio) or NONE
