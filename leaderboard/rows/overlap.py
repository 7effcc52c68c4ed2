"""What the test items of a track share with the corpus that it trains on."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from leaderboard.stats.formats import NONE, percent
from leaderboard.store.comparable import run_name
from leaderboard.store.reading import RecordError
from leaderboard.store.record import Record


@dataclass(frozen=True, slots=True)
class Overlap:
    """Of one data set, as shares of its items."""

    shared_13gram: float
    """Items with 13 words in a row that stand in the corpus."""
    equal_questions: float
    """Items that the corpus asks as well."""
    may_be_known_to: list[str]
    """Teachers that may have seen the items, which no comparison of texts can show."""


def overlaps(records: Sequence[Record]) -> dict[str, Overlap]:
    """Data set -> its overlap, as the records hold it under `provenance.contamination`.

    Data sets that were not searched are missing. Raises RecordError for another form.
    """
    found: dict[str, Overlap] = {}
    for record in records:
        known: Mapping[str, Mapping[str, Any]] = record.provenance.get("contamination", {})
        try:
            found |= {name: Overlap(**each) for name, each in known.items()}
        except (AttributeError, TypeError) as error:
            where = f"{run_name(record)}: provenance.contamination"
            raise RecordError(f"{where} is not one overlap per data set: {error}") from error
    return found


def overlap_lines(found: Mapping[str, Overlap], columns: Sequence[str]) -> list[list[str]]:
    """Lines under a table whose `columns`, but the first, are these; [] where nothing is known."""
    if not found:
        return []
    shares = (
        ("13 words", {name: each.shared_13gram for name, each in found.items()}),
        ("the whole question", {name: each.equal_questions for name, each in found.items()}),
    )
    lines = [
        [f"overlap with the corpus, % of items sharing {what}", *map(percent, map(of.get, columns))]
        for what, of in shares
    ]
    for teacher in sorted({name for each in found.values() for name in each.may_be_known_to}):
        known = {name for name, each in found.items() if teacher in each.may_be_known_to}
        marks = ["yes" if column in known else NONE for column in columns]
        lines.append([f"may be known to the teacher {teacher}", *marks])
    return lines
