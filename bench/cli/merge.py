"""The verb `merge`: what other homes hold, into this one."""

from argparse import ArgumentParser, Namespace
from pathlib import Path
from typing import Any

from bench.ground.exits import FINE


def add_parser(verbs: Any) -> None:
    """Add the verb; it sets `run`, a function of the arguments to an exit code."""
    verb: ArgumentParser = verbs.add_parser(
        "merge", help="copy results of other homes into $SKBENCH_HOME; replaces nothing"
    )
    verb.add_argument("homes", nargs="+", type=Path, metavar="HOME")
    verb.add_argument("--weights", action="store_true", help="trained students, too")
    verb.set_defaults(run=merge)


def merge(args: Namespace) -> int:
    """Copy what is not here, and say how much that was."""
    from bench.ground.places import home
    from bench.run.merge import merge

    copied, here = merge(args.homes, weights=args.weights)
    for kind in sorted({*copied, *here}):
        print(f"{kind}: {copied[kind]} copied, {here[kind]} here before")
    print(f"results: {home().resolve()}")
    return FINE
