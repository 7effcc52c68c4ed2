"""The verb `prompts`: what a student is trained on and asked, to the letter."""

import itertools
import json
from argparse import Namespace
from collections.abc import Iterator, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from bench.cli.arguments import POSITIVE, add_choice
from bench.ground.exits import FINE

if TYPE_CHECKING:
    from bench.run.cell import Cell
    from bench.types import Pair

N_LOOKS = 20
"""Points of the training at which a change is looked for, beside those where it starts afresh."""


def add_parser(verbs: Any) -> None:
    """Add the verb."""
    verb = verbs.add_parser("prompts", help="what a student is trained on and asked, to the letter")
    add_choice(verb)
    verb.add_argument("--rows", type=POSITIVE, default=1, help="of the corpus, evenly spread")
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
    from bench.run import fit, reranker

    method, rows = cell.method, cell.corpus.rows
    attached = fit.attached(cell, fit.fresh(cell), fit.judge_of(cell)) if method.trains else []
    examples = {example.id: example for example in attached}
    rows = [row for row in rows if row["id"] in examples] if examples else rows
    order = reranker.of(cell, partial(fit.fresh, cell))
    ask = attach.asker(cell.corpus, method.needs, cell.seed, None, order and order.nearest)
    looks = sorted({*(k / N_LOOKS for k in range(N_LOOKS)), *method.restart_points})
    for i in (k * len(rows) // n_rows for k in range(min(n_rows, len(rows)))):
        about = {"method": method.label, "row": rows[i]["id"]}
        before: Sequence[Pair] = ()
        for share in looks if examples else ():
            pairs = method.pairs(examples[rows[i]["id"]], share)
            for pair in pairs if pairs != before else ():
                own = {"objective": pair.objective, "prompt": pair.prompt, "target": pair.target}
                yield {**about, "share": share, **own}
            before = pairs
        for prompt in itertools.islice(
            method.solve(ask(rows[i])), 1
        ):  # none where no student is asked
            yield {**about, "prompt": prompt}


def _text(found: dict[str, Any]) -> str:
    name = f"=== {found['method']}, {found['row']}"
    if "target" not in found:
        return f"{name}: asked at test time, if this were a test question\n{found['prompt']}"
    at = f"trained on from {found['share']:.0%} of the steps, objective {found['objective']}"
    return f"{name}: {at}\n{found['prompt']}\n---\n{found['target']}"
