"""Whether outcomes are what the kept generations score, where a run's texts are kept."""

from collections.abc import Iterator
from pathlib import Path

from leaderboard.store.generations import Generations
from leaderboard.store.ledger import generations_of
from leaderboard.store.reading import RecordError
from leaderboard.store.record import Record
from leaderboard.verify.tree import MOST_BYTES, Fault, Rescore, Scored, Tree


def check_generations(tree: Tree) -> Iterator[Fault]:
    """Generations of another run, and outcomes that they do not score."""
    for place, record in tree.records.items():
        path = generations_of(tree.root, place)
        if path.exists() or path.is_symlink():
            yield from faults_of_generations(path, tree.file(place), record, tree.rescore)
    yield from _orphans(tree)


def faults_of_generations(
    path: Path, of: str, record: Record, rescore: Rescore | None
) -> Iterator[Fault]:
    """What is wrong with a file of texts, or with the record that faults call `of`."""
    name = f"generations/{'/'.join(path.parts[-4:])}"
    if path.is_symlink() or path.stat().st_size > MOST_BYTES:
        yield Fault(name, "is a link, or too large to be read", f"{MOST_BYTES} bytes at most")
        return
    try:
        found = Generations.load(path)
        found.check(record, path)
    except RecordError as error:
        what = str(error).removeprefix(f"{path}: ")
        expected = "those of the record beside it: `skbench board schema generations`"
        yield Fault(name, what, expected)
        return
    if rescore is not None:
        scored = rescore(record, found)
        if scored is not None:
            yield from (Fault(of, what, expected) for what, expected in _outcomes(record, scored))


def _outcomes(record: Record, scored: Scored) -> Iterator[tuple[str, str]]:
    for name, each in record.data_sets.items():
        for extractor, outcomes in scored.get(name, {}).items():
            stored: list[int] = getattr(each, extractor)
            odd = [i for i, (a, b) in enumerate(zip(stored, outcomes, strict=True)) if a != b]
            if odd:
                yield (
                    f"{name}.{extractor}: {len(odd)} outcomes are not what was written, the first"
                    f" of item {each.items[odd[0]]}",
                    f"{outcomes[odd[0]]} there",
                )
        if name not in scored:
            yield f"{name} was not scored again", "a data set whose answers are known"


def _orphans(tree: Tree) -> Iterator[Fault]:
    """Generations without a record."""
    folder = tree.root.parent / "generations"
    known = {generations_of(tree.root, place) for place in tree.files}
    for path in sorted(folder.rglob("*")):
        place = path.relative_to(folder).as_posix()
        if tree.is_of_track(place) and (path.is_file() or path.is_symlink()) and path not in known:
            yield Fault(f"generations/{place}", "goes with no record", "beside its record, or away")
