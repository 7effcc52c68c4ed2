"""Whether each study can be read, and its runs ran at what their trials chose, each for itself."""

import json
from collections.abc import Iterator
from pathlib import Path

from leaderboard.store.board import beside, version
from leaderboard.store.ranges import MOST_OF_NAME
from leaderboard.store.studies import Question, Run, Study
from leaderboard.store.trials import place
from leaderboard.verify.facts import facts, groups_of, loaded, table_of
from leaderboard.verify.tree import Fault, Tree
from leaderboard.verify.trials import faults_of_choice

ENOUGH = 10
"""Right and wrong answers of a data set; with fewer, two runs may agree by chance."""


def check_studies(tree: Tree) -> Iterator[Fault]:
    """Questions and runs that cannot be read; runs of other data sets than the track's, from an
    uncommitted tree, told twice, or whose trials are lost, are others by now, or choose other
    settings."""
    folder = beside(tree.root, "studies")
    questions = sorted(folder.glob("*.toml"))
    for path in questions:
        question = loaded(path, f"studies/{path.name}", Question.load)
        if isinstance(question, Fault):
            yield question
    for found in facts(tree, "studies", "vN/NAME.json", Study.load, questions):
        if isinstance(found, Fault):
            yield found
        elif tree.track in (None, found.holds.track):
            trials = beside(tree.root, "trials")
            own = dict(found.holds.groups)
            groups = groups_of(table_of(tree, found.suite, found.holds.track))
            if groups and own != groups:
                yield Fault(found.file, f"has data sets {own}", f"those of the track: {groups}")
            yield from (Fault(found.file, *why) for why in _of_runs(found.holds))
            of_version = version(found.suite) or 1
            yield from (
                Fault(found.file, *why) for why in _of_choices(found.holds, of_version, trials)
            )


def _of_runs(study: Study) -> Iterator[tuple[str, str]]:
    first = dict[tuple[str, str], Run]()
    for run in study.runs:
        if (dirty := run.provenance.get("dirty")) is not False:
            yield f"{run.row} seed {run.seed}: provenance.dirty {dirty!r}", "false"
        answers = run.row, json.dumps(dict(run.outcomes), sort_keys=True)
        other = first.setdefault(answers, run)
        columns = run.outcomes.values()
        is_telling = any(min(map(bits.count, "01")) >= ENOUGH for bits in columns)
        if other is not run and is_telling:
            what = f"{run.row} seed {run.seed}: has all outcomes of seed {other.seed}"
            yield what, "answers of a run of its own"


def _of_choices(study: Study, of_version: int, trials: Path) -> Iterator[tuple[str, str]]:
    """A row at settings of its own is POINT/LABEL+NAME; its trials are those of LABEL there."""
    for run in study.runs:
        point, _, label = run.row.partition("/")
        if "+" not in label and run.trials_sha256 is None and not run.settings:
            continue
        track, (of, _, _) = f"{study.track}.{study.study}.{point}", label.rpartition("+")
        if len(track) > MOST_OF_NAME:
            yield f"{run.row}: a track of {len(track)} characters", f"{MOST_OF_NAME} at most"
            continue
        path = place(trials, track, of_version, of)
        for what, expected in faults_of_choice(path, run.trials_sha256, dict(run.settings)):
            name = path.relative_to(trials.parent).as_posix()
            yield f"{run.row} seed {run.seed}: {name}: {what}", expected
