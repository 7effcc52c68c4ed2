"""Whether the runs of each study ran at what their trials chose."""

from collections.abc import Iterator
from pathlib import Path

from leaderboard.store.board import beside, version
from leaderboard.store.reading import RecordError
from leaderboard.store.studies import Study
from leaderboard.store.trials import place
from leaderboard.verify.tree import Fault, Tree
from leaderboard.verify.trials import faults_of_choice


def check_studies(tree: Tree) -> Iterator[Fault]:
    """Studies that cannot be read, and runs whose trials are lost, are others by now, or choose
    other settings."""
    folder = beside(tree.root, "studies")
    for path in sorted(folder.glob("v*/*.json")):
        file = path.relative_to(folder.parent).as_posix()
        try:
            found = Study.load(path)
        except RecordError as error:
            yield Fault(file, str(error).removeprefix(f"{path}: "), "what `board study` writes")
            continue
        if tree.track in (None, found.track):
            trials = beside(tree.root, "trials")
            for what, expected in _faults(found, version(path.parent.name) or 1, trials):
                yield Fault(file, what, expected)


def _faults(study: Study, of_version: int, trials: Path) -> Iterator[tuple[str, str]]:
    """A row at settings of its own is POINT/LABEL+NAME; its trials are those of LABEL there."""
    for run in study.runs:
        point, _, label = run.row.partition("/")
        if "+" not in label and run.trials_sha256 is None and not run.settings:
            continue
        track, (of, _, _) = f"{study.track}.{study.study}.{point}", label.rpartition("+")
        path = place(trials, track, of_version, of)
        for what, expected in faults_of_choice(path, run.trials_sha256, dict(run.settings)):
            name = path.relative_to(trials.parent).as_posix()
            yield f"{run.row} seed {run.seed}: {name}: {what}", expected
