"""Result homes become one: what to take from others, so that nothing that is here is replaced.

A home from elsewhere is data: facts are read strictly, links are refused, and every file lands at
the place that its own content names.
"""

import re
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from bench.ground.files import is_held, locked
from bench.ground.places import home
from bench.run import tune
from bench.run.cell import RUN, TRAINED
from bench.run.copies import Copy, Trained, files_in, is_whole, weights_of
from bench.track import ConfigError
from bench.training.progress import Spent
from leaderboard.store import generations, trials
from leaderboard.store.files import file_sha256
from leaderboard.store.generations import Generations
from leaderboard.store.probes import ProbeRecord
from leaderboard.store.ranges import LABEL, NAME
from leaderboard.store.reading import MisreadError, RecordError, parsed
from leaderboard.store.record import Record
from leaderboard.store.trials import Trial, Trials

_ROW = rf"{NAME[1:-1]}/{LABEL[1:-1]}"
_RUN = rf"{_ROW}/{RUN.pattern}"
SAMPLES = re.compile(rf"({_ROW}|{_RUN})/samples-[0-9a-f]{{12}}\.jsonl")
"""Below `runs`: what a student was asked and wrote."""
REPORT = re.compile(rf"{_RUN}/{re.escape(TRAINED)}")
"""Below `runs`: a student is trained where it lies."""


@dataclass(frozen=True, slots=True)
class More:
    """Trials that are to be added to those of a label."""

    kind: str
    source: Path
    path: Path
    found: Trials

    def make(self) -> None:
        """Add those that are not there."""
        with locked(self.path):
            known = Trials.load(self.path) if self.path.is_file() else None
            both = [*(known.trials if known else []), *_lacking(self, known)]
            replace(self.found, trials=tune.in_order(both)).save(self.path)


@dataclass
class Merge:
    """What there is to do, and how much was here already."""

    into: Path
    to_do: list[Copy | More | Trained] = field(default_factory=list[Copy | More | Trained])
    coming: dict[Path, Path] = field(default_factory=dict[Path, Path])
    """Where a file or a student is to lie -> where it comes from."""
    n_here: Counter[str] = field(default_factory=Counter[str])

    def add(self, step: Copy | Trained, lock: Path | None) -> None:
        """Note what is to do; RecordError where a process is at the same."""
        if lock is not None and is_held(lock):
            raise RecordError(f"{step.source}: a process is making {lock}: merge when it is done")
        self.to_do.append(step)
        self.coming[step.path] = step.source

    def take(
        self,
        kind: str,
        source: Path,
        path: Path,
        same: Callable[[Path, Path], bool],
        lock: Path | None = None,
    ) -> None:
        """Note a file to copy; RecordError, naming both, where another is there or to come."""
        other = path if path.is_file() else self.coming.get(path)
        if other is None:
            self.add(Copy(kind, source, path, file_sha256(source), lock), lock)
        elif file_sha256(source) == file_sha256(other) or same(source, other):
            self.n_here[kind] += 1
        else:
            raise RecordError(f"{source}: another run of the same cell is {other}: keep one")


def merge(homes: Sequence[Path], *, weights: bool) -> tuple[Counter[str], Counter[str]]:
    """Copy what the homes hold into this one; how many files of each kind were copied, and how many
    were here.

    ConfigError for what is no home of another. RecordError, before anything is copied, for a bad
    file, and for a fact that contradicts one that is here or in another of the homes.
    """
    found = Merge(home())
    for each in homes:
        _check_home(each)
        # Records last: where one is, its run is done.
        runs, facts = list(files_in(each / "runs")), set(files_in(each / "generations"))
        _take_samples(found, each, runs)
        if weights:
            _take_students(found, each, runs)
        _take_trials(found, each)
        _take_probes(found, each)
        _take_records(found, each, facts)
    for step in found.to_do:
        step.make()
    return Counter(step.kind for step in found.to_do), found.n_here


def _check_home(source: Path) -> None:
    if not source.is_dir():
        raise FileNotFoundError(f"{source}: no such home")
    if source.resolve() == home().resolve():
        raise ConfigError(f"{source}: is this home itself: name others, or set $SKBENCH_HOME")
    if not any((source / kind).is_dir() for kind in ("records", "trials", "probes", "runs")):
        raise ConfigError(f"{source}: holds no results: name a folder that was $SKBENCH_HOME")


