"""The verb `board page`: the board as a file that a group would publish."""

import sys
from argparse import Namespace
from pathlib import Path

from leaderboard.cli.printing import FAILED, FINE, no_board
from leaderboard.store import board


def page(args: Namespace) -> int:
    """Write the page; with --check only 1 where it is stale. 3 where there are no records."""
    from leaderboard.show.page.render import page
    from leaderboard.show.rendering import is_stale
    from leaderboard.store.files import replace_text

    if not board.tracks(board.PUBLISHED):
        return no_board()
    path: Path = args.out / "index.html"
    text = page(board.PUBLISHED)
    if not is_stale(path, text):
        return FINE
    if args.check:
        where = f"{path}: {'stale' if path.exists() else 'not there'}"
        print(f"{where}; run `skbench board page --out {args.out}`", file=sys.stderr)
        return FAILED
    replace_text(path, text)
    print(path)
    return FINE
