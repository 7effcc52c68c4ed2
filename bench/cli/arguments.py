"""Arguments that several verbs have: numbers within bounds, what to run, and who runs it."""

import argparse
import os
from collections.abc import Callable
from pathlib import Path

from bench.ground.places import TRUST_TASK_CODE
from bench.run import executors


def number(
    kind: type[int] | type[float], least: float, most: float = 2**31 - 1
) -> Callable[[str], float]:
    """An argument type: a number from `least` on, by default to what every library counts to."""
    bounds = f"from {least:g} on" if most == 2**31 - 1 else f"from {least:g} to {most:g}"

    def parse(text: str) -> float:
        try:
            value = kind(text)
        except ValueError:
            value = None
        if value is None or not least <= value <= most:
            name = "a whole number" if kind is int else "a number"
            raise argparse.ArgumentTypeError(f"expected {name} {bounds}, got '{text}'")
        return value

    return parse


POSITIVE = number(int, 1)


def add_executor(verb: argparse.ArgumentParser) -> None:
    """Who does the work of the command, and by how many processes."""
    verb.add_argument(
        "--jobs",
        type=POSITIVE,
        help="processes that share the work and the cores; of slurm: tasks at once, default all",
    )
    verb.add_argument(
        "--processes",
        type=POSITIVE,
        default=1,
        metavar="N",
        help="processes that train one student together, each on a GPU of its own; default: 1",
    )
    verb.add_argument(
        "--executor", choices=executors.names(), default="local", help="who does the work"
    )
    verb.add_argument(
        "--slurm",
        action="append",
        default=[],
        metavar="KEY=VALUE",
        help="an option of sbatch, as in partition=gpu; time=60 where it is not named",
    )


class _Trust(argparse.Action):
    """Sets the environment, which processes that share a run inherit."""

    def __call__(self, *_: object) -> None:
        os.environ[TRUST_TASK_CODE] = "1"


def add_trust(verb: argparse.ArgumentParser) -> None:
    """Whether to run what a YAML of the track's `include` names as code."""
    verb.add_argument(
        "--trust-task-code", action=_Trust, nargs=0, help="run the code that your task YAML names"
    )


def add_data_dir(verb: argparse.ArgumentParser) -> None:
    """Where the published data lies."""
    verb.add_argument("--data-dir", help="folder of published data; default: $SKBENCH_DATA")


def add_choice(verb: argparse.ArgumentParser, *, needed: bool = True) -> None:
    """Which methods of which track, with which fields; whether a track is `needed`."""
    add_trust(verb)
    verb.add_argument("track", nargs=None if needed else "?", metavar="TRACK|FILE.toml")
    verb.add_argument(
        "--methods", help="comma-separated, or 'all'; default: the file's or the track's"
    )
    verb.add_argument(
        "--set", action="append", default=[], metavar="METHOD.FIELD=VALUE", dest="settings"
    )
    verb.add_argument("--method-file", type=Path, help="a method of your own")
    add_data_dir(verb)
