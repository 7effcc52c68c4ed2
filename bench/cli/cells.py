"""The verbs `plan` and `status`: the cells of a command, what it would do, and how far each is."""

import json
from argparse import ArgumentParser, Namespace
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from bench.cli.run import add_cells
from bench.ground.exits import FINE

if TYPE_CHECKING:
    from bench.run.state import Standing

CHOICE = {
    "--methods": "methods",
    "--set": "settings",
    "--method-file": "method_file",
    "--seeds": "seeds",
    "--sweep": "sweep",
    "--points": "points",
    "--limit": "limit",
}
"""Options that choose among the cells of a track, and where the arguments hold them."""


def add_parser(verbs: Any) -> None:
    """Add both verbs; each sets `run`, a function of the arguments to an exit code."""
    verb: ArgumentParser = verbs.add_parser("plan", help="which cells the same `run` would make")
    add_cells(verb)
    verb.set_defaults(run=plan)
    verb = verbs.add_parser(
        "status",
        help="how far each cell of the same `run` is, or each run of the home",
        epilog="Without TRACK: every run whose folder lies in $SKBENCH_HOME.",
    )
    add_cells(verb)
    verb.set_defaults(run=status)


def plan(args: Namespace) -> int:
    """Print the cells of a command, and which of them it would make."""
    from bench.cli.run import asked_for, track_of
    from bench.run import missing, state

    cells = asked_for(args, track_of(args))
    if args.missing:
        missing.missing(cells, told=False)  # it may refuse them, as `run` would
    found = [state.planned(cell) for cell in cells]
    _print(found, as_json=args.json)
    if not (args.json or args.missing) and any(each.state == "published" for each in found):
        print("what is published is made here all the same; not with --missing")
    return FINE


def status(args: Namespace) -> int:
    """Print how far the cells of a command are, or all runs of the home."""
    from bench.cli.run import asked_for, track_of
    from bench.run import state
    from bench.track import ConfigError

    if args.track is None:
        for option, name in CHOICE.items():
            if getattr(args, name):
                raise ConfigError(f"status {option}: of which track? name it before the options")
        found = list(state.in_home())
    else:
        found = [state.standing(cell) for cell in asked_for(args, track_of(args))]
    _print(found, as_json=args.json)
    return FINE


def _print(found: "Sequence[Standing]", *, as_json: bool) -> None:
    totals = Counter[str](each.state for each in found)
    if as_json:
        print(json.dumps({"cells": [*map(asdict, found)], "totals": totals}, indent=1))
        return
    from tabulate import tabulate

    heads = ("track", "label", "seed", "state", "folder")
    rows = [(each.track, each.label, each.seed, _words(each), each.folder) for each in found]
    print(tabulate(rows, headers=heads))
    told = ", ".join(f"{n} {state}" for state, n in sorted(totals.items()))
    print(f"\n{len(found)} cells: {told}" if found else "\nno cells")


def _words(each: "Standing") -> str:
    if each.step is None:
        return each.state
    return f"{each.state}, step {each.step} of {each.total}"
