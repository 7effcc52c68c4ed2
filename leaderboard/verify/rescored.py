"""Whether outcomes are what the kept generations score, where a run's texts are kept."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from leaderboard.store.generations import Generations
from leaderboard.store.ledger import generations_of
from leaderboard.store.reading import RecordError
from leaderboard.store.record import Record
from leaderboard.verify.base import has_other_outcomes
from leaderboard.verify.reading import MOST_BYTES
from leaderboard.verify.tree import Fault, Harness, Scored, Tree, Unscored

NOT_KEPT = "no generations are kept of them"
"""Why most records are not scored again."""
ROUNDING = 1e-9
"""Of grades that are products of floats."""
FAULTY = "what is kept of them cannot be scored"


def check_generations(tree: Tree) -> Iterator[Fault | Unscored]:
    """Generations of another run, outcomes that they do not score, and records that nothing here
    scores: a fault, where such a one is a run of the base with other outcomes."""
    for place, record in tree.records.items():
        path = generations_of(tree.root, place)
        if not (path.exists() or path.is_symlink()):
            yield Unscored(place, NOT_KEPT)
            continue
        for found in scored_again(path, tree.file(place), record, tree.harness):
            if isinstance(found, str):
                yield Unscored(place, found)
                yield from _changed(tree, place, found)
            else:
                yield found
    yield from _orphans(tree)


def _changed(tree: Tree, place: str, why: str) -> Iterator[Fault]:
    """Outcomes may change by scoring anew alone, so somebody has to have done that."""
    if tree.base is not None and has_other_outcomes(tree, tree.base, place):
        what = f"has other outcomes than in {tree.base.name}, and is not scored again: {why}"
        yield Fault(tree.file(place), what, "verified where its texts can be scored")


def scored_again(
    path: Path, of: str, record: Record, harness: Harness | None
) -> Iterator[Fault | str]:
    """What is wrong with a file of texts, or with the record that faults call `of`; in words why
    it was not scored again, if it was not."""
    name = f"generations/{'/'.join(path.parts[-4:])}"
    if path.is_symlink() or not path.is_file() or path.stat().st_size > MOST_BYTES:
        what = "is a link, a folder, or too large to be read"
        yield Fault(name, what, f"a file of {MOST_BYTES} bytes at most")
        yield FAULTY
        return
    try:
        found = Generations.load(path)
        found.check(record, path)
    except RecordError as error:
        what = str(error).removeprefix(f"{path}: ")
        expected = "those of the record beside it: `skbench board schema generations`"
        yield Fault(name, what, expected)
        yield FAULTY
        return
    try:
        scored = harness.rescore(record, found) if harness else "nobody here can score"
    except RecordError as error:
        yield Fault(of, str(error), "the track as `skbench run` tells it")
        yield FAULTY
        return
    if isinstance(scored, str):
        yield scored
        return
    yield from (Fault(of, what, expected) for what, expected in _outcomes(record, scored))
    lengths = harness.lengths(record, found) if harness else None
    yield from (Fault(of, what, expected) for what, expected in _lengths(record, lengths or {}))


def _outcomes(record: Record, scored: Scored) -> Iterator[tuple[str, str]]:
    for name, each in record.data_sets.items():
        for extractor, outcomes in scored.get(name, {}).items():
            stored = (
                each.graded[extractor] if extractor in each.graded else getattr(each, extractor)
            )
            pairs = zip(stored, outcomes, strict=True)
            odd = [i for i, (a, b) in enumerate(pairs) if a is None or abs(a - b) > ROUNDING]
            if odd:
                yield (
                    f"{name}.{extractor}: {len(odd)} outcomes are not what was written, the first"
                    f" of item {each.items[odd[0]]}",
                    f"{outcomes[odd[0]]} there",
                )
        if name not in scored:
            yield (
                f"the questions of {name} here are not those that it was asked",
                "the same: check out the commit that the record names",
            )


def _lengths(record: Record, lengths: Mapping[str, Sequence[int]]) -> Iterator[tuple[str, str]]:
    """Counts of what was generated that are not those of the texts. A call may have ended by a
    token that is no text, and texts that are read apart or together part otherwise."""
    for name, of_texts in lengths.items():
        each = record.data_sets[name]
        told = zip(each.generated_tokens, of_texts, each.n_calls, strict=True)
        odd = [i for i, (n, n_text, n_calls) in enumerate(told) if abs(n - n_text) > n_calls]
        if odd:
            yield (
                f"{name}.generated_tokens: {len(odd)} are not those of the texts, the first of item"
                f" {each.items[odd[0]]}",
                f"{of_texts[odd[0]]} there",
            )


def _orphans(tree: Tree) -> Iterator[Fault]:
    """Generations without a record."""
    folder = tree.root.parent / "generations"
    known = {generations_of(tree.root, place) for place in tree.files}
    for path in sorted(folder.rglob("*")):
        place = path.relative_to(folder).as_posix()
        if tree.is_of_track(place) and (path.is_file() or path.is_symlink()) and path not in known:
            yield Fault(f"generations/{place}", "goes with no record", "beside its record, or away")
