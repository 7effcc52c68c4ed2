"""Copying records, probes and trials into the repository."""

from collections.abc import Mapping, Sequence
from glob import escape
from hashlib import sha256
from pathlib import Path

from leaderboard.compare.internalization import internalization
from leaderboard.compare.pairs import check_one_table
from leaderboard.store.board import beside, load, suites, version
from leaderboard.store.comparable import run_name
from leaderboard.store.files import file_sha256, replace_text
from leaderboard.store.generations import Generations
from leaderboard.store.generations import place as place_of_texts
from leaderboard.store.ledger import events_of, file_records, ledger_of, standing
from leaderboard.store.ledger import place_of as place_of_record
from leaderboard.store.probes import ProbeRecord, load_probes
from leaderboard.store.reading import RecordError
from leaderboard.store.record import Record
from leaderboard.store.trials import Trials
from leaderboard.store.trials import place as place_of_trials

_PUBLISHED = "## Published\n"


def publish(src_root: Path, track: str, dest_root: Path) -> list[Path]:
    """Copy the public records of a track with what their students answered, its probes and its
    trials into the repository.

    Both roots are a suite of records; the others lie beside them. Returns the new files.
    What is published is never replaced: a record or probe that differs raises RecordError before
    anything is copied, and so do new ones that cannot stand in one table with those published,
    trials that have lost one, and new records whose settings other trials chose.
    """
    local = load(track, src_root, known=[track])
    records = _new_records(local, track, dest_root)
    trials = _new_trials(beside(src_root, "trials"), track, dest_root)
    for _, record in records:
        _check_chosen(record, dict(trials), dest_root)
    new: list[tuple[Path, Record | Generations | ProbeRecord | Trials]] = [*trials]
    new += _new_generations(local, src_root, dest_root)
    new += records
    new += _new_probes(beside(src_root, "probes"), track, beside(dest_root, "probes"))
    for path, stored in new:
        stored.save(path)
    return [path for path, _ in new]


def note(changes: Path, suite: str, track: str, written: Sequence[Path], today: str) -> Path | None:
    """Add a line of what was published to the board's list of changes; None where nothing was, or
    the line is there."""
    seeds: dict[str, list[str]] = {}
    for path in written:
        seeds.setdefault(path.parent.name, []).append(path.stem.removeprefix("seed"))
    if not seeds:
        return None
    told = "; ".join(f"{label} seed {', '.join(each)}" for label, each in sorted(seeds.items()))
    before = changes.read_text(encoding="utf-8") if changes.is_file() else "# Changes\n"
    before += "" if _PUBLISHED in before else f"\n{_PUBLISHED}\n"
    line = f"- {today} {track} {suite}: {told}"
    if line in before.splitlines():
        return None
    replace_text(changes, f"{before}{line}\n")
    return changes


def unheard(src_root: Path, track: str, dest_root: Path) -> list[Path]:
    """Published files of local records that the ledger was not told of yet: those of this
    publication, and of one that was cut off."""
    records = dest_root.parent
    known = standing(events_of(ledger_of(records)))
    files = _files(src_root, track, dest_root)
    return [file for file in files if place_of_record(records, file) not in known]


def _files(src_root: Path, track: str, dest_root: Path) -> list[Path]:
    """Where the local records of a track are published."""
    local = load(track, src_root, known=[track])
    return [dest_root.parent / each.place for each in local]


def log(src_root: Path, track: str, dest_root: Path, today: str) -> Path | None:
    """Add the published records of local runs to the ledger; None where all stand there.

    Also those of a publication that was cut off before it came so far.
    """
    files = _files(src_root, track, dest_root)
    return file_records(dest_root.parent, files, "published", today)


def _new_records(local: Sequence[Record], track: str, dest_root: Path) -> list[tuple[Path, Record]]:
    new: list[tuple[Path, Record]] = []
    for record in local:
        if "checkpoint" in record.snapshot:
            raise RecordError(
                f"{run_name(record)}: a checkpoint that was trained elsewhere; what it was given is"
                " not known, so it is not published"
            )
        path = dest_root.parent / record.place
        if not path.exists():
            new.append((path, record))
        elif Record.load(path) != record:
            raise _other_run(path, track, dest_root)
    check_one_table([*load(track, dest_root, known=[track]), *(record for _, record in new)])
    return new


def _check_chosen(record: Record, new: Mapping[Path, Trials], dest_root: Path) -> None:
    """Raise RecordError where the trials that will be published are not those that chose its own
    settings."""
    if record.own is None:
        return
    root = beside(dest_root.parent, "trials")
    trials = place_of_trials(root, record.track, record.version, str(record.own.get("of")))
    if trials in new:
        own = sha256(new[trials].text.encode()).hexdigest()
    else:
        own = file_sha256(trials) if trials.is_file() else None
    if own != record.own.get("trials_sha256"):
        raise RecordError(
            f"{run_name(record)}: its settings were chosen by other trials than {trials} would"
            f" hold; bring back those, or run it again: `{record.provenance.get('command')}`"
        )


def _new_generations(
    local: Sequence[Record], src_root: Path, dest_root: Path
) -> list[tuple[Path, Generations]]:
    """Of local records that have some; those of before they were kept have none."""
    new: list[tuple[Path, Generations]] = []
    for record in local:
        src, path = (place_of_texts(root.parent / record.place) for root in (src_root, dest_root))
        if src.is_file() and not path.exists():
            found = Generations.load(src)
            found.check(record, src)
            new.append((path, found))
    return new


def _new_probes(src_root: Path, track: str, dest_root: Path) -> list[tuple[Path, ProbeRecord]]:
    new: list[tuple[Path, ProbeRecord]] = []
    for probe in load_probes(src_root, track):
        path = dest_root.parent / probe.place
        if not path.exists():
            new.append((path, probe))
        elif ProbeRecord.load(path) != probe:
            raise _other_run(path, track, dest_root)
    internalization([*load_probes(dest_root, track), *(probe for _, probe in new)])
    return new


def _new_trials(src_root: Path, track: str, dest_root: Path) -> list[tuple[Path, Trials]]:
    """Files of labels that have trials which are not published; they go on from the published,
    until a row that they chose the settings of is published as well."""
    new: list[tuple[Path, Trials]] = []
    for src in sorted((src_root / track).glob("*.json")):
        found, path = Trials.load(src), beside(dest_root, "trials") / track / src.name
        known = Trials.load(path).trials if path.is_file() else []
        if not all(trial in found.trials for trial in known):
            raise RecordError(
                f"{src}: does not go on from the trials that are published in {path}: no trial is"
                " lost; delete the local file, and tune again"
            )
        if len(found.trials) > len(known):
            if not all(trial.is_committed for trial in found.trials):
                raise RecordError(
                    f"{src}: holds trials from an uncommitted working tree; commit, delete the"
                    " file, and tune again"
                )
            if known and any((dest_root / track).glob(f"{escape(src.stem)}+*/*.json")):
                raise RecordError(
                    f"{src}: has more trials than {path}, which chose the settings of a row that is"
                    " published: raise the track's version for another choice, or delete the file"
                )
            new.append((path, found))
    return new


def _other_run(path: Path, track: str, dest_root: Path) -> RecordError:
    newest = max((version(name) or 1 for name in suites(dest_root.parent, track)), default=1)
    return RecordError(
        f"{path}: another run is published there, and what is published is append-only: raise the"
        f" track's version (`version = {newest + 1}` in its TOML), run it again and publish that,"
        " or remove that file deliberately"
    )
