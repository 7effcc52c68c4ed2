"""The verbs that keep a board trustworthy: its schema, its checks, and its ledger's events.

Heavy imports stand inside the functions, as in `verbs.py`.
"""

import sys
import tempfile
from argparse import Namespace
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from leaderboard.cli import source
from leaderboard.cli.printing import FAILED, FINE, USAGE, print_json, print_paths
from leaderboard.store import board
from leaderboard.store.board import UnknownName, tracks
from leaderboard.store.files import today
from leaderboard.store.reading import RecordError

if TYPE_CHECKING:
    from leaderboard.verify.checks import Check


def schema(args: Namespace) -> int:
    """Print the JSON Schema of a kind of stored file."""
    from leaderboard.store.schema import KINDS, json_schema

    if args.kind not in KINDS:
        raise UnknownName("kind of stored file", args.kind, KINDS)
    print_json(json_schema(args.kind))
    return FINE


def verify(args: Namespace) -> int:
    """Check what is published; 1 with a line for each fault."""
    from leaderboard.verify.checks import CHECKS

    return _checked(args, CHECKS)


def rescore(args: Namespace) -> int:
    """Score the kept texts again; 1 with a line for each outcome that is another."""
    from leaderboard.verify.checks import CHECKS

    return _checked(args, {name: CHECKS[name] for name in ("form", "generations")})


def _checked(args: Namespace, checks: "Mapping[str, Check]") -> int:
    from leaderboard.verify.base import read_base
    from leaderboard.verify.checks import report_json, report_text, verify
    from leaderboard.verify.tree import read_tree

    root = board.PUBLISHED
    track = source.track_asked(args) if args.track else None
    known = {*args.known, *tracks(root)}
    if track is not None and track not in known:
        raise UnknownName("track", track, known)
    with tempfile.TemporaryDirectory() as folder:
        base = read_base(args.base, Path(folder), root) if args.base else None
        report = verify(read_tree(root, track, base, args.harness), checks)
    if args.json:
        print_json(report_json(report))
    else:
        print(report_text(report))
    return FAILED if report.faults else FINE


def remove(args: Namespace) -> int:
    """Delete a published record with its texts and reruns, and say why in the ledger.

    Once more, it ends what was cut off: the record goes last.
    """
    from leaderboard.show.rendering import render_all
    from leaderboard.store.ledger import generations_of, strike_record
    from leaderboard.store.reruns import reruns_of
    from leaderboard.verify.tree import is_place

    root = board.PUBLISHED
    path = next((p for p in (args.path, root / args.path) if p.is_file()), None)
    if path is None or not path.resolve().is_relative_to(root):
        raise RecordError(f"{args.path}: no file of the board in {root}; name a record there")
    place = path.resolve().relative_to(root).as_posix()
    if not is_place(place):
        raise RecordError(f"{args.path}: no record's place, so the ledger has nothing to say of it")
    if not args.reason.strip():
        raise RecordError("--reason must not be blank: it is what the ledger keeps")
    ledger = strike_record(root, root / place, args.reason, today())
    for each in (generations_of(root, place), *reruns_of(root / place), root / place):
        each.unlink(missing_ok=True)
    print_paths([*([ledger] if ledger else []), *render_all(root)])
    return FINE


def submit(args: Namespace) -> int:
    """Check somebody's runs, and file them; 2 with a line for each fault.

    The ledger comes last: until it names a run, the same command goes on.
    """
    from leaderboard.cli.publish import note
    from leaderboard.compare.pairs import check_one_table
    from leaderboard.show.rendering import render_all
    from leaderboard.store.ledger import file_records
    from leaderboard.verify.submitted import faults_of, found_in, take

    root = board.PUBLISHED
    runs = found_in(args.run_path)
    faults = [*faults_of(runs, root, args.harness)]
    for fault in faults:
        print(fault, file=sys.stderr)
    if faults:
        return USAGE
    for suite, track in sorted({tuple(run.place.split("/")[:2]) for run in runs}):
        new = {root / r.place: r.record for r in runs if r.place.startswith(f"{suite}/{track}/")}
        check_one_table([*(board.load_files(track, root / suite, known=[track]) | new).values()])
    day = today()
    written = [take(run, root) for run in runs]
    changes = root.parent / "CHANGELOG.md"
    for track, suite in sorted({(path.parts[-3], path.parts[-4]) for path in written}):
        of = [path for path in written if path.parts[-4:-2] == (suite, track)]
        note(changes, suite, track, of, day)
    ledger = file_records(root, written, f"submitted as {args.run_path.name}", day)
    print_paths([*written, *([ledger] if ledger else []), changes, *render_all(root)])
    return FINE
