"""What a record tells of its own settings, which anybody may have written."""

from collections.abc import Mapping
from typing import cast

from leaderboard.store.record import Record


def told(record: Record, *path: str) -> object:
    """What stands at a path below the snapshot; None where nothing does."""
    found: object = record.snapshot
    for key in path:
        found = cast(Mapping[str, object], found).get(key) if isinstance(found, Mapping) else None
    return found


def run_label(record: Record) -> str:
    """The label of what ran, without the name of settings of its own."""
    return str(told(record, "own", "of")) if record.own is not None else record.label


def mapping(record: Record, *path: str) -> Mapping[str, object]:
    """What stands there with its keys; {} where nothing with keys does."""
    found = told(record, *path)
    return cast(Mapping[str, object], found) if isinstance(found, Mapping) else {}


def names(value: object) -> list[str]:
    """The texts of a list; [] of anything else."""
    items = cast(list[object], value) if isinstance(value, list) else []
    return [item for item in items if isinstance(item, str)]


def whole(value: object) -> int | None:
    """A whole number above zero; None of anything else."""
    return value if isinstance(value, int) and value > 0 else None
