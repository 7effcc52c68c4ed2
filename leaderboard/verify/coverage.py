"""Whether all rows of a track answered the same questions, under the same settings."""

import json
import re
from collections.abc import Iterator, Mapping

from leaderboard.store.comparable import check_table, settings, track_settings
from leaderboard.store.ranges import SHA256
from leaderboard.store.reading import RecordError
from leaderboard.store.record import Record
from leaderboard.verify.snapshot import names, told
from leaderboard.verify.tree import Fault, Tree, most_common

LAST_DIGIT = 1e-9
"""By which a product of roots may miss 1."""
_SHARED = ("corpus_sha256", "student_sha256", "student_revision", "contamination")
"""What the rows of a track have in common, of their provenance."""


def check_coverage(tree: Tree) -> Iterator[Fault]:
    """Data sets that a record lacks, and what sets it apart from most of its track."""
    for place, record in tree.records.items():
        for what, expected in _data_sets(record):
            yield Fault(tree.file(place), what, expected)
    for table in tree.tables():
        yield from _layouts(tree, table)
        yield from _options(tree, table)
        yield from _grades(tree, table)
        yield from _settings(tree, table)
        try:
            check_table([*table.values()])
        except RecordError as error:
            folder = "/".join(next(iter(table)).split("/")[:2])
            yield Fault(tree.file(folder), str(error), "one table")
    yield from _questions(tree)


def _data_sets(record: Record) -> Iterator[tuple[str, str]]:
    """As the track in its snapshot names them."""
    groups = {group: names(told(record, "track", "tasks", group)) for group in ("id", "ood")}
    wanted = {name: group for group, of in groups.items() for name in of}
    own = {name: each.group for name, each in record.data_sets.items()}
    for name in sorted(wanted.keys() - own.keys()):
        yield f"lacks data set {name}", f"all of the track: {', '.join(wanted)}"
    for name in sorted(own.keys() - wanted.keys()):
        yield f"has data set {name}", f"those of the track alone: {', '.join(wanted)}"
    for name in sorted(own.keys() & wanted.keys()):
        if own[name] != wanted[name]:
            yield f"{name} is of group {own[name]}", f"{wanted[name]}, as in the track"
    for name, each in record.data_sets.items():
        if not re.fullmatch(SHA256, each.items_sha256):
            yield f"{name}.items_sha256 {each.items_sha256[:70]!r}", "64 hexadecimal digits"
        if not each.items:
            yield f"{name} has no items", "one at least"


def _layouts(tree: Tree, table: Mapping[str, Record]) -> Iterator[Fault]:
    """Items other than those of most records."""
    for name in sorted({name for record in table.values() for name in record.data_sets}):
        own = {
            place: [each.items_sha256, each.items, each.tasks, each.clusters]
            for place, record in table.items()
            if (each := record.data_sets.get(name)) is not None
        }
        usual = most_common(own.values())
        for place, layout in own.items():
            if layout != usual:
                n, n_usual = len(layout[1]), len(usual[1])
                yield Fault(
                    tree.file(place),
                    f"{name}: other items than most records of the track ({n}, they {n_usual})",
                    "the same items in the same order, with one hash",
                )


def _questions(tree: Tree) -> Iterator[Fault]:
    """One hash of questions that has other items, sub-tasks or clusters elsewhere on the board."""
    of_hash = dict[str, dict[tuple[str, str], list[list[str]]]]()
    for place, record in tree.records.items():
        for name, each in record.data_sets.items():
            layout = [each.items, each.tasks, each.clusters]
            of_hash.setdefault(each.items_sha256, {})[place, name] = layout
    for layouts in of_hash.values():
        usual = most_common(layouts.values())
        for (place, name), layout in layouts.items():
            if layout != usual:
                what = (
                    f"{name}: other items, sub-tasks or clusters than its questions have elsewhere"
                )
                yield Fault(tree.file(place), what, "one and the same for one items_sha256")


def _options(tree: Tree, table: Mapping[str, Record]) -> Iterator[Fault]:
    """Other options ranked than in most of the rows that rank: they are the questions' own."""
    for name in sorted({name for record in table.values() for name in record.data_sets}):
        own = {
            place: each.n_options
            for place, record in table.items()
            if (each := record.data_sets.get(name)) is not None and each.n_options
        }
        if not own:
            continue
        usual = most_common(own.values())
        for place, options in own.items():
            if options != usual:
                yield Fault(
                    tree.file(place),
                    f"{name}: other n_options than most records of the track that rank options",
                    "as many for each item, 0 for the same items",
                )


def _grades(tree: Tree, table: Mapping[str, Record]) -> Iterator[Fault]:
    """Grades outside of [0, 1], of those that lie in it in most rows."""
    found = dict[tuple[str, str], dict[str, bool]]()
    for place, record in table.items():
        for name, data_set in record.data_sets.items():
            for grade, values in data_set.graded.items():
                is_share = all(value is None or 0 <= value <= 1 + LAST_DIGIT for value in values)
                found.setdefault((name, grade), {})[place] = is_share
    for (name, grade), rows in found.items():
        for place, is_share in rows.items():
            if not is_share and sum(rows.values()) * 2 > len(rows):
                yield Fault(
                    tree.file(place),
                    f"{name}: {grade} outside of [0, 1], where most rows of the track lie",
                    "a share of 1 for each item",
                )


def _settings(tree: Tree, table: Mapping[str, Record]) -> Iterator[Fault]:
    """Settings, corpus and student other than those of most records."""
    own = {
        place: {
            "settings": settings(track_settings(record)),
            "reference": record.reference,
            **{key: record.provenance.get(key) for key in _SHARED},
        }
        for place, record in table.items()
    }
    for name in ("settings", "reference", *_SHARED):
        usual = most_common(each[name] for each in own.values())
        text = json.dumps(usual, sort_keys=True)
        for place, each in own.items():
            if json.dumps(each[name], sort_keys=True) != text:
                yield Fault(
                    tree.file(place),
                    f"other {name} than most records of the track",
                    "the same, or another version of the track",
                )
