"""Whether a row at settings of its own ran at what its trials chose."""

from collections.abc import Iterator
from pathlib import Path

from leaderboard.store.board import beside
from leaderboard.store.files import file_sha256
from leaderboard.store.reading import RecordError
from leaderboard.store.trials import Trials, place
from leaderboard.verify.reading import read
from leaderboard.verify.snapshot import told
from leaderboard.verify.tree import Fault, Tree


def check_trials(tree: Tree) -> Iterator[Fault]:
    """Trials that are lost, are others by now, or choose other settings."""
    root = beside(tree.root, "trials")
    for at, record in tree.records.items():
        if record.own is not None:
            of, _, _ = record.label.rpartition("+")
            path = place(root, record.track, record.version, of)
            name = path.relative_to(root.parent).as_posix()
            sha256, settings = (told(record, "own", key) for key in ("trials_sha256", "settings"))
            for what, expected in faults_of_choice(path, sha256, settings):
                yield Fault(tree.file(at), f"{name}: {what}", expected)


def faults_of_choice(path: Path, sha256: object, settings: object) -> Iterator[tuple[str, str]]:
    """Why the trials at `path` are not those of that hash, which chose those settings."""
    if not path.is_file():
        yield "no trials", "those that chose its settings"
    elif file_sha256(path) != sha256:
        yield "another file than chose its settings", "as it was then"
    else:
        try:
            chosen = dict(read(path, Trials.load).chosen)
        except RecordError as error:
            yield str(error), "what `skbench tune` writes"
            return
        if chosen != settings:
            yield f"settings {settings!r} of the run", f"{chosen!r}, which they choose"
