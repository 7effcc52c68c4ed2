"""The verb `cost`: what a track's methods spend on a solved question, without its student.

Heavy imports stand inside the functions: building the parser loads the standard library alone.
"""

import argparse
import json
import shlex
from pathlib import Path
from typing import Any

from bench.cli.arguments import POSITIVE, add_data_dir
from bench.ground.exits import FINE


def add_parser(verbs: Any) -> None:
    """Add `cost`; it sets `run`, a function of the arguments to an exit code."""
    verb = verbs.add_parser("cost", help="FLOPs of a solved question, without a student's weights")
    verb.add_argument("track", metavar="TRACK|FILE.toml")
    verb.add_argument("--methods", help="comma-separated; default: the track's")
    add_data_dir(verb)
    verb.add_argument("--limit", type=POSITIVE, help="questions, spread over the tasks")
    verb.add_argument("--time", action="store_true", help="also time a model of random weights")
    verb.add_argument("--publish", action="store_true", help="store it in the repository")
    verb.add_argument("--json", action="store_true")
    verb.set_defaults(run=cost)


def cost(args: argparse.Namespace) -> int:
    """Count, and print the table or store it."""
    from bench import track
    from bench.estimates import per_question, timing
    from bench.ground.places import data_dir
    from bench.ground.quiet import quiet_libraries
    from bench.run import planning
    from bench.students.shapes import shape_of
    from bench.track import ConfigError
    from leaderboard.show import costs

    quiet_libraries()
    chosen = track.load(args.track)
    methods, _ = planning.select(chosen, args.methods, [], None)
    if chosen.reference not in {method.label for method in methods}:
        raise ConfigError(f"--methods: relative costs need '{chosen.reference}' among them")
    if args.time:
        timing.check(shape_of(chosen))
    data = data_dir(args.data_dir)
    found, calls = per_question.count(chosen, methods, data, args.limit, _command(args))
    if args.time:
        found = timing.timed(found, shape_of(chosen), calls)
    if args.publish:
        print(f"{found.save()}: stored; now run `skbench board render`")
    elif args.json:
        print(json.dumps(costs.cost_json(found), indent=1))
    else:
        print(costs.shown(found))
    return FINE


def _command(args: argparse.Namespace) -> str:
    """What counts this again; folders of data and of a track's file are the reader's own."""
    words = ["skbench", "cost", Path(args.track).name, "--data-dir", "DATA"]
    words += ["--methods", args.methods] if args.methods else []
    words += ["--limit", str(args.limit)] if args.limit else []
    words += ["--time"] if args.time else []
    return shlex.join(words)
