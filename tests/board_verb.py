"""`skbench board` as a function."""

from argparse import ArgumentParser
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from leaderboard.cli.parser import add_parser
from leaderboard.store.generations import Generations
from leaderboard.store.record import Record
from leaderboard.verify.tree import Scored

Rescore = Callable[[Record, Generations], Scored | str]


@dataclass(frozen=True)
class Given:
    """A harness that scores as it is told, and knows no method."""

    rescored: Rescore

    def rescore(self, record: Record, generations: Generations) -> Scored | str:
        return self.rescored(record, generations)

    def lengths(self, record: Record, generations: Generations) -> None:
        return None

    def version(self, track: str) -> None:
        return None

    def traits(self, label: str, own: Mapping[str, object]) -> None:
        return None


def run(*words: object, known: Sequence[str] = (), rescore: Rescore | None = None) -> int:
    """The exit code of `skbench board WORDS`; `known` are tracks that need no records."""
    parser = ArgumentParser()
    add_parser(parser.add_subparsers(), known, rescore and Given(rescore))
    args = parser.parse_args(["board", *map(str, words)])
    return args.run(args)
