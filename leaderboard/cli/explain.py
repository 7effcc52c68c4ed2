"""The verb `board explain`."""

from argparse import Namespace

from leaderboard.cli import source
from leaderboard.cli.printing import FINE, nothing, print_json, print_text, tell_tuned
from leaderboard.store.board import UnknownName


def explain(args: Namespace) -> int:
    """Print what a cell of the table is made of; UnknownName for a row, seed or column."""
    from leaderboard.show.explain import explain, explanation_text
    from leaderboard.show.explain_cost import COST_CELLS, cost_text, explain_cost

    files = source.files_asked(args)
    if not files:
        return nothing(args)
    mine = {path: record for path, record in files.items() if record.label == args.row}
    if not mine:
        raise UnknownName("method label", args.row, {record.label for record in files.values()})
    chosen = {path: r for path, r in mine.items() if args.seed in (None, r.seed)}
    if not chosen:
        raise UnknownName("seed", str(args.seed), {str(r.seed) for r in mine.values()})
    tell_tuned([args.row], files.values())
    asked = (chosen, files, args.cell, args.items, source.superseded_by(args))
    if args.cell in COST_CELLS:
        cost = explain_cost(*asked)
        body, text = cost, cost_text(cost)
    else:
        found = explain(*asked)
        body, text = found, explanation_text(found)
    if args.json:
        print_json(body)
    else:
        print_text(args, text)
    return FINE
