"""What the verbs of `board` do: each takes the parsed arguments and returns an exit code.

Heavy imports stand inside the functions, so that building the parser stays quick.
"""

import json
import sys
import tempfile
from argparse import Namespace
from collections.abc import Sequence
from datetime import date
from pathlib import Path

from leaderboard.cli import source
from leaderboard.store import board
from leaderboard.store.board import UnknownName, beside, load, of_label, tracks
from leaderboard.store.record import Record

FINE, FAILED, INCOMPLETE = 0, 1, 3


def show(args: Namespace) -> int:
    """Print the rows of a track."""
    from leaderboard.rows.rank import row_json
    from leaderboard.show.render import detail, legend, table

    ranked = source.rows_asked(args)
    if not ranked:
        return _nothing(args)
    if args.json:
        _print_json([row_json(row) for row in ranked])
    else:
        extra = f"\n\n{detail(ranked, 'text')}" if args.by_task else ""
        what = f"For accuracy read {args.metric}. " if args.metric else ""
        _print_text(args, f"{table(ranked, 'text')}{extra}\n\n{what}{legend(ranked)}")
    return FINE


def compare(args: Namespace) -> int:
    """Print how a row differs from another, or from several."""
    records = source.records_asked(args)
    if not records:
        return _nothing(args)
    table = source.shown(records, args)
    labels = args.b or sorted({record.label for record in table} - {args.a})
    others = [of_label(records, label) for label in labels]
    told = _pair if len(args.b) == 1 else _family
    body, text = told(of_label(records, args.a), others, records)
    if args.json:
        _print_json(body)
    else:
        what = f"For accuracy read {args.metric}.\n" if args.metric else ""
        _print_text(args, f"{what}{text}")
    return FINE


def _pair(
    one: Sequence[Record], others: Sequence[Sequence[Record]], track: Sequence[Record]
) -> tuple[object, str]:
    from leaderboard.compare.pair import compare, comparison_json, comparison_text

    found = compare(one, others[0], track)
    return comparison_json(found), comparison_text(found)


def _family(
    one: Sequence[Record], others: Sequence[Sequence[Record]], track: Sequence[Record]
) -> tuple[object, str]:
    from leaderboard.compare.against import against, against_json, against_table

    found = against(one, others, track)
    return against_json(found), against_table(one[0].label, found, "text")


def audit(args: Namespace) -> int:
    """Print what each row of a track was given, beside what the reference was given."""
    from leaderboard.rows.audit import audit, audit_json, audit_legend, audit_table

    records = source.shown(source.records_asked(args), args)
    treatments = audit(records)
    if not treatments:
        return _nothing(args)
    if args.json:
        _print_json(audit_json(treatments))
    else:
        legend = audit_legend(treatments, records[0].reference)
        _print_text(args, f"{audit_table(treatments, 'text')}\n\n{legend}")
    return FINE


def power(args: Namespace) -> int:
    """Print the differences that a track's runs can find; 3 where no row has two seeds."""
    from leaderboard.compare.power import power, power_json, power_text

    records = source.shown(source.records_asked(args), args)
    found = power(records, args.seeds, args.gap / 100)
    if not found:
        print(f"{args.track}: no two trained rows, or no row of two seeds", file=sys.stderr)
        return INCOMPLETE
    if args.json:
        _print_json(power_json(found))
    else:
        _print_text(args, power_text(found))
    return FINE


def bands(args: Namespace) -> int:
    """Judge training losses; 1 where one is outside its band, 3 where none could be judged."""
    from leaderboard.rows.bands import bands_json, bands_text, judge

    records = source.records_asked(args)
    if not records:
        return _nothing(args)
    is_public = source.base_asked(args) == board.PUBLISHED
    judgements = judge(records, records if is_public else source.published(args))
    if args.json:
        _print_json(bands_json(judgements))
    else:
        _print_text(args, bands_text(judgements))
    if any(each.outside for each in judgements):
        return FAILED
    return FINE if any(each.n_reference for each in judgements) else INCOMPLETE


def probes(args: Namespace) -> int:
    """Print accuracy with a share of the knowledge in view, over the course of training."""
    from leaderboard.compare.internalization import (
        internalization,
        probes_json,
        probes_legend,
        probes_table,
    )
    from leaderboard.store.probes import load_probes

    base, track = source.base_asked(args), source.track_asked(args)
    known = {*source.known_tracks(args), *tracks(base), *tracks(beside(base, "records"))}
    if known and track not in known:
        raise UnknownName("track", track, known)
    found = internalization(load_probes(source.root_asked(args), track))
    if not found:
        hint = f"run `skbench probe {args.track}` first"
        print(f"no probes of {track} in {base}; {hint}", file=sys.stderr)
        return INCOMPLETE
    if args.json:
        _print_json(probes_json(found))
    else:
        _print_text(args, f"{probes_table(found, 'text')}\n\n{probes_legend(found)}")
    return FINE


