"""What is exported, and the format of that name: a file of the folder `formats`."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import Any, TypeAlias, cast

from leaderboard.rows.row import Row, row_json
from leaderboard.stats.averages import Seeds
from leaderboard.store.board import of_label
from leaderboard.store.generations import Generations, kept
from leaderboard.store.record import Record

Exported: TypeAlias = str | bytes | Iterable[tuple[str, str]]
"""A text, a file that is none, or several texts with their paths under a folder."""


class ExportError(ValueError):
    """Something that a format needs and was not given; the message says what to do."""


@dataclass(frozen=True, slots=True)
class Shown:
    """A table, with what it was made from; records are those of its rows alone."""

    rows: Sequence[Row]
    records: Sequence[Record] = ()
    seeds: Seeds = field(default_factory=lambda: Seeds({}))
    resolution: str = ""
    """How small a difference the rows can tell, in words."""
    hub_dataset: str | None = None
    """OWNER/NAME under which the questions are a benchmark on the Hugging Face Hub."""
    files: Mapping[Path, Record] = field(default_factory=dict[Path, Record])
    """At least the records, each by its file, beside which the texts of its run may lie."""

    @property
    def track(self) -> str:
        return self.records[0].track

    def of(self, row: Row) -> list[Record]:
        """The records of a row."""
        return of_label(self.records, row.method)

    def texts(self, record: Record) -> Generations | None:
        """What the run's student answered, where it is kept; RecordError for texts of another."""
        for path, each in self.files.items():
            if (each.label, each.seed) == (record.label, record.seed) and (found := kept(path)):
                found.check(record, path)
                return found
        return None

    def date(self, row: Row) -> str:
        """The day of the row's newest run, as ISO 8601; "" where no record has one."""
        return max(str(record.provenance.get("date", "")) for record in self.of(row))


def export(shown: Shown, form: str) -> Exported:
    """The table in a format: rounded numbers where people read it, exact ones elsewhere.

    ExportError where the format needs what is not there; ModuleNotFoundError for an unknown one.
    """
    module = import_module(f"leaderboard.show.formats.{form}")
    return cast(Callable[[Shown], Exported], module.export)(shown)


def flat(row: Row) -> dict[str, Any]:
    """A row as one line; nested values become columns such as `id.low` and `tasks.NAME`."""
    return _flat(row_json(row))


def columns(lines: Sequence[Mapping[str, Any]]) -> list[str]:
    """The columns of all lines, in the order in which they come up."""
    return list(dict.fromkeys(column for line in lines for column in line))


def _flat(body: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in body.items():
        if isinstance(value, dict):
            found |= _flat(cast(dict[str, Any], value), f"{prefix}{key}.")
        elif isinstance(value, list):
            found[f"{prefix}{key}"] = "; ".join(map(str, cast(list[object], value)))
        else:
            found[f"{prefix}{key}"] = value
    return found
