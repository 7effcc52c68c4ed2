"""The verb `board`: reading, comparing and publishing records.

Heavy imports stand inside the functions: building the parser loads the standard library alone.
"""

import json
import os
import sys
import tempfile
from argparse import ArgumentParser, Namespace, _SubParsersAction  # pyright: ignore[reportPrivateUsage]
from collections.abc import Callable, Sequence
from pathlib import Path

from leaderboard.board import PUBLISHED, load, of_label, tracks
from leaderboard.record import Record, Scope

FORMATS = ("markdown", "latex", "csv", "json")
INCOMPLETE = 3


def add_parser(
    subparsers: "_SubParsersAction[ArgumentParser]", known_tracks: Sequence[str] = ()
) -> None:
    """Add `board` and its verbs; each sets `run`, a function of the arguments to an exit code.

    `known_tracks` are names that are valid though they may have no records. `run` raises
    UnknownName for a name that is not, RecordError for a bad record: usage errors, exit 2.
    """
    board = subparsers.add_parser("board", help="read, compare and publish results")
    board.set_defaults(known=tuple(known_tracks))
    verbs = board.add_subparsers(dest="board_verb", metavar="VERB", required=True)
    _add_reading(verbs)
    _add_publishing(verbs)


def show(args: Namespace) -> int:
    """Print the rows of a track."""
    from leaderboard.rank import row_json, rows
    from leaderboard.render import detail, legend, table

    ranked = rows(_load(args))
    if not ranked:
        return _nothing(args)
    if args.json:
        _print_json([row_json(row) for row in ranked])
    else:
        extra = f"\n\n{detail(ranked, 'text')}" if args.by_task else ""
        print(f"{table(ranked, 'text')}{extra}\n\n{legend(ranked)}")
    return 0


def compare(args: Namespace) -> int:
    """Print how two rows of a track differ."""
    from leaderboard.compare import compare, comparison_json, comparison_text

    records = _load(args)
    if not records:
        return _nothing(args)
    found = compare(of_label(records, args.a), of_label(records, args.b))
    if args.json:
        _print_json(comparison_json(found))
    else:
        print(comparison_text(found))
    return 0


def regress(args: Namespace) -> int:
    """Compare records with those of a base; 1 on a regression, 3 where records are missing."""
    from leaderboard.regress import Report, base_root, merged, regress, report_json, report_text

    with tempfile.TemporaryDirectory() as folder:
        base, new = base_root(args.base, Path(folder), PUBLISHED), _root(args)
        before, after = set(tracks(base)), set(tracks(new))
        known = {*args.known, *before, *after}
        found = before & after if args.common else before | after
        names = [args.track] if args.track else sorted(found)
        report = merged(
            [
                regress(
                    name,
                    load(name, base, known=known),
                    load(name, new, known=known),
                    common=args.common,
                )
                for name in names
            ]
        )
        if args.common and not names:
            report = Report([], [f"{args.base} and {new} have no track in common"], [])
    if args.json:
        _print_json(report_json(report))
    else:
        print(report_text(report))
    return report.status


def export(args: Namespace) -> int:
    """Write the rows of a track in a format to publish."""
    from leaderboard.rank import rows
    from leaderboard.render import export

    ranked = rows(_load(args))
    if not ranked:
        return _nothing(args)
    text = export(ranked, args.format)
    if args.output is None:
        sys.stdout.write(text)
    else:
        args.output.write_text(text, encoding="utf-8")
    return 0


def publish(args: Namespace) -> int:
    """Copy local records into the repository and render its pages."""
    from leaderboard.publish import publish, render_all

    local = _local()
    if not load(args.track, local, known=args.known):
        return _nothing(args)
    written = publish(local, args.track, PUBLISHED)
    for path in [*written, *render_all(PUBLISHED.parents[2])]:
        print(path)
    return 0


