"""Whether a record says where it comes from, and says it of itself."""

import re
import shlex
from collections.abc import Iterator, Mapping
from datetime import date

from leaderboard.rows.overlap import overlaps
from leaderboard.store.ranges import SHA256
from leaderboard.store.reading import RecordError
from leaderboard.store.record import Record
from leaderboard.store.trials import TUNED, fields_of
from leaderboard.verify.snapshot import mapping, names, run_label, told
from leaderboard.verify.tree import Fault, Harness, Tree

_FORMS: Mapping[str, tuple[str, bool]] = {
    "key": (SHA256, False),
    "commit": ("^[0-9a-f]{40}$", True),
    "command": ("^skbench .", False),
    "device": (".", False),
    "lock_sha256": (SHA256, True),
    "corpus_sha256": (SHA256, False),
    "student_sha256": (SHA256, True),
    "student_revision": (".", True),
    "train_key": (SHA256, False),
}
"""Key -> the form of its value, and whether it may be null."""


def check_provenance(tree: Tree) -> Iterator[Fault]:
    """What is missing, or is told of another run."""
    for place, record in tree.records.items():
        found = [*_missing(record), *_of_another(record)]
        if tree.harness is not None:
            found += [*_other_traits(record, tree.harness), *_of_ours(record, tree.harness)]
        yield from (Fault(tree.file(place), what, expected) for what, expected in found)


def _missing(record: Record) -> Iterator[tuple[str, str]]:
    origin = record.provenance
    for key, (form, may_be_null) in _FORMS.items():
        value = origin.get(key)
        is_null = may_be_null and key in origin and value is None
        if not is_null and not (isinstance(value, str) and re.search(form, value)):
            yield f"provenance.{key} {value!r}", f"a text like {form}"
        elif isinstance(value, str) and not value.isprintable():
            yield f"provenance.{key} {value!r}", "a line of text"
    if not _is_date(origin.get("date")):
        yield f"provenance.date {origin.get('date')!r}", "a day of the calendar"
    if not isinstance(origin.get("dirty", ""), bool | None):
        yield f"provenance.dirty {origin.get('dirty')!r}", "true, false, or null outside of git"
    if (origin.get("commit") is None) != (origin.get("dirty") is None):
        yield "provenance.commit or dirty is null alone", "both known, or both null outside of git"
    versions = origin.get("versions")
    if not isinstance(versions, Mapping) or "python" not in versions:
        yield "provenance.versions names no python", "the version of each package, and of python"


def _is_date(value: object) -> bool:
    try:
        return isinstance(value, str) and bool(date.fromisoformat(value))
    except ValueError:
        return False


def _of_another(record: Record) -> Iterator[tuple[str, str]]:
    """What the snapshot and the command say otherwise than the record."""
    for field, told_as in (("track", "name"), ("reference", "reference")):
        value, other = getattr(record, field), told(record, "track", told_as)
        if value != other:
            yield f"{field} {value!r}, in its snapshot {other!r}", "one and the same"
    labels = names(told(record, "track", "methods"))
    if record.reference not in labels:
        yield f"reference {record.reference!r}", f"one of the track's labels: {', '.join(labels)}"
    of = run_label(record)
    if record.own is None and "+" in record.label.rpartition("]")[2]:
        yield f"label {record.label!r} without settings of its own", "snapshot.own, which says them"
    if record.own is not None and record.label != f"{of}+{TUNED}":
        yield f"label {record.label!r}, with settings of its own", f"{of}+{TUNED}"
    if record.own is not None and record.own.get("name") != TUNED:
        yield f"snapshot.own.name {record.own.get('name')!r}", f"{TUNED!r}"
    method = of.partition("[")[0]
    if record.method != method:
        yield f"method {record.method!r} under label {record.label!r}", f"{method!r}"
    for name, value in fields_of(of).items():
        found = told(record, "method", name)
        text = str(found).lower() if isinstance(found, bool) else str(found)
        if text != value:
            yield f"snapshot.method.{name} {found!r} under label {record.label!r}", f"{value}"
    yield from _command(record, of)
    yield from _overlaps(record)


def _other_traits(record: Record, harness: Harness) -> Iterator[tuple[str, str]]:
    """What the record tells of its method otherwise than the method does."""
    found = harness.traits(run_label(record), mapping(record, "own", "settings"))
    if isinstance(found, str):
        yield f"label {record.label!r}: {found}", "METHOD[field=value,..] as `skbench run` calls it"
    elif found is not None:
        for name, is_so in (("skewed", record.skewed), ("upper_bound", record.upper_bound)):
            if found[name] != is_so:
                told_as = str(found[name]).lower()
                yield f"{name} {str(is_so).lower()} under label {record.label!r}", told_as
        ran, fields = told(record, "method"), found["method"]
        # A field that came after the record is at its default.
        if not isinstance(ran, Mapping) or {**fields, **ran} != fields:
            yield f"snapshot.method {ran!r} under label {record.label!r}", f"{fields}"
        restarts = told(record, "restarts")
        if restarts not in (None, found["restarts"]):
            yield f"snapshot.restarts {restarts!r}", f"{found['restarts']}, as its label has it"
        if record.retrieval_recall is not None and not found["retrieve"]:
            what = f"retrieval_recall {record.retrieval_recall} under label {record.label!r}"
            yield what, "null: it retrieves nothing"


def _command(record: Record, of: str) -> Iterator[tuple[str, str]]:
    command = record.provenance.get("command")
    if not isinstance(command, str):
        return
    try:
        words = shlex.split(command)
    except ValueError:
        words = list[str]()
    if shlex.join(words) != command:
        yield f"provenance.command {command!r} is more to a shell than its words", shlex.join(words)
    own = ["--tuned"] if record.own else []
    tail = ["--methods", of, "--seeds", str(record.seed), *own]
    origin = words[2 : -len(tail)]
    of_track = origin[:1] == [record.track] or origin[0].endswith(".toml") if origin else False
    of_method = origin[1:] == [] or (len(origin) == 3 and origin[1] == "--method-file")
    is_ours = words[:2] == ["skbench", "run"] and words[-len(tail) :] == tail
    if not (is_ours and of_track and of_method):
        expected = shlex.join(["skbench", "run", record.track, *tail])
        yield f"provenance.command {command!r} makes another run", expected


def _of_ours(record: Record, harness: Harness) -> Iterator[tuple[str, str]]:
    """What a record tells of a built-in track that is not so."""
    newest, folded = harness.version(record.track), re.sub(r"[_.]", "-", record.track.lower())
    if newest is None and harness.version(folded) is not None:
        yield f"track {record.track!r}", f"a name that is not mistaken for {folded}"
    if newest is None:
        return
    if record.version > newest:
        yield f"version {record.version} of {record.track}", f"{newest} at the most, as it is here"
    command = str(record.provenance.get("command"))
    if command.split()[2:3] != [record.track]:
        yield (
            f"provenance.command {command!r} of a built-in track",
            f"skbench run {record.track} ..",
        )


def _overlaps(record: Record) -> Iterator[tuple[str, str]]:
    try:
        found = overlaps([record])
    except RecordError as error:
        yield str(error), "an overlap for each data set that was searched"
        return
    for name in found.keys() - record.data_sets.keys():
        yield f"provenance.contamination of {name}", "of the record's data sets alone"
