"""From a cell of the table down to what it is made of: data sets, runs, files, answers."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from shlex import quote
from statistics import fmean
from typing import Any

from leaderboard.show.signature import content_hashes, sign
from leaderboard.stats.averages import clustered, names_of, seeds
from leaderboard.stats.formats import escaped, interval, percent, tabulated
from leaderboard.stats.intervals import Component, Estimate, headline
from leaderboard.store import generations
from leaderboard.store.board import UnknownName
from leaderboard.store.comparable import check_seeds
from leaderboard.store.generations import kept
from leaderboard.store.record import GROUPS, Record

EXTRACTORS = ("strict", "author", "flexible")


@dataclass(frozen=True, slots=True)
class Part:
    """A data set of the cell."""

    data_set: str
    n_items: int
    means: dict[int, float]
    """Seed -> mean over the items, a fraction."""


@dataclass(frozen=True, slots=True)
class Run:
    """A record of the cell: where it lies, where it is from, how it is made again."""

    seed: int
    record: str
    sha256: str
    commit: str | None
    dirty: bool | None
    date: str | None
    device: str | None
    versions: dict[str, str | None]
    command: str | None
    """That made it."""
    reproduce: str | None
    """That makes it again and holds it against this one; None where no student ran here."""
    texts: str
    """Where the file of what the student wrote lies, if it is kept."""
    texts_kept: bool


@dataclass(frozen=True, slots=True)
class Answer:
    """The outcomes on one item, 0 or 1, and what was written, a seed each."""

    data_set: str
    item: str
    strict: list[int]
    author: list[int]
    flexible: list[int]
    texts: list[str | None]
    """Null where they are not kept."""


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
    parts: list[Part]
    runs: list[Run]
    answers: list[Answer]


def explain(
    mine: Mapping[Path, Record],
    track: Mapping[Path, Record],
    cell: str,
    n_items: int,
) -> Explanation:
    """What the cell of a label is made of; `mine` are its records, or some seeds of them.

    `cell` is `id`, `ood` or a data set, else UnknownName; `n_items` asks for the outcomes on the
    first items of each of its data sets.
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
        parts=[_part(name, records) for name in names],
        runs=[_run(path, record, hashes[path]) for path, record in mine.items()],
        answers=_answers(names, mine, n_items) if n_items else [],
    )


def explanation_json(found: Explanation) -> dict[str, Any]:
    """The same as plain data."""
    return asdict(found)


def explanation_text(found: Explanation) -> str:
    """The same for reading: the cell, its data sets, its runs, and the answers asked for."""
    head = f"{found.track} {found.suite}, {found.label}: {found.cell} {interval(found.value)}"
    blocks = [f"{head}\n{found.signature}\n{found.formula}", _parts_table(found.parts)]
    blocks += [_run_text(run) for run in found.runs]
    if found.answers:
        blocks.append(_answers_text(found.answers, [run.seed for run in found.runs]))
    return "\n\n".join(blocks)


def _names(record: Record, cell: str) -> tuple[str, ...]:
    """The data sets of a cell."""
    cells = {group: names_of(record, group) for group in GROUPS}
    cells |= {name: (name,) for name in record.data_sets}
    if not cells.get(cell):
        raise UnknownName("metric", cell, [name for name, names in cells.items() if names])
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


def _run(path: Path, record: Record, sha256: str) -> Run:
    told, shown = record.provenance, _near(path)
    again = record.kind == "student" and "checkpoint" not in record.snapshot
    texts = generations.place(path)
    return Run(
        seed=record.seed,
        record=shown,
        sha256=sha256,
        commit=told.get("commit"),
        dirty=told.get("dirty"),
        date=told.get("date"),
        device=told.get("device"),
        versions=dict(told.get("versions", {})),
        command=told.get("command"),
        reproduce=f"skbench reproduce {quote(shown)}" if again else None,
        texts=_near(texts),
        texts_kept=texts.is_file(),
    )


def _near(path: Path) -> str:
    """A path from here, where it lies below; else the whole of it."""
    whole, here = path.absolute(), Path.cwd()
    return str(whole.relative_to(here) if whole.is_relative_to(here) else whole)


def _answers(names: Sequence[str], mine: Mapping[Path, Record], n_items: int) -> list[Answer]:
    """On the first items of each data set; RecordError for a file of texts that is none."""
    written = [kept(path) for path in mine]
    found = list[Answer]()
    for name in names:
        sets = [record.data_sets[name] for record in mine.values()]
        for i, item in enumerate(sets[0].items[:n_items]):
            marks = {how: [getattr(each, how)[i] for each in sets] for how in EXTRACTORS}
            texts = [each.data_sets[name][i] if each else None for each in written]
            found.append(Answer(name, item, **marks, texts=texts))
    return found


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


def _run_text(run: Run) -> str:
    tree = "tree unknown" if run.dirty is None else "dirty" if run.dirty else "clean"
    commit = f"commit {run.commit or 'unknown'} ({tree})"
    versions = ", ".join(f"{name} {version}" for name, version in run.versions.items())
    texts = run.texts if run.texts_kept else f"not kept ({run.texts})"
    lines = [
        f"seed {run.seed}: {run.record} (sha256 {run.sha256[:8]})",
        f"from: {commit}, {run.date or 'date unknown'}, {run.device or 'device unknown'}",
        f"with: {versions or 'versions unknown'}",
        f"made by: {run.command or 'unknown'}",
        f"again: {run.reproduce or 'not trained here, so there is nothing to run again'}",
        f"texts: {texts}",
    ]
    return "\n  ".join(escaped(line, "text") for line in lines)


def _answers_text(answers: Sequence[Answer], numbers: Sequence[int]) -> str:
    """A table of outcomes, and below it what was written, a line each."""
    told = f"1: right, 0: wrong; seeds {', '.join(map(str, numbers))}"
    body = [
        [each.item, *(" ".join(map(str, getattr(each, how))) for how in EXTRACTORS)]
        for each in answers
    ]
    written = [
        f"{escaped(each.item, 'text')}, seed {seed}: {json.dumps(text)}"
        for each in answers
        for seed, text in zip(numbers, each.texts, strict=True)
        if text is not None
    ]
    table = tabulated(["item", *EXTRACTORS], body, "text")
    return "\n".join([table, told, *(["", *written] if written else [])])
