"""Which records the arguments of a verb ask for: published or local, which suite, which scope."""

import json
import tomllib
from argparse import Namespace
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING

from leaderboard.store import board
from leaderboard.store.board import UnknownName, load, load_files, of_label
from leaderboard.store.files import home
from leaderboard.store.index import facts_of, remembered
from leaderboard.store.reading import RecordError
from leaderboard.store.record import Record, Scope

if TYPE_CHECKING:
    from leaderboard.compare.regimes import Collected
    from leaderboard.rows.row import Row
    from leaderboard.store.studies import Question, Study


def table_asked(args: Namespace, *, sign: bool = False) -> "tuple[list[Row], str]":
    """The rows, local ones with what is outside the bands of the published runs, and how small a
    difference they can tell. With `sign`, each accuracy with its signature."""
    from leaderboard.rows.row import Row

    root, track = root_asked(args), track_asked(args)
    bases = {root.parent, local(), board.PUBLISHED}
    asked = [str(root), track, asdict(scope_asked(args)), superseded_by(args), sign]
    asked += [args.untuned, getattr(args, "metric", None), str(board.PUBLISHED), str(local())]
    return remembered(
        tuple[list[Row], str],
        f"table {json.dumps(asked)}",
        (path for base in bases for path in facts_of(track, base)),
        lambda: _table_of(args, files_asked(args), sign=sign),
    )


def _table_of(args: Namespace, files: dict[Path, Record], *, sign: bool) -> "tuple[list[Row], str]":
    ranked = rows_of(args, files, sign=sign)
    return ranked, resolution_of(args, ranked, list(files.values()))


def resolution_of(args: Namespace, ranked: "Sequence[Row]", track: Sequence[Record]) -> str:
    """How small a difference the rows can tell."""
    from leaderboard.compare.power import resolution

    return resolution(shown(track, args), [row.method for row in ranked], track)


def rows_of(args: Namespace, files: dict[Path, Record], *, sign: bool = False) -> "list[Row]":
    """The same of `files_asked`, for a verb that needs the records as well."""
    from leaderboard.rows.rank import rows
    from leaderboard.rows.texts import with_texts

    scope = scope_asked(args)
    records, newer = list(files.values()), superseded_by(args)
    table = with_texts(rows(shown(records, args), records), files)
    if sign:
        from leaderboard.show.signature import signed

        table = signed(table, files)
    ranked = [replace(row, superseded_by=newer) for row in table]
    # Another world or a limit is another training: its loss has no published band.
    if not ranked or base_asked(args) == board.PUBLISHED or scope.world or scope.limit:
        return ranked
    from leaderboard.rows.bands import flagged, judge

    return flagged(ranked, judge(records, published(args)))


def shown(records: Sequence[Record], args: Namespace) -> list[Record]:
    """Those of a table: tuned runs where a row has some, unless others are asked for."""
    from leaderboard.rows.settings import shown

    return shown(records, trials(), tuned=not args.untuned)


def trials() -> list[Path]:
    """The suites of trials, local and published."""
    return [board.beside(base, "trials") for base in (local(), board.PUBLISHED)]


def records_asked(args: Namespace) -> list[Record]:
    """The records; raises UnknownName for a track or a suite that there is not."""
    return list(files_asked(args).values())


def files_asked(args: Namespace) -> dict[Path, Record]:
    """The same, each by its file."""
    found = load_files(track_asked(args), root_asked(args), scope_asked(args), known_tracks(args))
    return dict(zip(found, _as_asked(args, list(found.values())), strict=True))


def _as_asked(args: Namespace, records: list[Record]) -> list[Record]:
    metric = getattr(args, "metric", None)
    return records if metric is None else _graded(records, metric)


def _graded(records: Sequence[Record], metric: str) -> list[Record]:
    """The records with a grade in the place of right and wrong, on the data sets all of whose items
    have it."""
    known = {
        name
        for record in records
        for each in record.data_sets.values()
        for name, values in each.graded.items()
        if _is_share(values)
    }
    if metric not in known:
        raise UnknownName("metric", metric, sorted(known))
    return [
        replace(
            record,
            data_sets={
                name: replace(each, metric=metric)
                for name, each in record.data_sets.items()
                if _is_share(each.graded.get(metric, [None]))
            },
        )
        for record in records
    ]


def _is_share(values: Sequence[float | None]) -> bool:
    """Whether every item has a value in [0, 1]; a product of roots may miss 1 by a last digit."""
    return all(value is not None and 0 <= value <= 1 + 1e-9 for value in values)


def row_asked(args: Namespace, records: Sequence[Record], label: str) -> list[Record]:
    """The records of a label; UnknownName. That of a checkpoint, METHOD@NAME, is looked up among
    what `skbench evaluate` judged where the track's own records have none."""
    if "@" in label and not any(record.label == label for record in records):
        return _as_asked(args, judged(args, label))
    return of_label(records, label)


