"""The verbs `run` and `probe`: train methods on a track and judge them.

Heavy imports stand inside the functions: building the parser loads the standard library alone.
"""

import json
import sys
from argparse import ArgumentParser, Namespace
from dataclasses import replace
from pathlib import Path
from typing import Any

from bench.cli.arguments import POSITIVE, add_choice, add_executor, add_trust
from bench.ground.exits import FINE
from bench.run import executors

HERE, METHOD_HERE = "track.toml", "method.py"
"""What `run` takes from a folder where no track is named, as `init` writes them."""


def add_parser(verbs: Any) -> None:
    """Add both verbs; each sets `run`, a function of the arguments to an exit code."""
    _add_run(
        verbs.add_parser(
            "run",
            help="train and judge methods on a track",
            epilog=f"Without TRACK: {HERE} of this folder, with {METHOD_HERE} if it is there.",
        )
    )
    _add_probe(
        verbs.add_parser("probe", help="what a student knows at each quarter of its training")
    )


def _add_run(verb: ArgumentParser) -> None:
    add_cells(verb)
    verb.add_argument("--dry-run", action="store_true", help="only say what it would take")
    verb.set_defaults(run=run)


def add_cells(verb: ArgumentParser) -> None:
    """What says which cells, and who makes them; `run`, `plan` and `status` take the same words."""
    add_choice(verb, needed=False)
    verb.add_argument("--seeds", help="comma-separated; default: the track's first")
    verb.add_argument("--sweep", metavar="NAME", help="many rows or points; see `list sweeps`")
    verb.add_argument("--points", help="comma-separated points of the sweep; default: all")
    verb.add_argument(
        "--limit", type=POSITIVE, help="items per data set, training steps, and labels"
    )
    add_executor(verb)
    verb.add_argument(
        "--missing", action="store_true", help="only what is not published; default: all seeds"
    )
    verb.add_argument(
        "--tuned", action="store_true", help="at the settings that `skbench tune` chose for a row"
    )
    verb.add_argument("--world", type=int, default=0, help="another world of an embedded suite")
    split = verb.add_mutually_exclusive_group()
    split.add_argument("--sealed", type=int, metavar="SEED", help="new items from this seed")
    split.add_argument("--split", choices=("test", "dev"), default="test")
    verb.add_argument("--json", action="store_true")


def _add_probe(verb: ArgumentParser) -> None:
    add_trust(verb)
    verb.add_argument("track", metavar="TRACK|FILE.toml")
    verb.add_argument("--methods", required=True, help="comma-separated")
    verb.add_argument("--seeds", help="comma-separated; default: the track's first")
    verb.add_argument("--json", action="store_true")
    verb.set_defaults(run=probe)


def _seeds(text: str | None, default: list[int]) -> list[int]:
    from bench.track import MAX_SEED, ConfigError

    parts = text.split(",") if text else [str(seed) for seed in default]
    if not all(part.strip().isdecimal() and int(part) <= MAX_SEED for part in parts):
        raise ConfigError(f"--seeds {text}: expected whole numbers up to {MAX_SEED}, as in 0,1,2")
    return [int(part) for part in parts]


def run(args: Namespace) -> int:
    """Do what is not done yet of what is asked for, and print its rows."""
    from bench.ground import bars, provenance
    from bench.ground.places import home
    from bench.questions import obtain
    from bench.run import jobs, precision, stages

    chosen = track_of(args)
    if args.dry_run:
        from bench.estimates import dry_run

        seeds = _seeds(args.seeds, chosen.seeds if args.missing else chosen.seeds[:1])
        return dry_run.show(args, chosen, seeds, lambda: _wanted(args, chosen))
    cells = _wanted(args, chosen)
    if not cells:
        return FINE
    identity = provenance.digest([cell.identity for cell in cells])
    jobs.check(identity)
    cells = jobs.own(cells)
    to_do = list[Any]()
    if not jobs.is_shared():
        with bars.stage("looking for what is done"):
            to_do = [cell for cell in cells if cell.found() is None]
        precision.warn(to_do)
        if to_do:
            obtain.tell_pins(chosen)
    if to_do:
        tasks = _tasks(cells, to_do)
        work = jobs.Work(args.arguments, identity, tasks, args.jobs, args.slurm)
        code = executors.load(args.executor).share(work)
        if code != FINE:
            return code
    records = stages.run_cells(cells)
    print_rows(records, as_json=args.json)
    if not args.json:
        print(f"records and samples: {home().resolve()}")
        for cell in cells:
            print(f"{cell.title}: {cell.folder.resolve()}")
    return FINE


def _wanted(args: Namespace, chosen: Any) -> list[Any]:
    """The cells that are asked for; of these, if so asked, those that are not published."""
    from bench.run import jobs, missing

    cells = asked_for(args, chosen)
    return missing.missing(cells, told=not jobs.is_shared()) if args.missing else cells


