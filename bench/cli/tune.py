"""The verb `tune`: the same few trials for every trained row of a track."""

import json
import sys
from argparse import ArgumentParser, ArgumentTypeError, Namespace
from collections.abc import Mapping, Sequence
from dataclasses import replace
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from bench.cli.arguments import add_choice, add_executor
from bench.ground.exits import FINE

if TYPE_CHECKING:
    from leaderboard.store.trials import Trials


def add_parser(verbs: Any) -> None:
    """Add the verb; it sets `run`, a function of the arguments to an exit code."""
    verb: ArgumentParser = verbs.add_parser("tune", help="try learning rates for each row, on dev")
    add_choice(verb)
    verb.add_argument(
        "--rates",
        type=_rates,
        default=_rates("1/3,1,3"),
        metavar="R,..",
        help="times the track's learning rate, the same for all rows; default: 1/3,1,3",
    )
    verb.add_argument("--sweep", metavar="NAME", help="the rows of a sweep; see `list sweeps`")
    verb.add_argument("--points", help="comma-separated points of the sweep; default: all")
    add_executor(verb)
    verb.add_argument("--json", action="store_true")
    verb.set_defaults(run=tune)


def _rates(text: str) -> list[float]:
    try:
        rates = [float(Fraction(part.strip())) for part in text.split(",")]
    except (ValueError, ZeroDivisionError):
        rates = []
    if not rates or min(rates) <= 0:
        raise ArgumentTypeError(f"expected numbers above 0, as in 1/3,1,3, got '{text}'")
    return rates


def tune(args: Namespace) -> int:
    """Make the trials that there are not, and print what they choose."""
    from bench import track
    from bench.ground import provenance
    from bench.run import executors, jobs, precision, stages, tune

    chosen = track.load(args.track)
    rows = _rows(args, chosen)
    identity = provenance.digest([row.identity for row in rows])
    jobs.check(identity)
    rows = jobs.own(rows)
    steps = (lambda row: tune.by_rate(row, args.rates), tune.by_knob)
    if not jobs.is_shared():
        for row in rows:
            if n := tune.renew(row):
                why = "of other code, a corpus or settings that are others now"
                print(f"{row.label}: {n} trials are made again, {why}", file=sys.stderr)
        # A knob is looked at where no rate is lacking: its trials are at the best of them.
        to_do = [number for number, row in enumerate(rows) if any(step(row) for step in steps)]
        precision.warn([rows[number] for number in to_do])
        if to_do:
            tasks = [jobs.Task(rows[number].title, [number]) for number in to_do]
            work = jobs.Work(args.arguments, identity, tasks, args.jobs, args.slurm)
            code = executors.load(args.executor).share(work)
            if code != FINE:
                return code
    for step in steps:
        # Each is kept as soon as it is made: a machine may be gone before all are.
        stages.run_cells([trial for row in rows for trial in step(row)], tune.keep)
    if not jobs.is_shared():
        _print([tune.trials_of(row) for row in rows], as_json=args.json)
    return FINE


def _rows(args: Namespace, chosen: Any) -> list[Any]:
    """The trained rows that are asked for, as cells of the track's first seed."""
    from bench.cli.run import cells_of
    from bench.track import ConfigError
    from leaderboard.store.record import Scope

    first = chosen.seeds[:1]
    rows = cells_of(args, chosen, Scope(), first, first)
    trained = [replace(row, n_processes=args.processes) for row in rows if row.method.trains]
    if not trained:
        raise ConfigError("none of the methods trains, so there is nothing to tune")
    return trained


def _print(found: "Sequence[Trials]", *, as_json: bool) -> None:
    if as_json:
        print(json.dumps([_plain(trials) for trials in found], indent=1))
        return
    from tabulate import tabulate

    heads = ("track", "method", "trials", "ID on dev, %", "chosen", "at the edge")
    told = [
        (
            each.track,
            each.label,
            len(each.trials),
            "\n".join(f"{_words(t.settings)}: {100 * t.accuracy:.1f}" for t in each.trials),
            _words(each.chosen),
            "yes" if each.at_edge else "",
        )
        for each in found
    ]
    print(tabulate(told, headers=heads))


def _plain(found: "Trials") -> dict[str, Any]:
    tried = [{"settings": dict(t.settings), "id": t.accuracy} for t in found.trials]
    chosen = {"chosen": dict(found.chosen), "at_edge": found.at_edge}
    return {"track": found.track, "method": found.label, "trials": tried, **chosen}


def _words(settings: Mapping[str, float]) -> str:
    return " ".join(f"{key}={value:g}" for key, value in settings.items())
