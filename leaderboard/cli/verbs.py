"""What the verbs of `board` do: each takes the parsed arguments and returns an exit code.

Heavy imports stand inside the functions, so that building the parser stays quick.
"""

import sys
from argparse import Namespace

from leaderboard.cli import source
from leaderboard.cli.printing import (
    FAILED,
    FINE,
    INCOMPLETE,
    no_board,
    nothing,
    print_json,
    print_paths,
    print_text,
    tell_tuned,
)
from leaderboard.stats.formats import escaped
from leaderboard.store import board
from leaderboard.store.board import UnknownName, beside, load, tracks
from leaderboard.store.comparable import check_table
from leaderboard.store.files import today
from leaderboard.store.reading import RecordError


def show(args: Namespace) -> int:
    """Print the rows of a track."""
    from leaderboard.rows.row import row_json
    from leaderboard.show.render import detail, legend, table
    from leaderboard.show.signature import signature_lines

    ranked, resolution = source.table_asked(args, sign=args.json or args.signatures)
    if not ranked:
        return nothing(args)
    if args.json:
        print_json([row_json(row) for row in ranked])
    else:
        extra = f"\n\n{detail(ranked, 'text')}" if args.by_task else ""
        what = f"For accuracy read {escaped(args.metric, 'text')}. " if args.metric else ""
        what += legend(ranked, detailed=args.by_task)
        print_text(args, f"{table(ranked, 'text')}{extra}\n\n{what} {resolution}")
        if args.signatures:
            print("\n".join(["", *signature_lines(ranked)]))
    return FINE


def compare(args: Namespace) -> int:
    """Print how a row differs from another, or from several."""
    from leaderboard.compare import against, pair

    records = source.records_asked(args)
    if not records:
        return nothing(args)
    check_table(records)  # all of them tell how far seeds differ
    table = source.shown(records, args)
    tell_tuned([args.a, *args.b], records)
    if args.a in args.b or len({*args.b}) < len(args.b):
        raise RecordError(f"compare {args.a} {' '.join(args.b)}: name each row once")
    labels = args.b or sorted({record.label for record in table} - {args.a})
    if not labels:
        print(f"{args.track}: no row beside {args.a}", file=sys.stderr)
        return INCOMPLETE
    others = [source.row_asked(args, records, label) for label in labels]
    one = source.row_asked(args, records, args.a)
    if len(args.b) == 1:
        found = pair.compare(one, others[0], records)
        text = pair.comparison_text(found)
    else:
        found = against.against(one, others, records)
        text = against.against_table(args.a, found)
    if args.json:
        print_json(found)
    else:
        what = f"For accuracy read {escaped(args.metric, 'text')}.\n" if args.metric else ""
        print_text(args, f"{what}{text}")
    return FINE


def audit(args: Namespace) -> int:
    """Print what each row of a track was given, beside what the reference was given."""
    from leaderboard.rows.audit import audit, audit_legend, audit_table

    records = source.shown(source.records_asked(args), args)
    check_table(records)
    treatments = audit(records)
    if not treatments:
        return nothing(args)
    if args.json:
        print_json(treatments)
    else:
        legend = audit_legend(treatments, records[0].reference)
        print_text(args, f"{audit_table(treatments, 'text')}\n\n{legend}")
    return FINE


def power(args: Namespace) -> int:
    """Print the differences that a track's runs can find; 3 where no row has two seeds."""
    from leaderboard.compare.power import power, power_text

    track = source.records_asked(args)
    if not track:
        return nothing(args)
    check_table(track)
    found = power(source.shown(track, args), args.seeds, args.gap / 100, track)
    if not found:
        print(f"{args.track}: no two trained rows, or no row of two seeds", file=sys.stderr)
        return INCOMPLETE
    if args.json:
        print_json(found)
    else:
        print_text(args, power_text(found))
    return FINE


def transfer(args: Namespace) -> int:
    """Print which gains in domain are gains out of it; 3 where no row has both groups."""
    from leaderboard.compare.transfer import (
        transfers,
        transfers_legend,
        transfers_table,
    )

    records = source.records_asked(args)
    if not records:
        return nothing(args)
    check_table(records)
    table = source.shown(records, args)
    found, reference = transfers(table, records), table[0].reference
    if not found:
        print(
            f"{args.track}: no row beside the reference {reference}, or no data sets of ID and of"
            " OOD: `skbench board show` has the rows that there are",
            file=sys.stderr,
        )
        return INCOMPLETE
    if args.json:
        print_json(found)
    else:
        what = f"For accuracy read {escaped(args.metric, 'text')}. " if args.metric else ""
        text = f"{transfers_table(reference, found)}\n\n{what}{transfers_legend(reference)}"
        print_text(args, text)
    return FINE


