"""The command line `skbench`: one small function per verb, heavy imports inside."""

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from bench import corpus_verbs, cost_verbs, data_verbs, student_verbs
from bench.arguments import positive
from leaderboard import cli as board

FINE, FAILED, USAGE, INCOMPLETE = 0, 1, 2, 3
MADE = ("runs", "corpora", "tokenizers", "records", "probes", "importance", "indices", "reproduced")
"""Folders of the home that `clean` deletes."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Parse, run a verb, and turn its errors into one line and an exit code."""
    args = _parser().parse_args(arguments)
    args.arguments = sys.argv[1:] if arguments is None else arguments
    try:
        return args.run(args)
    except KeyboardInterrupt:
        print("\ninterrupted: the same command goes on from here", file=sys.stderr)
        return 130
    except BrokenPipeError:
        return 141
    except _told() as error:
        message = error.args[0] if isinstance(error, LookupError) and error.args else error
        print(f"skbench: {message}", file=sys.stderr)
        return USAGE


def _told() -> tuple[type[Exception], ...]:
    """The errors that speak to the user; any other is a fault of ours and keeps its traceback."""
    from bench.corpus import CorpusError
    from bench.track import ConfigError
    from leaderboard.board import UnknownName
    from leaderboard.record import RecordError
    from tasks.docs import MissingDataError, WrongItemsError

    found = [ConfigError, CorpusError, UnknownName, RecordError, MissingDataError, WrongItemsError]
    # Errors of modules that load torch can only come from them once they are loaded.
    for module, name in (("bench.train", "TrainingError"), ("bench.flops", "FlopError")):
        if module in sys.modules:
            found.append(getattr(sys.modules[module], name))
    return tuple(found)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="skbench", description="Train and judge chain-of-thought distillation methods."
    )
    verbs = parser.add_subparsers(required=True, metavar="VERB")
    _add_list(verbs)
    _add_run(verbs)
    _add_probe(verbs)
    _add_pretrain(verbs)
    corpus_verbs.add_parser(verbs)
    cost_verbs.add_parser(verbs)
    data_verbs.add_parser(verbs)
    student_verbs.add_parser(verbs, _print_rows)
    board.add_parser(verbs, known_tracks=_track_names())
    doctor = verbs.add_parser("doctor", help="what is installed, which device, what is missing")
    doctor.add_argument("--json", action="store_true")
    doctor.set_defaults(run=_doctor)
    docs = verbs.add_parser("docs", help="refresh the tables of methods and tasks in the READMEs")
    docs.add_argument("--check", action="store_true", help="only say which are stale; exit 1")
    docs.set_defaults(run=_docs)
    clean = verbs.add_parser("clean", help="delete runs, corpora and local records")
    clean.add_argument("--yes", action="store_true", help="do it; otherwise only say what")
    clean.set_defaults(run=_clean)
    return parser


def _track_names() -> list[str]:
    """The built-in tracks, without loading one."""
    return sorted(path.stem for path in (Path(__file__).parent / "tracks").glob("*.toml"))


def _add_list(verbs: Any) -> None:
    verb = verbs.add_parser("list", help="methods, tracks, tasks or sweeps")
    verb.add_argument("what", choices=("methods", "tracks", "tasks", "sweeps"))
    verb.add_argument("--json", action="store_true")
    verb.set_defaults(run=_list)


def _add_run(verbs: Any) -> None:
    verb = verbs.add_parser("run", help="train and judge methods on a track")
    verb.add_argument("track", metavar="TRACK|FILE.toml")
    verb.add_argument(
        "--methods", help="comma-separated, or 'all'; default: the file's or the track's"
    )
    verb.add_argument("--seeds", help="comma-separated; default: the track's first")
    verb.add_argument(
        "--set", action="append", default=[], metavar="METHOD.FIELD=VALUE", dest="settings"
    )
    verb.add_argument("--sweep", metavar="NAME", help="many rows or points; see `list sweeps`")
    verb.add_argument("--points", help="comma-separated points of the sweep; default: all")
    verb.add_argument("--limit", type=positive, help="items per data set, and training steps")
    verb.add_argument(
        "--jobs", type=positive, default=1, help="processes that share the work and the cores"
    )
    verb.add_argument("--dry-run", action="store_true", help="only say what it would take")
    verb.add_argument("--method-file", type=Path, help="a method of your own")
    verb.add_argument("--data-dir", help="folder of published data; default: $SKBENCH_DATA")
    verb.add_argument("--world", type=int, default=0, help="another world of an embedded suite")
    split = verb.add_mutually_exclusive_group()
    split.add_argument("--sealed", type=int, metavar="SEED", help="new items from this seed")
    split.add_argument("--split", choices=("test", "dev"), default="test")
    verb.add_argument("--json", action="store_true")
    verb.set_defaults(run=_run)


def _add_probe(verbs: Any) -> None:
    verb = verbs.add_parser("probe", help="what a student knows at each quarter of its training")
    verb.add_argument("track", metavar="TRACK|FILE.toml")
    verb.add_argument("--methods", required=True, help="comma-separated")
    verb.add_argument("--seeds", help="comma-separated; default: the track's first")
    verb.add_argument("--json", action="store_true")
    verb.set_defaults(run=_probe)


def _add_pretrain(verbs: Any) -> None:
    verb = verbs.add_parser("pretrain", help="make the student that a suite embeds")
    verb.add_argument("suite", help="folder below tasks/, e.g. pocket")
    verb.add_argument("--student", default="student", metavar="NAME", help="tasks/SUITE/NAME.toml")
    verb.add_argument("--out", type=Path, help="default: tasks/SUITE/NAME")
    verb.add_argument("--probe", action="store_true", help="only judge the student that is there")
    verb.add_argument("--json", action="store_true")
    verb.set_defaults(run=_pretrain)