def regress(args: Namespace) -> int:
    """Compare records with those of a base; 1 on a regression, 3 where records are missing."""
    from leaderboard.compare.regress import (
        Report,
        base_root,
        counterpart,
        merged,
        regress,
        report_json,
        report_text,
    )

    with tempfile.TemporaryDirectory() as folder:
        base, new = base_root(args.base, Path(folder), board.PUBLISHED), source.base_asked(args)
        before, after = set(tracks(base)), set(tracks(new))
        known = {*source.known_tracks(args), *before, *after}
        found = before & after if args.common else before | after
        names = [source.track_asked(args)] if args.track else sorted(found)
        reports = list[Report]()
        for name in names:
            now = load(name, board.suite(new, name), known=known)
            old = load(name, counterpart(base, name, now), known=known)
            reports.append(regress(name, old, now, common=args.common))
        report = merged(reports)
        if args.common and not names:
            report = Report([], [f"{args.base} and {new} have no track in common"], [])
    if args.json:
        _print_json(report_json(report))
    else:
        print(report_text(report))
    return report.status


def regime_map(args: Namespace) -> int:
    """Print the map of a sweep, or publish it; 3 where a run has no counterpart."""
    from leaderboard.compare.regimes import map_json, map_legend, map_table
    from leaderboard.show.pages import render_all
    from leaderboard.store.maps import publish_map

    suite, found = source.swept(args)
    for line in [*found.missing, *found.notes]:
        print(f"{args.sweep}: {line}", file=sys.stderr)
    if not found.sweep.points:
        print(f"no pair of runs of sweep {args.sweep} in {source.local()}", file=sys.stderr)
        return INCOMPLETE
    if args.publish:
        stored = publish_map(found.sweep, beside(board.PUBLISHED / suite, "maps"))
        _print_paths([*([stored] if stored else []), *render_all(board.PUBLISHED)])
    elif args.json:
        _print_json(map_json(found.sweep))
    else:
        print(f"{map_table(found.sweep, 'text')}\n\n{map_legend(found.sweep)}")
    return INCOMPLETE if found.missing else FINE


def study(args: Namespace) -> int:
    """Print what a study found, or add local runs to it; 3 where none have run."""
    from leaderboard.compare.study import study_json, study_text
    from leaderboard.show.pages import render_all
    from leaderboard.store.studies import publish_study

    suite, question, found = source.studied(args)
    if found is None:
        print(f"no runs of study {args.study}: see {args.study}.toml", file=sys.stderr)
        return INCOMPLETE
    if args.publish:
        stored = publish_study(found, beside(board.PUBLISHED / suite, "studies"))
        _print_paths([*([stored] if stored else []), *render_all(board.PUBLISHED)])
    elif args.json:
        _print_json(study_json(question, found))
    else:
        print(study_text(question, found, "text"))
    return FINE


def export(args: Namespace) -> int:
    """Write the rows of a track in a format to publish."""
    from leaderboard.show.render import export

    ranked = source.rows_asked(args)
    if not ranked:
        return _nothing(args)
    text = export(ranked, args.format)
    if args.output is None:
        sys.stdout.write(text)
    else:
        args.output.write_text(text, encoding="utf-8")
    return FINE


def publish(args: Namespace) -> int:
    """Copy local records and probes into the repository and render its pages."""
    from leaderboard.cli.publish import log, note, publish
    from leaderboard.show.pages import render_all

    base, track = source.local(), source.track_asked(args)
    probes = beside(base, "probes")
    known = [*source.known_tracks(args), *tracks(probes)]
    suite = board.suite(base if board.suites(base, track) else probes, track).name
    trials = (beside(base, "trials") / suite / track).is_dir()
    if not (load(track, base / suite, known=known) or track in tracks(probes / suite) or trials):
        return _nothing(args)
    written = publish(base / suite, track, board.PUBLISHED / suite)
    records = [path for path in written if path.is_relative_to(board.PUBLISHED)]
    changes = board.PUBLISHED.parent / "CHANGELOG.md"
    today = date.today().isoformat()
    noted = note(changes, suite, track, records, today)
    filed = log(base / suite, track, board.PUBLISHED / suite, today)
    told = [each for each in (noted, filed) if each]
    _print_paths([*written, *told, *render_all(board.PUBLISHED)])
    return FINE


def render(args: Namespace) -> int:
    """Bring the generated pages up to date, or with --check only say which are not."""
    from leaderboard.show.pages import check, render_all

    if not args.check:
        _print_paths(render_all(board.PUBLISHED))
        return FINE
    stale = check(board.PUBLISHED)
    for path in stale:
        print(f"{path}: stale; run `skbench board render`", file=sys.stderr)
    return FAILED if stale else FINE


def _nothing(args: Namespace) -> int:
    where = source.local() if args.board_verb == "publish" else source.base_asked(args)
    print(
        f"no such records of {source.track_asked(args)} in {where};"
        f" run `skbench run {args.track}` first, and ask with the run's own --limit, --sealed,"
        " --world or --split",
        file=sys.stderr,
    )
    return INCOMPLETE


def _print_text(args: Namespace, text: str) -> None:
    """Print for people, who are told first if the suite is an old one."""
    newer = source.superseded_by(args)
    if newer is not None:
        suite = source.root_asked(args).name
        print(f"{source.track_asked(args)} {suite} is superseded by {newer}\n")
    print(text)


def _print_paths(paths: Sequence[Path]) -> None:
    for path in paths:
        print(path)


def _print_json(body: object) -> None:
    print(json.dumps(body, indent=1))
