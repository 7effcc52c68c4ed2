"""`skbench board` as a function."""

from argparse import ArgumentParser
from collections.abc import Sequence

from leaderboard.cli.parser import add_parser
from leaderboard.verify.tree import Rescore


def run(*words: object, known: Sequence[str] = (), rescore: Rescore | None = None) -> int:
    """The exit code of `skbench board WORDS`; `known` are tracks that need no records."""
    parser = ArgumentParser()
    add_parser(parser.add_subparsers(), known, rescore=rescore)
    args = parser.parse_args(["board", *map(str, words)])
    return args.run(args)
