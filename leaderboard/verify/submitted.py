"""Runs that somebody hands in: each is checked beside what is published, and then copied."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from leaderboard.store.files import write_bytes_once
from leaderboard.store.ledger import events_of, generations_of, ledger_of, standing
from leaderboard.store.reading import RecordError
from leaderboard.store.record import Record
from leaderboard.verify.checks import OF_RUNS, verify
from leaderboard.verify.place import faults_of_scope
from leaderboard.verify.reading import read_record
from leaderboard.verify.rescored import scored_again
from leaderboard.verify.tree import Fault, Harness, read_tree


@dataclass(frozen=True, slots=True)
class Run:
    """A record file and what it holds."""

    path: Path
    record: Record

    @property
    def place(self) -> str:
        """Where it belongs, below a board's records."""
        return self.record.place

    @property
    def generations(self) -> Path | None:
        """What the run wrote, where it lies beside the record, or where a home keeps it."""
        texts, path = self.path.with_name(f"{self.path.name}.xz"), self.path.resolve()
        if not texts.is_file() and path.as_posix().endswith(f"/{self.place}"):
            texts = generations_of(path.parents[3], self.place)
        return texts if texts.is_file() else None


def found_in(path: Path) -> list[Run]:
    """The run of a record file, or all runs below a folder; RecordError for what is none."""
    files = sorted(path.rglob("seed*.json")) if path.is_dir() else [path]
    if not files or not all(each.is_file() and not each.is_symlink() for each in files):
        raise RecordError(f"{path}: holds no record; name a file seedN.json, or a folder of them")
    runs = list[Run]()
    for each in files:
        try:
            runs.append(Run(each, read_record(each)))
        except RecordError as error:
            raise RecordError(f"{each}: {error}") from error
    return runs


def faults_of(runs: Sequence[Run], root: Path, harness: Harness | None) -> Iterator[str]:
    """What is wrong with runs, beside each other and what is published; a line each."""
    published = read_tree(root, harness=harness)
    filed = standing(events_of(ledger_of(root)))
    new = dict[str, Run]()
    for run in runs:
        if run.place in filed and _is_there(run, root):
            yield f"{run.path}: this very run is filed already, as {run.place}"
        elif run.place in filed or run.place in new or _is_of_another(run, root):
            yield f"{run.path}: another run has the place {run.place}; none is ever overwritten"
        else:
            new[run.place] = run
    records = {place: run.record for place, run in new.items()}
    tree = replace(
        published,
        records={**published.records, **records},
        files=[*published.files, *records],
        handed_in={place: run.generations for place, run in new.items() if run.generations},
    )
    told = {tree.file(place): run for place, run in new.items()}
    before = {fault for _, fault in verify(published, OF_RUNS).faults}
    for _, fault in verify(tree, OF_RUNS).faults:
        if fault.file in told:
            yield _line(told[fault.file].path, fault)
        elif fault not in before:  # they outnumber what is published
            yield f"beside what is handed in, {fault}"
    for run in new.values():
        for what, expected in faults_of_scope(run.record):
            yield _line(run.path, Fault("", what, expected))
        if run.generations is not None:
            for found in scored_again(run.generations, "", run.record, harness):
                fault = _unscored(found) if isinstance(found, str) else found
                yield _line(run.generations, fault)


def take(run: Run, root: Path) -> Path:
    """Copy a run to its place in a board, with what it wrote; the record's new path.

    What a submission that was cut off has copied is left as it is.
    """
    for source, to in _copies(run, root):
        if not to.exists():
            write_bytes_once(to, source.read_bytes(), "file of a run")
    return root / run.place


def _is_there(run: Run, root: Path) -> bool:
    """Whether the record at the run's place is this one, and what is kept of its texts, too."""
    return (root / run.place).is_file() and not _is_of_another(run, root)


def _is_of_another(run: Run, root: Path) -> bool:
    """Whether another file lies where one of the run belongs."""
    return any(
        to.exists() and to.read_bytes() != source.read_bytes() for source, to in _copies(run, root)
    )


def _copies(run: Run, root: Path) -> list[tuple[Path, Path]]:
    """The files of a run, each with where it belongs in a board."""
    texts = run.generations
    of_texts = [(texts, generations_of(root, run.place))] if texts is not None else []
    return [(run.path, root / run.place), *of_texts]


def _unscored(why: str) -> Fault:
    """Texts that nobody scored must not lie beside a record as if they stood behind it."""
    expected = "texts that can be scored here, or none: take the file away"
    return Fault("", f"is not scored again: {why}", expected)


def _line(path: Path, fault: Fault) -> str:
    return str(Fault(str(path), fault.what, fault.expected))
