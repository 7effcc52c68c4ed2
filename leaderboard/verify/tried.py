"""Whether the files of trials are of the track, label and questions that they stand for."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence

from leaderboard.store.board import beside
from leaderboard.store.record import Record
from leaderboard.store.trials import RATE, Trials, place
from leaderboard.verify.facts import Fact, facts, groups_of, table_of
from leaderboard.verify.snapshot import mapping
from leaderboard.verify.tree import Fault, Tree, most_common


def check_tried(tree: Tree) -> Iterator[Fault]:
    """Trials that cannot be read, that lie elsewhere than they say, or ran on other questions, with
    other settings or from other code than a choice may rest on."""
    folders = defaultdict[tuple[str, str], list[Fact[Trials]]](list)
    for found in facts(tree, "trials", "vN/TRACK/LABEL.json", Trials.load):
        if isinstance(found, Fault):
            yield found
            continue
        told = found.holds
        expected = place(beside(tree.root, "trials"), told.track, told.version, told.label)
        if found.path != expected:
            name = expected.relative_to(tree.root.parent).as_posix()
            yield Fault(found.file, f"holds the trials of {name}", "there")
        folders[found.suite, found.path.parent.name].append(found)
    for (suite, track), of in folders.items():
        table = table_of(tree, suite, track)
        for each in of:
            yield from (Fault(each.file, *why) for why in _faults(each.holds, table))
        yield from _questions(of)


def _questions(of: Sequence[Fact[Trials]]) -> Iterator[Fault]:
    """The rows of a track choose on the same questions."""
    usual = most_common(dict(each.holds.trials[0].items_sha256) for each in of)
    for each in of:
        if each.holds.trials[0].items_sha256 != usual:
            yield Fault(each.file, "other questions than most trials of the track", "the same")


def _faults(found: Trials, table: Mapping[str, Record]) -> Iterator[tuple[str, str]]:
    asked = found.trials[0].items_sha256
    for number, trial in enumerate(found.trials, 1):
        if not trial.is_committed:
            what = f"trial {number}: provenance.dirty {trial.provenance.get('dirty')!r}"
            yield what, "false, or null with the commit outside of git"
    lengths = {name: len(each) for name, each in found.trials[0].outcomes.items()}
    for number, trial in enumerate(found.trials, 1):
        if (rate := trial.settings.get(RATE)) is not None and not 0 < rate < 1:
            yield f"trial {number}: {RATE} {rate}", "above 0, and below 1"
        if {name: len(each) for name, each in trial.outcomes.items()} != lengths:
            yield f"trial {number}: another number of questions than the first", f"{lengths}"
    tested = {s.items_sha256 for record in table.values() for s in record.data_sets.values()}
    for name in sorted(name for name, sha256 in asked.items() if sha256 in tested):
        yield f"trials asked the test questions of {name}", "those of its dev part"
    inside = {name for name, group in groups_of(table).items() if group == "id"}
    if table and {*asked} != inside:
        yield f"trials on {', '.join(sorted(asked))}", f"{', '.join(sorted(inside))}: those of id"
    of_method = [r for r in table.values() if r.method == found.label.partition("[")[0]]
    fields = {name for record in of_method for name in mapping(record, "method")}
    tried = {name for trial in found.trials for name in trial.settings}
    for name in sorted(tried - fields - {RATE}) if of_method else ():
        yield f"trials of {name}", f"of {RATE}, or of a field of the method: {sorted(fields)}"
