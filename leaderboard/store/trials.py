"""Trials: what a row was tried with on dev before its settings were chosen, a file per label.

Facts only. What is chosen follows from them by one rule, and how many trials a row had is counted
here, never told: a record names the file by its hash.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import fmean
from typing import Annotated, Any, cast

from pydantic import Field

from leaderboard.store.files import file_sha256, replace_text
from leaderboard.store.ranges import Count, Label, Name, Positive, Share
from leaderboard.store.reading import STRICT, First, RecordError, stored
from leaderboard.store.record import Record

SCHEMA = 1
RATE = "learning_rate"
TUNED = "tuned"
"""What settings are called that trials chose: its row is LABEL+tuned."""


@dataclass(frozen=True, slots=True)
class Trial:
    """One run on dev."""

    settings: Mapping[str, float]
    """Of training, or a field of the method; what is not named is the track's."""
    outcomes: Annotated[
        Mapping[str, Annotated[list[Share], Field(min_length=1)]], Field(min_length=1)
    ]
    """Data set -> what the headline averages, for each question of its dev part."""
    items_sha256: Mapping[str, str]
    """Data set -> hash of what was asked, as in records."""
    provenance: Mapping[str, Any]

    @property
    def is_committed(self) -> bool:
        """Whether its code was committed; outside of git, commit and dirty are both null."""
        commit, dirty = (self.provenance.get(key, "") for key in ("commit", "dirty"))
        return dirty is False or (commit is None and dirty is None)

    @property
    def accuracy(self) -> float:
        """Unweighted mean over data sets."""
        return fmean(fmean(each) for each in self.outcomes.values())


@dataclass(frozen=True, slots=True)
class Trials:
    """All trials of one label on one version of a track."""

    __pydantic_config__ = STRICT

    schema: First
    track: Name
    version: Positive
    label: Label
    seed: Count
    trials: Annotated[list[Trial], Field(min_length=1)]

    @property
    def chosen(self) -> Mapping[str, float]:
        """Settings of the highest accuracy; ties to the lower learning rate, then to the first.

        What the label itself names stays as it names it, whatever was tried.
        """
        fixed = fields_of(self.label).keys()
        free = [trial for trial in self.trials if not fixed & trial.settings.keys()]
        best = max(free, key=lambda trial: (trial.accuracy, -trial.settings[RATE]))
        return best.settings

    @property
    def at_edge(self) -> bool:
        """Whether the chosen learning rate is the lowest or the highest of those tried."""
        rates = [trial.settings[RATE] for trial in self.trials]
        return self.chosen[RATE] in (min(rates), max(rates))

    @property
    def text(self) -> str:
        """As a file holds them: a line for each trial."""
        lines = ",\n".join(json.dumps(_short(asdict(trial))) for trial in self.trials)
        head = {k: v for k, v in asdict(self).items() if k != "trials"}
        return f'{json.dumps(head)[:-1]}, "trials": [\n{lines}\n]}}\n'

    def save(self, path: Path) -> None:
        """Write the file anew: trials are added as they are made, and records name its hash."""
        replace_text(path, self.text)

    @classmethod
    def load(cls, path: Path) -> "Trials":
        """Read and check; RecordError names the file and the fault."""
        found = stored(cls, path)
        for fault in _faults(found):
            raise RecordError(f"{path}: {fault}")
        return found


def _short(value: Any) -> Any:
    """Whole numbers as such: a file that is read and written again keeps its hash."""
    if isinstance(value, dict):
        return {key: _short(each) for key, each in cast(dict[str, Any], value).items()}
    if isinstance(value, list):
        return [_short(each) for each in cast(list[Any], value)]
    return int(value) if isinstance(value, float) and value.is_integer() else value


def fields_of(label: str) -> dict[str, str]:
    """What stands in a label's brackets."""
    inner = label.partition("[")[2].removesuffix("]")
    pairs = inner.split(",") if inner else []
    return {name: value for name, _, value in (pair.partition("=") for pair in pairs)}


def place(root: Path, track: str, version: int, label: str) -> Path:
    """Where the trials of a label lie; `root` holds suites."""
    return root / f"v{version}" / track / f"{label}.json"


def counted(record: Record, roots: Sequence[Path]) -> int:
    """Learning rates that were tried for the record's settings: those in the file that it names,
    0 where that is not under `roots`, which hold suites, or is another by now."""
    told = record.own or {}
    for root in roots:
        path = place(root, record.track, record.version, str(told.get("of")))
        if path.is_file() and file_sha256(path) == told.get("trials_sha256"):
            return sum(set(trial.settings) == {RATE} for trial in Trials.load(path).trials)
    return 0


def _faults(found: Trials) -> Iterator[str]:
    """What the types of the fields do not say."""
    asked = found.trials[0].items_sha256
    for trial in found.trials:
        if RATE not in trial.settings:
            yield f"trials of {dict(trial.settings)}: name the {RATE}"
        if trial.items_sha256 != asked or trial.outcomes.keys() != asked.keys():
            yield f"trials of {dict(trial.settings)}: other questions than the first"
    fixed = fields_of(found.label).keys()
    if all(fixed & trial.settings.keys() for trial in found.trials):
        yield "every trial sets what the label names: nothing is left to choose"
    told = [json.dumps(trial.settings, sort_keys=True) for trial in found.trials]
    if len(set(told)) < len(told):
        yield "two trials of one setting: a trial counts once"