def _seeds(text: str | None, default: list[int]) -> list[int]:
    from bench.track import ConfigError

    try:
        return [int(part) for part in text.split(",")] if text else default
    except ValueError as error:
        raise ConfigError(f"--seeds {text}: expected whole numbers, such as 0,1,2") from error


def _run(args: argparse.Namespace) -> int:
    from bench import jobs, run, track
    from bench.cell import home
    from leaderboard.record import Scope

    chosen = track.load(args.track)
    scope = Scope(args.world, args.split, args.sealed, args.limit)
    if args.sealed is not None:
        scope = Scope(args.world, "sealed", args.sealed, args.limit)
    if args.dry_run:
        from bench import dry_run

        seeds = _seeds(args.seeds, chosen.seeds[:1])
        return dry_run.show(args, chosen, seeds, lambda: _cells(args, chosen, scope))
    cells = _cells(args, chosen, scope)
    if args.jobs > 1:
        code = jobs.share(args.arguments, args.jobs)
        if code != FINE:
            return code
    records = run.run_cells(cells)
    _print_rows(records, as_json=args.json)
    if not args.json:
        print(f"records and samples: {home().resolve()}")
    return FINE


def _cells(args: argparse.Namespace, chosen: Any, scope: Any) -> list[Any]:
    """What the arguments of `run` ask for: a sweep, or methods on the track as it is."""
    from bench import run, sweep
    from bench.cell import data_dir
    from bench.track import ConfigError

    data = data_dir(args.data_dir)
    if args.sweep is None:
        if args.points is not None:
            raise ConfigError("--points goes with --sweep")
        methods, was_all = run.select(chosen, args.methods, args.settings, args.method_file)
        seeds = _seeds(args.seeds, chosen.seeds[:1])
        way = _origin(args)
        return run.plan(chosen, methods, seeds, scope, skip_unmet=was_all, data=data, origin=way)
    if args.settings or args.method_file:
        raise ConfigError("--sweep has its own methods: leave out --set and --method-file")
    wanted = sweep.load(args.sweep)
    seeds = _seeds(args.seeds, wanted.seeds or chosen.seeds[:1])
    points = args.points.split(",") if args.points else None
    way = (args.track,)
    return run.plan_sweep(wanted, chosen, points, args.methods, seeds, scope, data=data, origin=way)


def _origin(args: argparse.Namespace) -> tuple[str, ...]:
    own = ("--method-file", str(args.method_file)) if args.method_file else ()
    return (args.track, *own)


def _print_rows(records: list[Any], *, as_json: bool) -> None:
    from leaderboard import rank, render

    tables = [
        rank.rows([record for record in records if (record.track, record.scope) == place])
        for place in dict.fromkeys((record.track, record.scope) for record in records)
    ]
    if as_json:
        print(json.dumps([rank.row_json(row) for rows in tables for row in rows], indent=1))
    else:
        for rows in tables:
            print(f"{render.table(rows, 'markdown')}\n\n{render.legend(rows)}\n")


def _probe(args: argparse.Namespace) -> int:
    from bench import probe, run, track
    from leaderboard.internalization import internalization, probes_json, probes_table
    from leaderboard.record import Scope

    chosen = track.load(args.track)
    methods, _ = run.select(chosen, args.methods, [], None)
    cells = run.plan(
        chosen,
        [method for method in methods if method.trains],
        _seeds(args.seeds, chosen.seeds[:1]),
        Scope(),
        skip_unmet=False,
        data=None,
        origin=(args.track,),
    )
    found = []
    for number, cell in enumerate(cells, 1):
        name = f"[{number}/{len(cells)}] {cell.method.label} seed {cell.seed}"
        print(name, file=sys.stderr, flush=True)
        found.append(probe.run_probe(cell))
    read = internalization(found)
    print(json.dumps(probes_json(read), indent=1) if args.json else probes_table(read, "text"))
    return FINE


def _list(args: argparse.Namespace) -> int:
    from bench import catalogue

    if args.json:
        print(json.dumps(catalogue.LISTS[args.what](), indent=1))
    else:
        from tabulate import tabulate

        entries = catalogue.TABLES[args.what]()
        shown = [{k: catalogue.cell(v) for k, v in entry.items()} for entry in entries]
        print(tabulate(shown, headers="keys", maxcolwidths=60))
    return FINE


def _pretrain(args: argparse.Namespace) -> int:
    from bench import embedded

    out = embedded.make(args.suite, args.student, args.out, only_probe=args.probe)
    print(json.dumps(out, indent=1) if args.json else embedded.describe(out))
    return FINE


def _doctor(args: argparse.Namespace) -> int:
    from bench import doctor

    findings = doctor.examine()
    print(json.dumps(findings, indent=1) if args.json else doctor.describe(findings))
    return FINE if all(f["ok"] or not f["required"] for f in findings) else INCOMPLETE


def _docs(args: argparse.Namespace) -> int:
    from bench import catalogue

    stale = catalogue.refresh(check=args.check)
    for path in stale:
        print(f"{path}: {'stale; run `skbench docs`' if args.check else 'refreshed'}")
    return FAILED if stale and args.check else FINE


def _clean(args: argparse.Namespace) -> int:
    import shutil

    from bench.cell import home

    folders = [home() / name for name in MADE]
    for folder in filter(Path.exists, folders):
        print(f"{'deleting' if args.yes else 'would delete'} {folder.resolve()}")
        if args.yes:
            shutil.rmtree(folder)
    if not args.yes:
        print("nothing deleted; add --yes to do it")
    return FINE


if __name__ == "__main__":
    sys.exit(main())
