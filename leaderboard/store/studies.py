"""A study: a question with its rule, written before the runs, and their outcomes on sealed items.

The question is `NAME.toml`; the runs lie in `vN/NAME.json` beside it, question by question. Runs
are added and never replaced.
"""

import json
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field, PositiveFloat

from leaderboard.store.board import suites_with
from leaderboard.store.files import replace_text
from leaderboard.store.ranges import Count, Name, Row, Whole
from leaderboard.store.reading import STRICT, First, RecordError, parsed, stored
from leaderboard.store.record import Group

SCHEMA = 1
Bits = Annotated[str, Field(pattern="^[01]+$")]


@dataclass(frozen=True, slots=True)
class Pair:
    """Two rows to hold against each other: POINT/LABEL."""

    name: str
    asks: str
    a: str
    b: str


@dataclass(frozen=True, slots=True)
class Rule:
    """What the ID interval of one pair says: below -margin, within it, or neither."""

    pair: str
    margin: PositiveFloat
    """In points."""
    below: str
    within: str
    undecided: str


@dataclass(frozen=True, slots=True)
class Question:
    """What a study asks, and how its runs decide."""

    __pydantic_config__ = STRICT

    about: str
    rule: Rule
    pairs: Annotated[list[Pair], Field(min_length=1)]

    @classmethod
    def load(cls, path: Path) -> "Question":
        """Read a question; RecordError names the file and the fault."""
        try:
            table = tomllib.loads(path.read_text(encoding="utf-8"))
            found = parsed(cls, json.dumps(table, default=str))
        except ValueError as error:
            raise RecordError(f"{path}: {error}") from error
        if found.rule.pair not in {pair.name for pair in found.pairs}:
            raise RecordError(f"{path}: rule.pair {found.rule.pair!r} names no pair")
        return found


@dataclass(frozen=True, slots=True)
class Run:
    """One run on the study's sealed items."""

    row: Row
    """POINT/LABEL."""
    seed: Count
    outcomes: Mapping[str, Bits]
    """Data set -> right or wrong, item by item."""
    settings: Mapping[str, Any]
    """Of its own, which trials on dev chose."""
    trials_sha256: str | None
    provenance: Mapping[str, Any]
    """commit, dirty, date, command, device, versions."""


@dataclass(frozen=True, slots=True)
class Study:
    """All runs of a study, by row and seed."""

    __pydantic_config__ = STRICT

    schema: First
    study: Name
    track: Name
    sealed: Whole
    """Seed of the items."""
    groups: Mapping[str, Group]
    items_sha256: Mapping[str, str]
    """Data set -> hash of what was asked."""
    runs: Annotated[list[Run], Field(min_length=1)]

    @classmethod
    def load(cls, path: Path) -> "Study":
        """Read and check stored runs; RecordError names the file and the fault."""
        found = stored(cls, path)
        if found.study != path.stem:
            raise RecordError(f"{path}: is of study {found.study!r}; rename the file")
        names = [(run.row, run.seed) for run in found.runs]
        if len(set(names)) < len(names):
            raise RecordError(f"{path}: two runs of one row and seed; remove one")
        lengths = {tuple((k, len(v)) for k, v in sorted(r.outcomes.items())) for r in found.runs}
        if len(lengths) > 1 or found.runs[0].outcomes.keys() != found.groups.keys():
            raise RecordError(f"{path}: the runs have other items than each other or the groups")
        return found

    def of(self, row: str) -> list[Run]:
        """Its runs, by seed."""
        return sorted((run for run in self.runs if run.row == row), key=lambda run: run.seed)


def publish_study(study: Study, root: Path) -> Path | None:
    """Add the runs to ROOT/STUDY.json; None where it has them all.

    RecordError for runs from an uncommitted tree or on other items, and where a stored run of the
    same row and seed is another one.
    """
    path = root / f"{study.study}.json"
    known = Study.load(path) if path.exists() else None
    for run in study.runs:
        if run.provenance.get("dirty") is not False:
            raise RecordError(
                f"{run.row} seed {run.seed}: comes from an uncommitted working tree; commit, then"
                " run it again"
            )
    before = {(run.row, run.seed): run for run in known.runs} if known else {}
    now = {(run.row, run.seed): run for run in study.runs}
    if known and (known.items_sha256, known.sealed) != (study.items_sha256, study.sealed):
        raise RecordError(f"{path}: its runs answered other questions than these")
    for name in before.keys() & now.keys():
        if before[name] != now[name]:
            raise RecordError(f"{path}: holds another run of {name[0]} seed {name[1]}; remove one")
    if not now.keys() - before.keys():
        return None
    runs = [run for _, run in sorted((before | now).items())]
    replace_text(path, _text(study, runs))
    return path


def stored_studies(base: Path) -> list[tuple[str, Question, Study]]:
    """The newest runs of each study under `base`, with their suite and question, by name."""
    found = list[tuple[str, Question, Study]]()
    for question in sorted(base.glob("*.toml")):
        name = f"{question.stem}.json"
        for suite in suites_with(base, name)[-1:]:
            found.append((suite, Question.load(question), Study.load(base / suite / name)))
    return found


def _text(study: Study, runs: Sequence[Run]) -> str:
    """A line for each run."""
    head = {key: value for key, value in asdict(study).items() if key != "runs"}
    lines = ",\n".join(json.dumps(asdict(run)) for run in runs)
    return f'{json.dumps(head)[:-1]}, "runs": [\n{lines}\n]}}\n'