def render(args: Namespace) -> int:
    """Bring the generated pages up to date, or with --check only say which are not."""
    from leaderboard.publish import check, render_all

    home = PUBLISHED.parents[2]
    if not args.check:
        for path in render_all(home):
            print(path)
        return 0
    stale = check(home)
    for path in stale:
        print(f"{path}: stale; run `skbench board render`", file=sys.stderr)
    return 1 if stale else 0


def _add_reading(verbs: "_SubParsersAction[ArgumentParser]") -> None:
    verb = verbs.add_parser("show", help="print the table of a track")
    _add_track(verb)
    verb.add_argument("--by-task", action="store_true", help="also accuracy per data set")
    split = verb.add_mutually_exclusive_group()
    split.add_argument("--sealed", type=int, metavar="SEED", help="local runs on sealed items")
    split.add_argument("--split", choices=("test", "dev"), default="test", help="dev: local runs")
    verb.add_argument("--world", type=int, default=0, metavar="K", help="local runs in world K")
    verb.add_argument("--limit", type=int, metavar="N", help="local runs with --limit N")
    _add_source(verb, show)

    verb = verbs.add_parser("compare", help="difference of two rows, with interval and p")
    verb.add_argument("a", metavar="A")
    verb.add_argument("b", metavar="B")
    verb.add_argument("--track", default="pocket")
    _add_source(verb, compare)

    verb = verbs.add_parser("regress", help="exit 1 where records are worse than a base")
    verb.add_argument("--base", required=True, metavar="REF", help="git ref, or folder of records")
    verb.add_argument("--track", help="default: all tracks")
    verb.add_argument(
        "--common", action="store_true", help="only the labels and seeds that the new records have"
    )
    _add_source(verb, regress)


def _add_track(verb: ArgumentParser) -> None:
    verb.add_argument("track", nargs="?", default="pocket", help="default: pocket")


def _add_source(verb: ArgumentParser, run: Callable[[Namespace], int]) -> None:
    verb.add_argument("--json", action="store_true", help="print JSON")
    verb.add_argument(
        "--local", action="store_true", help="read $SKBENCH_HOME instead of the published records"
    )
    verb.set_defaults(run=run)


def _add_publishing(verbs: "_SubParsersAction[ArgumentParser]") -> None:
    verb = verbs.add_parser("export", help="write the table of a track in another format")
    _add_track(verb)
    verb.add_argument("--format", choices=FORMATS, required=True)
    verb.add_argument("--output", type=Path, metavar="FILE", help="default: standard output")
    verb.add_argument("--local", action="store_true", help="read $SKBENCH_HOME")
    verb.set_defaults(run=export)

    verb = verbs.add_parser("publish", help="copy local records of a track into the repository")
    verb.add_argument("track")
    verb.set_defaults(run=publish)

    verb = verbs.add_parser("render", help="bring LEADERBOARD.md and README.md up to date")
    verb.add_argument("--check", action="store_true", help="only exit 1 where one is stale")
    verb.set_defaults(run=render)


def _load(args: Namespace) -> list[Record]:
    return load(args.track, _root(args), _scope(args), args.known)


def _root(args: Namespace) -> Path:
    return _local() if args.local or not _scope(args).is_public else PUBLISHED


def _scope(args: Namespace) -> Scope:
    """The scope asked for; only `show` has the options."""
    if args.board_verb != "show":
        return Scope()
    split = args.split if args.sealed is None else "sealed"
    return Scope(args.world, split, args.sealed, args.limit)


def _local() -> Path:
    return Path(os.environ.get("SKBENCH_HOME") or ".bench") / "records" / "v1"


def _nothing(args: Namespace) -> int:
    where = _local() if args.board_verb == "publish" else _root(args)
    print(
        f"no such records of {args.track} in {where}; run `skbench run {args.track}` first",
        file=sys.stderr,
    )
    return INCOMPLETE


def _print_json(body: object) -> None:
    print(json.dumps(body, indent=1))