def bands(args: Namespace) -> int:
    """Judge training losses; 1 where one is outside its band, 3 where none could be judged."""
    from leaderboard.rows.bands import bands_json, bands_text, judge

    records = source.records_asked(args)
    if not records:
        return nothing(args)
    is_public = source.base_asked(args) == board.PUBLISHED
    judgements = judge(records, records if is_public else source.published(args))
    if args.json:
        print_json(bands_json(judgements))
    else:
        print_text(args, bands_text(judgements))
    if any(each.outside for each in judgements):
        return FAILED
    return FINE if any(each.n_reference for each in judgements) else INCOMPLETE


def probes(args: Namespace) -> int:
    """Print accuracy with a share of the knowledge in view, over the course of training."""
    from leaderboard.compare.internalization import (
        internalization,
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
        print_json(found)
    else:
        print_text(args, f"{probes_table(found, 'text')}\n\n{probes_legend(found)}")
    return FINE


def regime_map(args: Namespace) -> int:
    """Print the map of a sweep, or publish that of local runs; 3 where one has no counterpart."""
    from leaderboard.compare.regimes import map_json, map_legend, map_table
    from leaderboard.show.rendering import render_all
    from leaderboard.store.maps import publish_map

    suite, found = source.swept(args)
    for line in [*found.missing, *found.notes]:
        print(f"{args.sweep}: {line}", file=sys.stderr)
    if not found.sweep.points:
        print(f"no pair of runs of sweep {args.sweep} in {source.local()}", file=sys.stderr)
        return INCOMPLETE
    if args.publish:
        stored = publish_map(found.sweep, beside(board.PUBLISHED / suite, "maps"))
        print_paths([*([stored] if stored else []), *render_all(board.PUBLISHED)])
    elif args.json:
        print_json(map_json(found.sweep))
    else:
        print(f"{map_table(found.sweep, 'text')}\n\n{map_legend(found.sweep)}")
    return INCOMPLETE if found.missing else FINE


def study(args: Namespace) -> int:
    """Print what a study found, or add local runs to it; 3 where none have run."""
    from leaderboard.compare.study import study_json, study_text
    from leaderboard.show.rendering import render_all
    from leaderboard.store.studies import publish_study

    suite, question, found = source.studied(args)
    if found is None:
        print(f"no runs of study {args.study}: see {args.study}.toml", file=sys.stderr)
        return INCOMPLETE
    if args.publish:
        stored = publish_study(found, beside(board.PUBLISHED / suite, "studies"))
        print_paths([*([stored] if stored else []), *render_all(board.PUBLISHED)])
    elif args.json:
        print_json(study_json(question, found))
    else:
        print(study_text(question, found, "text"))
    return FINE


def publish(args: Namespace) -> int:
    """Copy local records and probes into the repository and render its pages."""
    from leaderboard.cli.publish import log, note, publish, unheard
    from leaderboard.show.rendering import render_all

    base, track = source.local(), source.track_asked(args)
    probes = beside(base, "probes")
    known = [*source.known_tracks(args), *tracks(probes)]
    suite = board.suite(base if board.suites(base, track) else probes, track).name
    trials = (beside(base, "trials") / suite / track).is_dir()
    if not (load(track, base / suite, known=known) or track in tracks(probes / suite) or trials):
        return nothing(args)
    written = publish(base / suite, track, board.PUBLISHED / suite)
    records = unheard(base / suite, track, board.PUBLISHED / suite)
    changes = board.PUBLISHED.parent / "CHANGELOG.md"
    day = today()
    noted = note(changes, suite, track, records, day)
    filed = log(base / suite, track, board.PUBLISHED / suite, day)
    told = [each for each in (noted, filed) if each]
    print_paths([*written, *told, *render_all(board.PUBLISHED)])
    return FINE


def render(args: Namespace) -> int:
    """Bring the generated pages up to date, or with --check only say which are not; 3 where there
    is no such folder."""
    from leaderboard.show.rendering import check, render_all

    if not board.PUBLISHED.is_dir():
        return no_board()
    if not args.check:
        print_paths(render_all(board.PUBLISHED))
        return FINE
    stale = check(board.PUBLISHED)
    for path in stale:
        print(f"{path}: stale; run `skbench board render`", file=sys.stderr)
    return FAILED if stale else FINE
