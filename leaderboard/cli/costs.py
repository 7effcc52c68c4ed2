"""What `board frontier` and `board amortised` do: which rows are worth what they cost."""

from argparse import Namespace

from leaderboard.cli import source
from leaderboard.cli.printing import FINE, no_cost, nothing, print_json, print_text
from leaderboard.store.board import UnknownName


def frontier(args: Namespace) -> int:
    """Print the front of accuracy and cost; 3 where no row has a cost."""
    from leaderboard.compare.frontier import frontier, frontier_json, frontier_text
    from leaderboard.rows.cost import COSTS

    files = source.files_asked(args)
    ranked, records = source.rows_of(args, files), list(files.values())
    if not ranked:
        return nothing(args)
    cost = COSTS[args.cost]
    found = frontier(ranked, source.shown(records, args), records, cost)
    if not found:
        return no_cost(args)
    if args.json:
        print_json(frontier_json(found))
    else:
        print_text(args, frontier_text(found, cost))
    return FINE


def amortised(args: Namespace) -> int:
    """Print what the rows cost in all, and from how many questions on they are cheaper than one of
    them; 3 where no row has a cost."""
    from leaderboard.compare.amortised import amortised, amortised_json, amortised_text
    from leaderboard.compare.apart import told_apart

    files = source.files_asked(args)
    ranked, records = source.rows_of(args, files), list(files.values())
    if not ranked:
        return nothing(args)
    against, names = args.against or ranked[0].reference, [row.method for row in ranked]
    if args.against and against not in names:
        raise UnknownName("row", against, names)
    apart = told_apart(ranked, source.shown(records, args))
    found = amortised(ranked, args.questions, against, apart, tuning=args.tuning)
    if not found:
        return no_cost(args)
    if args.json:
        print_json(amortised_json(found))
    else:
        print_text(args, amortised_text(found, against))
    return FINE
