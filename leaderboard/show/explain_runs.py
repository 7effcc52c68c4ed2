"""The runs behind a cell of the table: their files, what makes them again, and their answers."""

import json
import re
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from leaderboard.rows.reruns import Step, steps, steps_text
from leaderboard.stats.formats import escaped, tabulated
from leaderboard.store import generations
from leaderboard.store.generations import kept
from leaderboard.store.reading import stored
from leaderboard.store.record import Record
from leaderboard.store.reruns import Rerun, reruns_of

EXTRACTORS = ("strict", "author", "flexible")
_NOT_TRAINED = "not trained here, so there is nothing to run again"
_UNKNOWN = "the record names no commit and command to go back to"


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
    """That makes it again; None where nothing does."""
    reproduce_note: str | None
    """What is to be known of that, or why there is none."""
    run_again: list[Step]
    """What came out when it was; [] where it was not."""
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


def run_facts(path: Path, record: Record, sha256: str, newer: str | None) -> Run:
    """What is told of a record; `newer` is the suite that supersedes its own, if one does."""
    told, shown, texts = record.provenance, _near(path), generations.place(path)
    reproduce, note = _again(record, shown, newer)
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
        reproduce=reproduce,
        reproduce_note=note,
        run_again=reruns_steps([path]),
        texts=_near(texts),
        texts_kept=texts.is_file(),
    )


def reruns_steps(paths: Sequence[Path]) -> list[Step]:
    """On which steps the reruns of some records of one label stand; RecordError for a bad one."""
    return steps([stored(Rerun, each) for path in paths for each in reruns_of(path)])


def answers(names: Sequence[str], mine: Mapping[Path, Record], n_items: int) -> list[Answer]:
    """On the first items of each data set; RecordError for a file of texts that is none."""
    if not n_items:
        return []
    written = [kept(path) for path in mine]
    found = list[Answer]()
    for name in names:
        sets = [record.data_sets[name] for record in mine.values()]
        for i, item in enumerate(sets[0].items[:n_items]):
            marks = {how: [getattr(each, how)[i] for each in sets] for how in EXTRACTORS}
            texts = [each.data_sets[name][i] if each else None for each in written]
            found.append(Answer(name, item, **marks, texts=texts))
    return found


def explained_text(
    told: Sequence[str], parts: str, runs: Sequence[Run], found: Sequence[Answer]
) -> str:
    """A cell for reading: what is told of it, its parts, its runs, and the answers asked for."""
    blocks = ["\n".join(told), parts, *map(_run_text, runs)]
    if found:
        blocks.append(_answers_text(found, [run.seed for run in runs]))
    return "\n\n".join(blocks)


def _run_text(run: Run) -> str:
    """A run for reading, a line a fact."""
    tree = "tree unknown" if run.dirty is None else "dirty" if run.dirty else "clean"
    commit = f"commit {run.commit or 'unknown'} ({tree})"
    versions = ", ".join(f"{name} {version}" for name, version in run.versions.items())
    texts = run.texts if run.texts_kept else f"not kept ({run.texts})"
    lines = [
        f"seed {run.seed}: {run.record} (sha256 {run.sha256[:8]})",
        f"from: {commit}, {run.date or 'date unknown'}, {run.device or 'device unknown'}",
        f"with: {versions or 'versions unknown'}",
        f"made by: {run.command or 'unknown'}",
        f"again: {run.reproduce or run.reproduce_note}",
        *([f"note: {run.reproduce_note}"] if run.reproduce and run.reproduce_note else []),
        steps_text(run.run_again),
        f"texts: {texts}",
    ]
    return "\n  ".join(escaped(line, "text") for line in lines)


def _answers_text(found: Sequence[Answer], numbers: Sequence[int]) -> str:
    """A table of outcomes, and below it what was written, a line each; `numbers` are the seeds."""
    told = f"1: right, 0: wrong; seeds {', '.join(map(str, numbers))}"
    body = [
        [each.item, *(" ".join(map(str, getattr(each, how))) for how in EXTRACTORS)]
        for each in found
    ]
    written = [
        f"{escaped(each.item, 'text')}, seed {seed}: {json.dumps(text)}"
        for each in found
        for seed, text in zip(numbers, each.texts, strict=True)
        if text is not None
    ]
    table = tabulated(["item", *EXTRACTORS], body, "text")
    return "\n".join([table, told, *(["", *written] if written else [])])


def _again(record: Record, shown: str, newer: str | None) -> tuple[str | None, str | None]:
    """The command that makes a record again, and what is to be known of it."""
    if "checkpoint" in record.snapshot:
        return None, _NOT_TRAINED
    if newer is None:
        return f"skbench reproduce {shlex.quote(shown)}", None
    # `reproduce` of today refuses another version of the track, and may be younger than the commit.
    command = _from_its_commit(record)
    if command is None:
        return None, f"the track is at {newer} by now, and {_UNKNOWN}"
    return command, f"the track is at {newer} by now: the same command, run from that commit"


def _from_its_commit(record: Record) -> str | None:
    """A checkout and the record's own command. Readers paste it into a shell, and a stranger may
    have written it: it is a run of the track by its name, trusts no code, and its words are
    quoted."""
    commit, command = (str(record.provenance.get(key)) for key in ("commit", "command"))
    try:
        words = shlex.split(command)
    except ValueError:
        return None
    is_ours = words[:3] == ["skbench", "run", record.track] and "--trust-task-code" not in words
    if not is_ours or not re.fullmatch("[0-9a-f]{40}", commit):
        return None
    return f"git checkout {commit} && {shlex.join(words)}"


def _near(path: Path) -> str:
    """A path from here, where it lies below; else the whole of it."""
    whole, here = path.absolute(), Path.cwd()
    return str(whole.relative_to(here) if whole.is_relative_to(here) else whole)
