"""What the test items of a track share with the corpus that it trains on."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from leaderboard.stats.formats import NONE, percent
from leaderboard.store.comparable import run_name
from leaderboard.store.ranges import Share
from leaderboard.store.reading import STRICT, MisreadError, RecordError, parsed
from leaderboard.store.record import Record


@dataclass(frozen=True, slots=True)
class Overlap:
    """Of one data set, as shares of its items."""

    __pydantic_config__ = STRICT

    shared_13gram: Share
    """Items with 13 words in a row that stand in the corpus."""
    equal_questions: Share
    """Items that the corpus asks as well."""
    may_be_known_to: list[str]
    """Teachers that may have seen the items, which no comparison of texts can show."""


def overlaps(records: Sequence[Record]) -> dict[str, Overlap]:
    """Data set -> its overlap, as the records hold it under `provenance.contamination`.

    Data sets that were not searched are missing. Raises RecordError for another form.
    """
    found: dict[str, Overlap] = {}
    for record in records:
        try:
            told = json.dumps(record.provenance.get("contamination", {}))
            found |= parsed(dict[str, Overlap], told)
        except MisreadError as error:
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
