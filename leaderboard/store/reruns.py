"""A published record run again: a JSON file each, beside the records, added and never replaced."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

from leaderboard.store.board import beside
from leaderboard.store.files import write_once
from leaderboard.store.generations import Generations, place
from leaderboard.store.ranges import Count
from leaderboard.store.reading import STRICT, First, RecordError, stored
from leaderboard.store.record import Record

_TELLING = ("commit", "dirty", "date", "command", "device", "precision", "versions")


@dataclass(frozen=True, slots=True)
class Rerun:
    """What came out again; counts are of questions, of all data sets together."""

    __pydantic_config__ = STRICT

    schema: First
    track: str
    version: Count
    label: str
    seed: Count
    record_sha256: str
    """Of the file that was run again."""
    n: Count
    flips: Count
    """Questions that were right and are wrong, or the other way round, by the strict extractor."""
    other_lengths: Count
    """Questions whose answer has another number of tokens."""
    loss: float | None
    """Final training loss of the record; null where nothing was trained."""
    loss_again: float | None
    is_inside: bool
    """Whether each accuracy is equal, or inside the record's own interval over its items."""
    is_same_device: bool
    is_same_software: bool
    again: Mapping[str, Any]
    """Commit, date, command, device and versions of the second run."""

    @property
    def is_equal(self) -> bool:
        """Whether no outcome, no length and no loss differs."""
        return not self.flips and not self.other_lengths and self.loss == self.loss_again


def rerun(path: Path, expected: Record, obtained: Record, *, is_inside: bool) -> Rerun:
    """The facts of a repetition of the record at `path`; RecordError where items are others."""
    flips = longer = n = 0
    for name, old in expected.data_sets.items():
        new = obtained.data_sets.get(name)
        if new is None or (new.items_sha256, new.items) != (old.items_sha256, old.items):
            raise RecordError(f"{path}: {name} was asked other questions when it was run again")
        n += len(old.items)
        flips += sum(a != b for a, b in zip(old.strict, new.strict, strict=True))
        lengths = zip(old.generated_tokens, new.generated_tokens, strict=True)
        longer += sum(a != b for a, b in lengths)
    told, found = expected.provenance, obtained.provenance
    return Rerun(
        schema=1,
        track=expected.track,
        version=expected.version,
        label=expected.label,
        seed=expected.seed,
        record_sha256=sha256(path.read_bytes()).hexdigest(),
        n=n,
        flips=flips,
        other_lengths=longer,
        loss=expected.training.final_loss,
        loss_again=obtained.training.final_loss,
        is_inside=is_inside,
        is_same_device=told.get("device") == found.get("device"),
        is_same_software=told.get("versions") == found.get("versions"),
        again={key: found.get(key) for key in _TELLING},
    )


def publish_rerun(found: Rerun, path: Path) -> Path:
    """File it beside the record at `path`, unless it is there; RecordError for one from an
    uncommitted tree."""
    if found.again.get("dirty") is not False:
        raise RecordError(
            f"{found.label} seed {found.seed}: run again from an uncommitted working tree; commit,"
            " delete what it made, and reproduce it once more"
        )
    for each in reruns_of(path):
        if stored(Rerun, each) == found:
            return each
    folder = beside(path.parents[2], "reruns") / found.track / found.label
    stored_at = folder / f"seed{found.seed}-{len(reruns_of(path)) + 1}.json"
    write_once(stored_at, asdict(found), "rerun")
    return stored_at


def reruns_of(path: Path) -> list[Path]:
    """The files of the reruns of the record at `path`."""
    suite = path.parents[2]
    folder = beside(suite, "reruns") / path.parent.relative_to(suite)
    return sorted(folder.glob(f"{path.stem}-*.json"))


def keep_texts(path: Path, expected: Record, obtained: Record, texts: Generations) -> Path | None:
    """File what the second run wrote as that of the record at `path`, which is of `expected`; None
    where its texts are kept already, or any answer came out otherwise."""
    kept = place(path)
    if kept.exists() or _answers(expected) != _answers(obtained):
        return None
    texts.check(expected, path)
    texts.save(kept)
    return kept


def _answers(record: Record) -> dict[str, list[list[int]]]:
    """All that is recorded of what was written, data set by data set."""
    return {
        name: [each.strict, each.author, each.flexible, each.failed, each.generated_tokens]
        for name, each in record.data_sets.items()
    }


def load_reruns(root: Path, track: str) -> list[Rerun]:
    """Reruns of the track in a suite of them, by label, seed and number."""
    found = list[Rerun]()
    for path in sorted((root / track).glob("*/*.json")):
        each = stored(Rerun, path)
        if (each.track, each.label) != (track, path.parent.name):
            raise RecordError(f"{path}: is of {each.track}/{each.label}; move it to that folder")
        found.append(each)
    return found
