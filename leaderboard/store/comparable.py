"""Which records may stand beside each other in one row, and in one table."""

import json
from collections.abc import Mapping, Sequence
from typing import cast

from leaderboard.store.reading import RecordError
from leaderboard.store.record import FOR_SOME, WHAT_TO_RUN, DataSet, Group, Record


def check_table(records: Sequence[Record]) -> None:
    """Raise RecordError where records of one table differ in what all rows must share."""
    for name in ("track", "version", "scope", "reference"):
        found = {getattr(record, name) for record in records}
        if len(found) > 1:
            raise RecordError(
                f"records of more than one {name}: {', '.join(sorted(map(str, found)))};"
                f" only rows of one {name} are comparable"
            )
    _check_same(records, "settings", [settings(track_settings(record)) for record in records])
    for name in FOR_SOME:
        asked = [record for record in records if (track_settings(record) or {}).get(name)]
        _check_same(asked, name, [(track_settings(record) or {})[name] for record in asked])
    corpora = [record.provenance.get("corpus_sha256") for record in records]
    _check_same(records, "corpus (corpus_sha256)", corpora)


def check_seeds(records: Sequence[Record]) -> None:
    """Raise RecordError unless the records of a label have one item list and distinct seeds."""
    first = records[0]
    seeds = [record.seed for record in records]
    if len(set(seeds)) < len(seeds):
        raise RecordError(f"{run_name(first)}: two records of one seed among {seeds}; remove one")
    for record in records[1:]:
        if _layout(record) != _layout(first):
            raise RecordError(
                f"{run_name(record)}: other items than seed {first.seed};"
                " the seeds of a label must answer the same questions: run it again"
            )


def questions(data_set: DataSet) -> object:
    """What was asked, in whatever order: equal ids with another hash are other questions."""
    clusters = data_set.cluster_of().items()
    return data_set.group, data_set.items_sha256, frozenset(clusters)


def run_of(record: Record) -> tuple[str, int]:
    """The label and the seed of what was run. Where trials chose the track's own settings, a tuned
    row is run as the other is: one run under two labels."""
    chosen = _mapping(record.own, "settings")
    if record.own is None or chosen is None:
        return record.label, record.seed
    training = _mapping(track_settings(record), "training") or {}
    is_track_s = all(training.get(name) == value for name, value in chosen.items())
    return (str(record.own.get("of")) if is_track_s else record.label), record.seed


def _mapping(of: Mapping[str, object] | None, name: str) -> Mapping[str, object] | None:
    value = (of or {}).get(name)
    return cast(Mapping[str, object], value) if isinstance(value, Mapping) else None


def distinct(*tables: Sequence[Record]) -> list[list[Record]]:
    """The tables with every run once: under the label of the track's settings where a table has it
    under two, and in the first table where it came out again, question by question."""
    found, known = list[list[Record]](), dict[tuple[str, int], list[object]]()
    for table in tables:
        of_track = {(record.label, record.seed) for record in table if record.own is None}
        once = [r for r in table if r.own is None or run_of(r) not in of_track]
        found.append([r for r in once if _answers(r) not in known.get(run_of(r), [])])
        for record in found[-1]:
            known.setdefault(run_of(record), []).append(_answers(record))
    return found


def _answers(record: Record) -> dict[str, tuple[list[str], list[int], list[int]]]:
    return {
        name: (each.items, each.strict, each.generated_tokens)
        for name, each in record.data_sets.items()
    }


def run_name(record: Record) -> str:
    """What messages call a run."""
    return f"{record.track}/{record.label} seed {record.seed}"


def track_settings(record: Record) -> Mapping[str, object] | None:
    """The track as the record ran it; None where the record does not hold it."""
    track = record.snapshot.get("track")
    return cast(Mapping[str, object], track) if isinstance(track, Mapping) else None


def _check_same(records: Sequence[Record], what: str, values: Sequence[object]) -> None:
    found: dict[str, list[str]] = {}
    for record, value in zip(records, values, strict=True):
        name = f"{record.label} seed {record.seed}"
        found.setdefault(json.dumps(value, sort_keys=True), []).append(name)
    if len(found) > 1:
        raise RecordError(
            f"{records[0].track}: the track's {what} differ between"
            f" [{'] and ['.join(', '.join(names) for names in found.values())}];"
            " only runs of one and the same track are comparable:"
            " remove the old records, or raise the changed track's version"
        )


def settings(track: Mapping[str, object] | None) -> object:
    """What all rows of a table share: a track less its version, what it lists to be run, and what
    some methods alone ask for."""
    if track is None:
        return None
    apart = WHAT_TO_RUN | FOR_SOME | {"version"}
    return _said({key: value for key, value in track.items() if key not in apart})


def _said(value: object) -> object:
    """A table without what is null, false or empty, so that a record made before the track had
    such a field agrees with one in which it is not used."""
    if not isinstance(value, Mapping):
        return value
    table = cast(Mapping[str, object], value)
    inner = {key: _said(each) for key, each in table.items()}
    return {
        key: each
        for key, each in inner.items()
        if each is not None and each is not False and each not in ({}, [])
    }


def _layout(record: Record) -> dict[str, tuple[Group, str, list[str], list[str], list[str]]]:
    return {
        name: (each.group, each.items_sha256, each.items, each.tasks, each.clusters)
        for name, each in record.data_sets.items()
    }
