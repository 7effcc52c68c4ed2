"""The verb `prompts`: what a student is trained on and asked, to the letter."""

import json
from argparse import Namespace
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.cli.arguments import POSITIVE

if TYPE_CHECKING:
    from bench.run.cell import Cell

FINE = 0
LINE = {
    "step": "trained on from {share:.0%} of the steps, objective {objective}",
    "test": "asked at test time, if this were a test question",
}


def add_parser(verbs: Any) -> None:
    """Add the verb."""
    verb = verbs.add_parser("prompts", help="what a student is trained on and asked, to the letter")
    verb.add_argument("track", metavar="TRACK|FILE.toml")
    verb.add_argument("--methods", help="comma-separated, or 'all'; default: the track's")
    verb.add_argument(
        "--set", action="append", default=[], metavar="METHOD.FIELD=VALUE", dest="settings"
    )
    verb.add_argument("--rows", type=POSITIVE, default=1, help="of the corpus, evenly spread")
    verb.add_argument("--method-file", type=Path, help="a method of your own")
    verb.add_argument("--data-dir", help="folder of published data; default: $SKBENCH_DATA")
    verb.add_argument("--json", action="store_true")
    verb.set_defaults(run=prompts)


def prompts(args: Namespace) -> int:
    """Print the training pairs of some rows at each step of a method, and the test prompt."""
    from bench import track
    from bench.ground.places import data_dir
    from bench.ground.quiet import quiet_libraries
    from bench.run import planning
    from leaderboard.store.record import Scope

    quiet_libraries()
    chosen = track.load(args.track)
    methods, was_all = planning.select(chosen, args.methods, args.settings, args.method_file)
    cells = planning.plan(
        chosen, methods, chosen.seeds[:1], Scope(), skip_unmet=was_all,
        data=data_dir(args.data_dir), origin=(),
    )  # fmt: skip
    found = [each for cell in cells for each in _of(cell, args.rows)]
    print(json.dumps(found, indent=1) if args.json else "\n\n".join(map(_text, found)))
    return FINE


def _of(cell: "Cell", n_rows: int) -> Iterator[dict[str, Any]]:
    from bench.corpora import attach
    from bench.run import fit, stages

    examples = fit.attached(cell, stages.fresh_student(cell)) if cell.method.trains else []
    ask = attach.asker(cell.corpus, cell.method.needs, cell.seed)
    rows = cell.corpus.rows
    for i in (k * len(rows) // n_rows for k in range(min(n_rows, len(rows)))):
        about = {"method": cell.method.label, "row": rows[i]["id"]}
        for share in (0.0, *cell.method.restart_points) if examples else ():
            for pair in cell.method.pairs(examples[i], share):
                yield {
                    **about, "shown": "step", "share": share, "objective": pair.objective,
                    "prompt": pair.prompt, "target": pair.target,
                }  # fmt: skip
        yield {**about, "shown": "test", "prompt": next(cell.method.solve(ask(rows[i])))}


def _text(found: dict[str, Any]) -> str:
    head = f"=== {found['method']}, {found['row']}: {LINE[found['shown']].format(**found)}"
    return "\n".join(
        [head, found["prompt"], *(["---", found["target"]] if "target" in found else [])]
    )
