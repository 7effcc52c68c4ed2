"""How the verbs of `board` speak: text for people, JSON for programs, and what is missing."""

import json
import sys
from argparse import Namespace
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from pathlib import Path

from leaderboard.cli import source
from leaderboard.store import board
from leaderboard.store.record import Record

FINE, FAILED, USAGE, INCOMPLETE = 0, 1, 2, 3


def nothing(args: Namespace) -> int:
    """Say that the records asked for are not there."""
    where = source.local() if args.board_verb == "publish" else source.base_asked(args)
    print(
        f"no such records of {source.track_asked(args)} in {where};"
        f" run `skbench run {args.track}` first, and ask with the run's own --limit, --sealed,"
        " --world or --split",
        file=sys.stderr,
    )
    return INCOMPLETE


def no_cost(args: Namespace) -> int:
    """Say that no row has a cost."""
    print(
        f"{args.track}: no row whose student ran on every question, so none has a cost to compare",
        file=sys.stderr,
    )
    return INCOMPLETE


def no_board() -> int:
    """Say that there is nothing to make pages of."""
    print(
        f"no records in {board.PUBLISHED}; `skbench run TRACK`, then `skbench board publish"
        " TRACK`, or name a folder of suites by --records",
        file=sys.stderr,
    )
    return INCOMPLETE


def tell_tuned(labels: Sequence[str], records: Iterable[Record]) -> None:
    """Say which of the labels stand in the table under another, with settings of their own."""
    tuned = {str(own["of"]): record.label for record in records if (own := record.own)}
    for label in labels:
        if label in tuned:
            print(
                f"{label} is at the track's settings; in the table stands {tuned[label]}",
                file=sys.stderr,
            )


def print_text(args: Namespace, text: str) -> None:
    """Print for people, who are told first if the suite is an old one."""
    newer = source.superseded_by(args)
    if newer is not None:
        suite = source.root_asked(args).name
        print(f"{source.track_asked(args)} {suite} is superseded by {newer}\n")
    print(text)


def print_paths(paths: Sequence[Path]) -> None:
    """A line for each file."""
    for path in paths:
        print(path)


def print_json(body: object) -> None:
    """Print as JSON: plain data, or dataclasses as they are."""
    print(json.dumps(body, indent=1, default=asdict))
