"""From a cell of the table down to what it is made of: data sets, runs, files, answers."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean

from leaderboard.rows.reruns import Step, steps_text
from leaderboard.show.explain_cost import COST_CELLS
from leaderboard.show.explain_runs import (
    Answer,
    Run,
    answers,
    explained_text,
    reruns_steps,
    run_facts,
)
from leaderboard.show.signature import content_hashes, sign
from leaderboard.stats.averages import clustered, names_of, seeds
from leaderboard.stats.formats import interval, percent, tabulated
from leaderboard.stats.intervals import Component, Estimate, headline
from leaderboard.store.board import UnknownName
from leaderboard.store.comparable import check_seeds
from leaderboard.store.record import GROUPS, Record


@dataclass(frozen=True, slots=True)
class Part:
    """A data set of the cell."""

    data_set: str
    n_items: int
    means: dict[int, float]
    """Seed -> mean over the items, a fraction."""


@dataclass(frozen=True, slots=True)
class Explanation:
    """A cell: the row of a label in the column of a group or of a data set."""

    track: str
    suite: str
    label: str
    cell: str
    value: Estimate
    signature: str
    formula: str
    run_again: list[Step]
    """Where the reruns of these runs stand; [] without any."""
    parts: list[Part]
    runs: list[Run]
    answers: list[Answer]


def explain(
    mine: Mapping[Path, Record],
    track: Mapping[Path, Record],
    cell: str,
    n_items: int,
    newer: str | None = None,
) -> Explanation:
    """What the cell of a label is made of; `mine` are its records, or some seeds of them.

    `cell` is `id`, `ood` or a data set, else UnknownName; `n_items` asks for the outcomes on the
    first items of each of its data sets; `newer` is the suite that supersedes this one, if any.
    """
    records = list(mine.values())
    check_seeds(records)
    first, names = records[0], _names(records[0], cell)
    pool = seeds(list(track.values())).of(records, names)
    per_set = clustered(records)
    value = headline([per_set[name] for name in names], pool)
    hashes = content_hashes(track)
    return Explanation(
        track=first.track,
        suite=f"v{first.version}",
        label=first.label,
        cell=cell,
        value=value,
        signature=sign(cell, value, mine, hashes).format(),
        formula=_formula(cell, records, names, pool),
        run_again=reruns_steps(list(mine)),
        parts=[_part(name, records) for name in names],
        runs=[run_facts(path, each, hashes[path], newer) for path, each in mine.items()],
        answers=answers(names, mine, n_items),
    )


def explanation_text(found: Explanation) -> str:
    """The same for reading: the cell, its data sets, its runs, and the answers asked for."""
    head = f"{found.track} {found.suite}, {found.label}: {found.cell} {interval(found.value)}"
    told = [head, found.signature, found.formula, steps_text(found.run_again)]
    return explained_text(told, _parts_table(found.parts), found.runs, found.answers)


def _names(record: Record, cell: str) -> tuple[str, ...]:
    """The data sets of a cell."""
    cells = {group: names_of(record, group) for group in GROUPS}
    cells |= {name: (name,) for name in record.data_sets}
    if not cells.get(cell):
        raise UnknownName(
            "metric", cell, [*(c for c, names in cells.items() if names), *COST_CELLS]
        )
    return cells[cell]


def _formula(
    cell: str, records: Sequence[Record], names: Sequence[str], pool: Component | None
) -> str:
    n, n_sets = len(records), len(names)
    first = records[0].data_sets[names[0]]
    of = f"{first.metric or 'strict'} outcomes over items and {n} seed{'s' if n > 1 else ''}"
    mean = f"mean over {n_sets} data sets of the mean of {of}" if n_sets > 1 else f"mean of {of}"
    if pool is not None:
        spread = f"crossed with seeds, as the track's trained rows vary ({pool.df:g} df)"
    else:
        spread = "crossed with the row's own seeds" if n > 1 else "alone"
    return f"{cell} = {mean}; 95 % interval over items {spread}"


def _part(name: str, records: Sequence[Record]) -> Part:
    means = {record.seed: fmean(record.data_sets[name].outcomes) for record in records}
    return Part(name, len(records[0].data_sets[name].items), means)


def _parts_table(parts: Sequence[Part]) -> str:
    """A line for each data set; of several a last one with their mean, seed by seed."""
    numbers = list(parts[0].means)
    lines = [(part.data_set, str(part.n_items), part.means) for part in parts]
    if len(parts) > 1:
        means = {seed: fmean(part.means[seed] for part in parts) for seed in numbers}
        lines.append(("mean", "", means))
    body = [
        [name, n, *(percent(means[seed]) for seed in numbers), percent(fmean(means.values()))]
        for name, n, means in lines
    ]
    headers = ["data set", "items", *(f"seed {seed}" for seed in numbers), "mean"]
    return tabulated(headers, body, "text")
