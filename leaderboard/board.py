"""Reading a folder of records, laid out TRACK/LABEL/RUN.json."""

from collections.abc import Collection, Iterable, Sequence
from difflib import get_close_matches
from pathlib import Path

from leaderboard.record import Record, RecordError, Scope

PUBLISHED = Path(__file__).parent / "records" / "v1"
PUBLIC = Scope()


class UnknownName(LookupError):  # noqa: N818 - it names what went wrong, as LookupError does
    """A track or label that does not exist; the message names the nearest that does."""

    def __init__(self, what: str, name: str, valid: Iterable[str]) -> None:
        names = sorted(valid)
        near = get_close_matches(name, names, n=1, cutoff=0.0)
        hint = f"; did you mean {near[0]!r}? (there are: {', '.join(names)})" if near else ""
        super().__init__(f"unknown {what} {name!r}{hint}")


def tracks(root: Path) -> list[str]:
    """Names of the tracks that have records under `root`."""
    return sorted({path.parents[1].name for path in root.glob("*/*/*.json")})


def beside(records: Path, kind: str) -> Path:
    """The root of another kind of facts (probes, maps), beside a root of records."""
    return records.parents[1] / kind / records.name


def load(
    track: str, root: Path = PUBLISHED, scope: Scope = PUBLIC, known: Collection[str] = ()
) -> list[Record]:
    """Records of the track in that scope, sorted by label and seed; [] when there are none.

    `known` lists tracks that are valid without having records. Raises UnknownName, or
    RecordError for a bad file, one in the wrong folder, or two of one label and seed.
    """
    valid = {*known, *tracks(root)}
    if valid and track not in valid:
        raise UnknownName("track", track, valid)
    found: dict[tuple[str, int], tuple[Path, Record]] = {}
    for path in sorted((root / track).glob("*/*.json")):
        record = Record.load(path)
        if record.track != track:
            raise RecordError(f"{path}: is of track {record.track!r}; move it to that folder")
        if record.scope != scope:
            continue
        key = (record.label, record.seed)
        if key in found:
            raise RecordError(
                f"{path}: second record of {record.label} seed {record.seed},"
                f" beside {found[key][0]}; remove one of them"
            )
        found[key] = (path, record)
    return [found[key][1] for key in sorted(found)]


def of_label(records: Sequence[Record], label: str) -> list[Record]:
    """The records of one label; raises UnknownName."""
    labels = {record.label for record in records}
    if label not in labels:
        raise UnknownName("method label", label, labels)
    return [record for record in records if record.label == label]
