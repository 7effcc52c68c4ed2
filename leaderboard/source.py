"""Which records the arguments of a verb ask for: published or local, and in which scope."""

import os
from argparse import Namespace
from pathlib import Path
from typing import TYPE_CHECKING

from leaderboard import board
from leaderboard.board import load
from leaderboard.record import Record, Scope

if TYPE_CHECKING:
    from leaderboard.rank import Row


def rows_asked(args: Namespace) -> "list[Row]":
    """The rows; local ones with what is outside the bands of the published runs."""
    from leaderboard.rank import rows

    records, scope = records_asked(args), _scope(args)
    ranked = rows(records)
    # Another world or a limit is another training: its loss has no published band.
    if not ranked or root_asked(args) == board.PUBLISHED or scope.world or scope.limit:
        return ranked
    from leaderboard.bands import flagged, judge

    return flagged(ranked, judge(records, published(args)))


def records_asked(args: Namespace) -> list[Record]:
    """The records; raises UnknownName for a track that there is not."""
    return load(args.track, root_asked(args), _scope(args), args.known)


def published(args: Namespace) -> list[Record]:
    """The published records of the track, which may be none."""
    return load(args.track, board.PUBLISHED, known=[args.track])


def root_asked(args: Namespace) -> Path:
    """The root of the records: what is not public is only ever local."""
    return local() if args.local or not _scope(args).is_public else board.PUBLISHED


def local() -> Path:
    """The root of the records in $SKBENCH_HOME."""
    return Path(os.environ.get("SKBENCH_HOME") or ".bench") / "records" / "v1"


def _scope(args: Namespace) -> Scope:
    """The scope asked for; only `show` has the options."""
    if args.board_verb != "show":
        return Scope()
    split = args.split if args.sealed is None else "sealed"
    return Scope(args.world, split, args.sealed, args.limit)