def _tasks(cells: list[Any], to_do: list[Any]) -> list[Any]:
    """The cells to do, those that share a trained student together."""
    from bench.run.jobs import Task

    found: dict[Path, list[int]] = {}
    wanted = {*map(id, to_do)}
    for number, cell in enumerate(cells):
        if id(cell) in wanted:
            found.setdefault(cell.folder, []).append(number)
    titles = (", ".join(cells[number].title for number in each) for each in found.values())
    return [Task(title, each) for title, each in zip(titles, found.values(), strict=True)]


def track_of(args: Namespace) -> Any:
    """The track that the command names, else this folder's."""
    from bench import track

    if args.track is None:
        _take_this_folder(args)
    return track.load(str(args.track))


def _take_this_folder(args: Namespace) -> None:
    """The folder's own track and method, where the command names no track."""
    from bench.track import ConfigError

    if not Path(HERE).is_file():
        raise ConfigError(f"name a track, see `list tracks`: this folder has no {HERE}")
    args.track = HERE
    if args.method_file is None and Path(METHOD_HERE).is_file():
        args.method_file = Path(METHOD_HERE)


def asked_for(args: Namespace, chosen: Any) -> list[Any]:
    """The cells of a sweep, or of methods on the track as it is; tuned if that is asked for."""
    from leaderboard.cli.source import scope_asked

    asked = _seeds(args.seeds, []) if args.seeds else None
    usual = chosen.seeds if args.missing else chosen.seeds[:1]
    cells = cells_of(args, chosen, scope_asked(args), asked, usual)
    cells = [replace(cell, n_processes=args.processes) for cell in cells]
    if not args.tuned:
        return cells
    from bench.run import tune

    return [tune.tuned(cell) for cell in cells]


def cells_of(
    args: Namespace, chosen: Any, scope: Any, seeds: list[int] | None, usual: list[int]
) -> list[Any]:
    """The cells of methods on the track, or of a sweep: of `seeds` where some are asked for, else
    of the sweep's own, else of the `usual`."""
    from bench.ground.places import data_dir
    from bench.run import planning, sweep
    from bench.track import ConfigError

    data = data_dir(args.data_dir)
    if args.sweep is None:
        if args.points is not None:
            raise ConfigError("--points goes with --sweep")
        methods, was_all = planning.select(chosen, args.methods, args.settings, args.method_file)
        way = _origin(args)
        return planning.plan(
            chosen, methods, seeds or usual, scope, skip_unmet=was_all, data=data, origin=way
        )
    if args.settings or args.method_file:
        raise ConfigError("--sweep has its own methods: leave out --set and --method-file")
    wanted = sweep.load(args.sweep)
    points = args.points.split(",") if args.points else None
    return planning.plan_sweep(
        wanted,
        chosen,
        points,
        args.methods,
        seeds or wanted.seeds or usual,
        scope,
        data=data,
        origin=(args.track,),
    )


def _origin(args: Namespace) -> tuple[str, ...]:
    own = ("--method-file", str(args.method_file)) if args.method_file else ()
    return (args.track, *own)


def print_rows(records: list[Any], *, as_json: bool) -> None:
    """The rows of records, a table for each track and scope."""
    from leaderboard.cli.source import trials
    from leaderboard.rows import rank
    from leaderboard.rows.row import row_json
    from leaderboard.rows.settings import shown
    from leaderboard.show import render

    records = shown(records, trials())
    tables = [
        rank.rows([record for record in records if (record.track, record.scope) == place])
        for place in dict.fromkeys((record.track, record.scope) for record in records)
    ]
    if as_json:
        print(json.dumps([row_json(row) for rows in tables for row in rows], indent=1))
    else:
        for rows in tables:
            print(f"{render.table(rows, 'markdown')}\n\n{render.legend(rows, detailed=False)}\n")


def probe(args: Namespace) -> int:
    """Ask students again and again while they are trained, and print what they knew when."""
    from bench import track
    from bench.ground import bars
    from bench.run import planning, probe
    from leaderboard.cli.printing import print_json
    from leaderboard.compare.internalization import internalization, probes_table
    from leaderboard.store.record import Scope

    chosen = track.load(args.track)
    methods, _ = planning.select(chosen, args.methods, [], None)
    cells = planning.plan(
        chosen,
        [method for method in methods if method.trains],
        _seeds(args.seeds, chosen.seeds[:1]),
        Scope(),
        skip_unmet=False,
        data=None,
        origin=(args.track,),
    )
    if not cells:
        raise track.ConfigError("none of the methods trains, so there is nothing to probe")
    found = []
    for number, cell in enumerate(cells, 1):
        name = f"[{number}/{len(cells)}] {cell.method.label} seed {cell.seed}"
        print(name, file=sys.stderr, flush=True)
        with bars.about(name):
            found.append(probe.run_probe(cell))
    read = internalization(found)
    if args.json:
        print_json(read)
    else:
        print(probes_table(read, "text"))
    return FINE
