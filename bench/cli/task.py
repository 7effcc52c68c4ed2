"""The verb `task`: look at test questions of your own before anything is trained.

Heavy imports stand inside the functions: building the parser loads the standard library alone.
"""

import json
import sys
from argparse import ArgumentParser, Namespace
from pathlib import Path
from typing import Any

from bench.cli.arguments import POSITIVE, add_data_dir, add_trust
from bench.ground.exits import FAILED, FINE


def add_parser(verbs: Any) -> None:
    """Add `task` and its verbs; each sets `run`, a function of the arguments to an exit code."""
    task = verbs.add_parser("task", help="check or show test questions")
    verbs = task.add_subparsers(required=True, metavar="VERB")
    verb = verbs.add_parser("check", help="name every bad line of questions; exit 1 if any")
    verb.add_argument("file", type=Path, metavar="FILE.jsonl")
    verb.set_defaults(run=check)
    _add_show(verbs.add_parser("show", help="items of a data set, as a method is given them"))


def _add_show(verb: ArgumentParser) -> None:
    verb.add_argument("name", metavar="NAME|FILE.jsonl")
    verb.add_argument("--include", metavar="DIR", help="a folder of YAML for lm-eval")
    verb.add_argument("--split", choices=("test", "dev"), default="test")
    verb.add_argument("--items", type=POSITIVE, default=3, metavar="N")
    add_data_dir(verb)
    verb.add_argument("--json", action="store_true")
    add_trust(verb)
    verb.set_defaults(run=show)


def check(args: Namespace) -> int:
    """Name every bad line."""
    from bench.questions.lines import examine

    items, faults = examine(args.file, args.file.stem)
    for each in faults:
        print(each, file=sys.stderr)
    n_bad = len({each.line for each in faults})
    print(f"{args.file}: {len(items)} questions, {n_bad} bad lines")
    return FAILED if faults else FINE


def show(args: Namespace) -> int:
    """Print a few items, with what lm-eval itself scores of them."""
    from bench.ground.quiet import quiet_libraries
    from bench.questions import obtain
    from bench.run.evaluate import task_manager
    from tasks.docs import stratified

    quiet_libraries()
    metrics = list[str]()
    if args.name in obtain.built_in():
        known = task_manager({"split": args.split, "data_dir": args.data_dir})
        items = list(known.load([args.name])["tasks"][args.name].test_docs())
    else:
        found = obtain.named(args.name, args.include)
        items, metrics = stratified(found.of(args.split)), found.metrics
    told = items[: args.items]
    if args.json:
        print(json.dumps({"items": told, "n": len(items), "metrics": metrics}, indent=1))
        return FINE
    for item in told:
        print(f"=== {item['id']}, target {item['target']}\n{item['question']}\n")
    beside = f"; lm-eval's own: {', '.join(metrics)}" if metrics else ""
    print(f"{args.name}: {len(items)} items; scored by strict, author, flexible{beside}")
    return FINE