def judged(args: Namespace, label: str) -> list[Record]:
    """The local records of a checkpoint under the track's questions; raises UnknownName."""
    own = f"{track_asked(args)}.own"
    suite = board.suite(local(), own, getattr(args, "suite", None))
    found = load(own, suite, scope_asked(args), [own])
    names = {record.label for record in found}
    if label not in names:
        raise UnknownName("row of a checkpoint, which `skbench evaluate` makes,", label, names)
    return of_label(found, label)


def published(args: Namespace) -> list[Record]:
    """The published records of the track in the suite asked for, which may be none."""
    track = track_asked(args)
    return load(track, board.PUBLISHED / root_asked(args).name, known=[track])


def track_asked(args: Namespace) -> str:
    """The track's name: of a TOML, the name that it gives itself, else that of the file."""
    if not _is_file(args):
        return args.track
    path = Path(args.track)
    try:
        return str(tomllib.loads(path.read_text(encoding="utf-8")).get("name", path.stem))
    except FileNotFoundError as error:
        raise RecordError(f"unknown track '{path}': no such file") from error
    except ValueError as error:
        raise RecordError(f"{path}: not valid TOML: {error}") from error


def known_tracks(args: Namespace) -> Sequence[str]:
    """Tracks that are valid without having records."""
    return [*args.known, track_asked(args)] if _is_file(args) else args.known


def root_asked(args: Namespace) -> Path:
    """The suite of the records; raises UnknownName for one that the track does not have."""
    return board.suite(base_asked(args), track_asked(args), args.suite)


def base_asked(args: Namespace) -> Path:
    """The suites to read: what is not public is only ever local, and so is a track of one's own,
    but on a board of one's own."""
    of_nobody = _is_file(args) and not board.IS_OWN
    is_local = args.local or of_nobody or not scope_asked(args).is_public
    base = local() if is_local else board.PUBLISHED
    return board.beside(base, "probes") if args.board_verb == "probes" else base


def superseded_by(args: Namespace) -> str | None:
    """The newest suite that the track has here or published, where another is asked for."""
    track, asked = track_asked(args), root_asked(args).name
    bases = (base_asked(args), board.PUBLISHED)
    names = [asked, *(name for base in bases for name in board.suites(base, track))]
    newest = max(names, key=lambda name: board.version(name) or 0)
    return None if newest == asked else newest


def swept(args: Namespace) -> "tuple[str, Collected]":
    """The map of a sweep in the suite asked for, or in the newest that has it: what is published,
    or made of local runs; UnknownName."""
    from leaderboard.compare.regimes import Collected, collect
    from leaderboard.store.maps import Sweep

    if not (args.local or args.publish):
        maps, file = board.beside(board.PUBLISHED, "maps"), f"{args.sweep}.json"
        suites = board.suites_with(maps, file)
        if not suites:
            known = sorted({path.stem for path in maps.glob("v*/*.json")})
            raise UnknownName("published map", args.sweep, known)
        suite = args.suite or suites[-1]
        if suite not in suites:
            raise UnknownName("suite", suite, suites)
        return suite, Collected(Sweep.load(maps / suite / file), [], [])
    names = board.suites(local()) or ["v1"]
    if args.suite is not None and args.suite not in names:
        raise UnknownName("suite", args.suite, names)
    wanted = [args.suite] if args.suite else names[::-1]
    found = [(name, collect(local() / name, args.sweep)) for name in wanted]
    return next((each for each in found if each[1].sweep.points or each[1].missing), found[0])


def studied(args: Namespace) -> "tuple[str, Question, Study | None]":
    """Suite, question and runs of a study: what is published, or local runs; UnknownName."""
    from leaderboard.compare.study import collect
    from leaderboard.store.studies import Question, Study

    published = board.beside(board.PUBLISHED, "studies")
    path = published / f"{args.study}.toml"
    if not path.is_file():
        raise UnknownName("study", args.study, [each.stem for each in published.glob("*.toml")])
    question, name = Question.load(path), f"{args.study}.json"
    is_local = args.local or args.publish
    known = board.suites(local()) if is_local else board.suites_with(published, name)
    if args.suite is not None and args.suite not in known:
        raise UnknownName("suite", args.suite, known)
    suites = [args.suite] if args.suite else known[::-1]
    if is_local:
        runs = ((suite, collect(local() / suite, args.study)) for suite in suites)
    else:
        files = ((suite, published / suite / name) for suite in suites)
        runs = ((suite, Study.load(path) if path.is_file() else None) for suite, path in files)
    suite, found = next((each for each in runs if each[1]), ("v1", None))
    return suite, question, found


def local() -> Path:
    """The suites of records in $SKBENCH_HOME."""
    return home() / "records"


def _is_file(args: Namespace) -> bool:
    return str(args.track).endswith(".toml")


def scope_asked(args: Namespace) -> Scope:
    """The scope asked for; the public one of verbs without the options."""
    if "sealed" not in args:
        return Scope()
    split = args.split if args.sealed is None else "sealed"
    return Scope(args.world, split, args.sealed, args.limit)