def _facts(root: Path) -> Iterator[Path]:
    return (path for path in files_in(root) if path.suffix == ".json")


def _take_records(found: Merge, source: Path, wrote: set[Path]) -> None:
    for path in _facts(source / "records"):
        record = Record.load(path)
        own = record.scope.place(record.track, record.version, record.label, record.seed)
        _check_place(path, source / "records" / own)
        texts = generations.place(path)
        here = found.into / "records" / own
        if texts in wrote:
            Generations.load(texts).check(record, texts)
            found.take("generations", texts, generations.place(here), _same_texts, here)
        found.take("records", path, here, _same_record, here)


def _take_probes(found: Merge, source: Path) -> None:
    for path in _facts(source / "probes"):
        probe = ProbeRecord.load(path)
        _check_place(path, source / "probes" / probe.place)
        here = found.into / "probes" / probe.place
        found.take("probes", path, here, _same_probe, here)


def _take_trials(found: Merge, source: Path) -> None:
    for path in _facts(source / "trials"):
        tried = Trials.load(path)
        roots = (source / "trials", found.into / "trials")
        of, here = (trials.place(root, tried.track, tried.version, tried.label) for root in roots)
        _check_place(path, of)
        step = More("trials", path, here, tried)
        earlier = [each for each in found.to_do if isinstance(each, More) and each.path == here]
        for other in earlier:
            _lacking(step, other.found)
        known = Trials.load(here) if here.is_file() else None
        if _lacking(step, known):
            found.to_do.append(step)
        else:
            found.n_here["trials"] += 1


def _lacking(step: More, known: Trials | None) -> list[Trial]:
    """The trials that are not among those `known`; RecordError where they contradict them."""
    mine = {str(sorted(each.settings.items())): each for each in known.trials} if known else {}
    lacking = list[Trial]()
    for each in step.found.trials:
        other = mine.get(str(sorted(each.settings.items())))
        if other is None:
            lacking.append(each)
        elif other != each:
            raise RecordError(
                f"{step.source}: other trials of the same settings are to lie in {step.path}:"
                " keep one"
            )
    if known and (known.seed, known.trials[0].items_sha256) != (
        step.found.seed,
        step.found.trials[0].items_sha256,
    ):
        raise RecordError(f"{step.source}: of another seed or other questions than {step.path}")
    return lacking


def _take_samples(found: Merge, source: Path, runs: Sequence[Path]) -> None:
    for path in runs:
        own = path.relative_to(source / "runs")
        if SAMPLES.fullmatch(own.as_posix()):
            # They are by-products of a run: those that are here stay.
            found.take("samples", path, found.into / "runs" / own, lambda _, __: True)


def _take_students(found: Merge, source: Path, runs: Sequence[Path]) -> None:
    for path in runs:
        own = path.relative_to(source / "runs")
        if not (REPORT.fullmatch(own.as_posix()) and weights_of(path.parent)):
            continue
        here = found.into / "runs" / own.parent
        if not is_whole(path.parent):
            print(
                f"{path.parent}: left out: some files of its weights are never copied, such as code"
                " of its own: train it here",
                file=sys.stderr,
            )
            continue
        try:
            parsed(Spent, path.read_bytes())
        except MisreadError as error:
            raise RecordError(f"{path}: {error}") from error
        if (here / path.name).is_file() or here in found.coming:
            found.n_here["students"] += 1
        else:
            found.add(Trained("students", path.parent, here), here)


def _check_place(path: Path, expected: Path) -> None:
    if path != expected:
        raise RecordError(f"{path}: by what it holds it belongs at {expected}; move it there")


def _same_record(one: Path, other: Path) -> bool:
    return Record.load(one) == Record.load(other)


def _same_texts(one: Path, other: Path) -> bool:
    return Generations.load(one) == Generations.load(other)


def _same_probe(one: Path, other: Path) -> bool:
    return ProbeRecord.load(one) == ProbeRecord.load(other)
