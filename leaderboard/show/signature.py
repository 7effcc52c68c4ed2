"""One line that names everything behind a number of the board, as sacreBLEU's does:

    skbench|pocket.v2|std_cot|id.strict|seeds:0,1,2|items:400|records:0a1b2c3d|pool:4e5f6a7b|v:0.1.0
    = 69.7 [65.2, 74.1]

Track and version, row, what is averaged and which outcomes, seeds, questions; a hash over the row's
record files, and one over all of the track's, which tell how far seeds differ and so how wide the
interval is; the version of this package. Runs that are not of the public table say how they differ
(`split:sealed|sealed:7`).
"""

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from decimal import Decimal, InvalidOperation
from pathlib import Path
from urllib.parse import quote, unquote

from leaderboard.rows.row import Row
from leaderboard.stats.averages import Seeds, estimates, names_of, seeds
from leaderboard.stats.formats import percent
from leaderboard.stats.intervals import Estimate
from leaderboard.store.board import PUBLIC
from leaderboard.store.files import file_sha256
from leaderboard.store.index import installed
from leaderboard.store.reading import MisreadError, parsed
from leaderboard.store.record import GROUPS, Record, Scope

_PLAIN = "[],=+()/:~"
"""What stands as it is; what would part fields, and all that is no ASCII, is percent-encoded."""


@dataclass(frozen=True, slots=True)
class Signature:
    """What is behind one number. `value`, `low` and `high` are as shown, in percent."""

    track: str
    version: int
    label: str
    of: str
    """`id`, `ood`, or a data set."""
    outcome: str
    """`strict`, or the grade that stands in the place of right and wrong."""
    seeds: tuple[int, ...]
    n_items: int
    records: str
    """Hash over the record files of the row, 8 hex digits."""
    pool: str
    """The same over all record files of the track."""
    code: str
    """Version of this package."""
    value: Decimal
    low: Decimal
    high: Decimal
    scope: Scope = PUBLIC

    def format(self) -> str:
        """As one line."""
        told = {k: v for k, v in asdict(self.scope).items() if v != getattr(PUBLIC, k)}
        fields = {
            **told,
            "seeds": ",".join(map(str, self.seeds)),
            "items": self.n_items,
            "records": _text(self.records),
            "pool": _text(self.pool),
            "v": _text(self.code),
        }
        head = [
            "skbench",
            f"{_text(self.track)}.v{self.version}",
            _text(self.label),
            f"{_part(self.of)}.{_part(self.outcome)}",
        ]
        line = "|".join([*head, *(f"{key}:{value}" for key, value in fields.items())])
        return f"{line} = {self.value} [{self.low}, {self.high}]"

    @classmethod
    def parse(cls, line: str) -> "Signature":
        """The signature that a line stands for; MisreadError where it is none."""
        try:
            return cls._read(line)
        except (ValueError, KeyError, InvalidOperation) as error:
            raise MisreadError(
                f"not a signature: {line!r}; copy the whole line of `skbench board show"
                " --signatures`"
            ) from error

    @classmethod
    def _read(cls, line: str) -> "Signature":
        names, _, numbers = line.partition(" = ")
        value, low, high = numbers.replace("[", "").replace(",", "").removesuffix("]").split(" ")
        tool, track, label, what, *rest = names.split("|")
        if tool != "skbench":
            raise ValueError(tool)
        name, _, version = track.rpartition(".v")
        of, outcome = what.split(".")
        fields = dict(each.split(":", 1) for each in rest)
        seeds = fields.pop("seeds")
        n_items, records, pool, code = (fields.pop(k) for k in ("items", "records", "pool", "v"))
        scope = {key: each if key == "split" else int(each) for key, each in fields.items()}
        return cls(
            track=unquote(name),
            version=int(version),
            label=unquote(label),
            of=unquote(of),
            outcome=unquote(outcome),
            seeds=tuple(int(seed) for seed in seeds.split(",") if seed),
            n_items=int(n_items),
            records=unquote(records),
            pool=unquote(pool),
            code=unquote(code),
            value=Decimal(value),
            low=Decimal(low),
            high=Decimal(high),
            scope=parsed(Scope, json.dumps(scope)),
        )


def sign(
    of: str, found: Estimate, files: Mapping[Path, Record], hashes: Mapping[Path, str]
) -> Signature:
    """The signature of one number: `of` a group or a data set, made from the records of a label.

    `hashes` are those of all the track's record files.
    """
    first = next(iter(files.values()))
    names = next((names_of(first, group) for group in GROUPS if group == of), (of,))
    return Signature(
        track=first.track,
        version=first.version,
        label=first.label,
        of=of,
        outcome=first.data_sets[names[0]].metric or "strict",
        seeds=tuple(sorted(record.seed for record in files.values())),
        n_items=sum(len(first.data_sets[name].items) for name in names),
        records=_combined(hashes[path] for path in files),
        pool=_combined(hashes.values()),
        code=installed(),
        value=Decimal(percent(found.value)),
        low=Decimal(percent(found.low)),
        high=Decimal(percent(found.high)),
        scope=first.scope,
    )


def signed(table: Sequence[Row], files: Mapping[Path, Record]) -> list[Row]:
    """The rows with the signatures of their headlines and of the accuracy on each data set; `files`
    are all the track's records."""
    hashes, pool = content_hashes(files), seeds(list(files.values()))
    return [replace(row, signatures=_of_row(row, files, hashes, pool)) for row in table]


def signature_lines(table: Sequence[Row]) -> list[str]:
    """The signatures of all rows, one a line; none of rows that are not signed."""
    return [line for row in table for line in row.signatures.values()]


def content_hashes(files: Iterable[Path]) -> dict[Path, str]:
    """sha256 of each file's bytes."""
    return {path: file_sha256(path) for path in files}


def _of_row(
    row: Row, files: Mapping[Path, Record], hashes: Mapping[Path, str], pool: Seeds
) -> dict[str, str]:
    mine = {path: record for path, record in files.items() if record.label == row.method}
    numbers = {"id": row.id, "ood": row.ood, **estimates(list(mine.values()), pool)}
    return {
        of: sign(of, found, mine, hashes).format()
        for of, found in numbers.items()
        if found is not None
    }


def _combined(hashes: Iterable[str]) -> str:
    return hashlib.sha256("\n".join(sorted(hashes)).encode()).hexdigest()[:8]


def _text(text: str) -> str:
    return quote(text, safe=_PLAIN)


def _part(text: str) -> str:
    """Of a pair that a dot parts."""
    return _text(text).replace(".", "%2E")
