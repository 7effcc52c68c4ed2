"""Reading facts: suites vN of a meaning each, in them TRACK/LABEL/RUN.json."""

import os
import re
from collections.abc import Collection, Iterable, Sequence
from difflib import get_close_matches
from glob import escape
from itertools import groupby
from pathlib import Path

from leaderboard.store.reading import RecordError
from leaderboard.store.record import Record, Scope

_OWN = os.environ.get("SKBENCH_RECORDS")
IS_OWN = bool(_OWN)
"""Whether the board is one of the user's, and not the one that comes with the package."""
PUBLISHED = Path(_OWN or Path(__file__).parent.parent / "records").resolve()
"""The suites of published records."""
PUBLIC = Scope()
_SUITE = re.compile(r"v([1-9][0-9]*)")


class UnknownName(LookupError):  # noqa: N818 - it names what went wrong, as LookupError does
    """A track, suite or label that does not exist; the message names the nearest that does."""

    def __init__(self, what: str, name: str, valid: Iterable[str]) -> None:
        names = sorted(valid)
        near = get_close_matches(name, names, n=1, cutoff=0.0)
        hint = f"; did you mean {near[0]!r}? (there are: {', '.join(names)})" if near else ""
        super().__init__(f"unknown {what} {name!r}{hint}")


def version(name: str) -> int | None:
    """The version that a suite's folder is named after; None for the name of another folder."""
    found = _SUITE.fullmatch(name)
    return int(found[1]) if found else None


def suites(base: Path, track: str = "") -> list[str]:
    """Suites under `base` that hold facts, of the track if one is named; the newest last."""
    return suites_with(base, f"{escape(track) or '*'}/*/*.json")


def suites_with(base: Path, files: str) -> list[str]:
    """Suites under `base` in which a file matches the pattern; the newest last."""
    found = [p.name for p in base.glob("v*") if version(p.name) and any(p.glob(files))]
    return sorted(found, key=lambda name: version(name) or 0)


def suite(base: Path, track: str, asked: str | None = None) -> Path:
    """The folder of the suite asked for, by default of the newest that has facts of the track.

    Raises UnknownName for one that has none where another has some.
    """
    names = suites(base, track)
    if not names:
        return base / "v1"
    if asked is not None and asked not in names:
        raise UnknownName(f"suite of {track}", asked, names)
    return base / (asked or names[-1])


def tracks(root: Path) -> list[str]:
    """Names of the tracks that have facts under `root`, which is a suite or holds suites."""
    folders = [root / name for name in suites(root)] or [root]
    return sorted({path.parents[1].name for each in folders for path in each.glob("*/*/*.json")})


def beside(records: Path, kind: str) -> Path:
    """The root of another kind of facts (probes, maps), beside a root of records."""
    if version(records.name) is None:
        return records.parent / kind
    return beside(records.parent, kind) / records.name


def load(
    track: str, root: Path, scope: Scope = PUBLIC, known: Collection[str] = ()
) -> list[Record]:
    """Records of the track in that scope, sorted by label and seed; [] when there are none."""
    return list(load_files(track, root, scope, known).values())


def load_files(
    track: str, root: Path, scope: Scope = PUBLIC, known: Collection[str] = ()
) -> dict[Path, Record]:
    """The same, each by the file that it was read from.

    `root` is a suite, or a folder of records by another name. `known` lists tracks that are valid
    without having records. Raises UnknownName, or RecordError for a bad file, one in the wrong
    folder, or two of one label and seed.
    """
    valid = {*known, *tracks(root if version(root.name) is None else root.parent)}
    if valid and track not in valid:
        raise UnknownName("track", track, valid)
    found: dict[tuple[str, int], tuple[Path, Record]] = {}
    for path in sorted((root / track).glob("*/*.json")):
        record = Record.load(path)
        check_place(path, record.track, record.version, track, root)
        if record.scope != scope:
            continue
        key = (record.label, record.seed)
        if key in found:
            raise RecordError(
                f"{path}: second record of {record.label} seed {record.seed},"
                f" beside {found[key][0]}; remove one of them"
            )
        found[key] = (path, record)
    return dict(found[key] for key in sorted(found))


def check_place(path: Path, track: str, of: int, expected: str, root: Path) -> None:
    """Raise RecordError for a fact of another track, or of another version than its suite."""
    if track != expected:
        raise RecordError(f"{path}: is of track {track!r}; move it to that folder")
    if version(root.name) not in (None, of):
        raise RecordError(f"{path}: is of version {of} of its track; move it to suite v{of}")


def of_label(records: Sequence[Record], label: str) -> list[Record]:
    """The records of one label; raises UnknownName."""
    labels = {record.label for record in records}
    if label not in labels:
        raise UnknownName("method label", label, labels)
    return [record for record in records if record.label == label]


def by_label(records: Iterable[Record]) -> dict[str, list[Record]]:
    """Label -> its records by seed, labels in order."""
    ordered = sorted(records, key=lambda record: (record.label, record.seed))
    return {label: list(group) for label, group in groupby(ordered, key=lambda r: r.label)}
