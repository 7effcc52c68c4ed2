"""The verb `board regress`: which records it holds against which, and how it says what it found.

Heavy imports stand inside the functions, so that building the parser stays quick.
"""

import tempfile
from argparse import Namespace
from pathlib import Path
from typing import TYPE_CHECKING

from leaderboard.cli import source
from leaderboard.store import board
from leaderboard.store.board import load, of_label, tracks
from leaderboard.store.reading import RecordError

if TYPE_CHECKING:
    from leaderboard.compare.gate.findings import Report


def regress(args: Namespace) -> int:
    """Compare records with those of a base; 1 on a regression, 3 where records are missing."""
    from leaderboard.compare.gate.base import base_root

    if args.against and not args.candidate:
        raise RecordError("--against: names the row beside a checkpoint: add --candidate")
    with tempfile.TemporaryDirectory() as folder:
        base = base_root(args.base, Path(folder), board.PUBLISHED)
        report = _of_checkpoint(args, base) if args.candidate else _of_tracks(args, base)
        copied = base.is_relative_to(folder)
    shown = board.PUBLISHED if copied else base
    _print(args, report, shown.parent if board.version(shown.name) else shown)
    return report.status


def _of_tracks(args: Namespace, base: Path) -> "Report":
    from leaderboard.compare.gate.findings import merged

    new = source.base_asked(args)
    before, after = set(tracks(base)), set(tracks(new))
    found = before & after if args.common else before | after
    names = [source.track_asked(args)] if args.track else sorted(found)
    report = merged([_of_track(args, name, base, {*before, *after}) for name in names])
    if args.common and not names:
        report.incomplete.append(f"{args.base} and {new} have no track in common")
    elif not before:
        report.incomplete.append(f"{args.base} has no records of any track")
    elif not {*names} & {*before, *after}:
        report.incomplete.append(f"neither {args.base} nor {new} has records of {names[0]}")
    return report


def _of_track(args: Namespace, name: str, base: Path, there: set[str]) -> "Report":
    """The gate on one track; with fresh seeds, which count in its second look alone."""
    from leaderboard.compare.gate.base import counterpart
    from leaderboard.compare.gate.confirm import confirmed, reruns
    from leaderboard.compare.gate.costs import LATENCY_RATIO
    from leaderboard.compare.regress import Rule, regress

    known, scope = {*source.known_tracks(args), *there}, source.scope_asked(args)
    every = load(name, board.suite(source.base_asked(args), name), scope, known)
    now = [record for record in every if record.seed not in args.confirm]
    old = load(name, counterpart(base, name, every), scope, known)
    ratio = args.latency_ratio or LATENCY_RATIO
    report = regress(name, old, now, common=args.common, latency_ratio=ratio)
    if not args.confirm:
        report.rerun.extend(reruns(report, old, now, _command(args, name)))
        return report
    here = load(name, board.suite(source.local(), name), scope, {*known, name})
    fresh = [record for record in here if record.seed in args.confirm]
    rule = Rule.of(old, now, fresh, latency_ratio=ratio)
    return confirmed(report, old, fresh, args.confirm, rule)


def _of_checkpoint(args: Namespace, base: Path) -> "Report":
    """The gate on a judged checkpoint, beside a row of the base."""
    from leaderboard.compare.gate.base import counterpart
    from leaderboard.compare.gate.candidate import held

    if args.confirm or args.common:
        raise RecordError(
            "--candidate: a checkpoint has no other seeds: leave out --confirm and --common"
        )
    args.track = args.track or "pocket"
    name, scope = source.track_asked(args), source.scope_asked(args)
    checkpoint = source.judged(args, args.candidate)
    old = load(name, counterpart(base, name, checkpoint), scope, source.known_tracks(args))
    against = args.against or args.candidate.partition("@")[0]
    of_label(old, against)  # a name that is not there is said with those that are
    return held(old, against, checkpoint)


def _command(args: Namespace, track: str) -> list[str]:
    """The words of this very gate, on one track."""
    words = ["skbench", "board", "regress", "--base", args.base, "--track", args.track or track]
    words += ["--records", str(args.records)] if args.records else []
    words += ["--local"] if args.local else []
    words += ["--common"] if args.common else []
    words += ["--latency-ratio", f"{args.latency_ratio:g}"] if args.latency_ratio else []
    return words + source.scope_asked(args).words()


def _print(args: Namespace, report: "Report", records: Path) -> None:
    """The report in the format asked for; where that goes to a file, the text for the log."""
    form = "json" if args.json else args.format
    written = _told(report, form, records)
    if args.output is None:
        print(written)
    else:
        args.output.write_text(f"{written}\n", encoding="utf-8")
        print(_told(report, "text", records))


def _told(report: "Report", form: str, records: Path) -> str:
    from leaderboard.show.gate.data import data
    from leaderboard.show.gate.github import github
    from leaderboard.show.gate.junit import junit
    from leaderboard.show.gate.markdown import markdown
    from leaderboard.show.gate.text import text

    match form:
        case "json":
            return data(report)
        case "github":
            here = Path.cwd()
            inside = records.resolve().is_relative_to(here)
            place = records.resolve().relative_to(here) if inside else records
            return github(report, place.as_posix())
        case "markdown":
            return markdown(report)
        case "junit":
            return junit(report)
        case _:
            return text(report)
