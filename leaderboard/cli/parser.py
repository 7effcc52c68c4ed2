"""The arguments of the verb `board`; what its verbs do stands in the files beside.

Building the parser loads the standard library alone.
"""

from argparse import (
    ArgumentParser,
    Namespace,
    _SubParsersAction,  # pyright: ignore[reportPrivateUsage]
)
from collections.abc import Callable, Sequence
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

from leaderboard.cli import numbers

if TYPE_CHECKING:
    from leaderboard.verify.tree import Harness

FORMATS = tuple(
    sorted(path.stem for path in (Path(__file__).parents[1] / "show/formats").glob("[!_]*.py"))
)
"""Each is a file; listed here, since importing one loads what it is written with."""
REPORTS = ("text", "json", "github", "markdown", "junit")


def add_parser(
    subparsers: "_SubParsersAction[ArgumentParser]",
    known_tracks: Sequence[str] = (),
    harness: "Harness | None" = None,
) -> None:
    """Add `board` and its verbs; each sets `run`, a function of the arguments to an exit code.

    `known_tracks` are names that are valid though they may have no records; `harness` scores again
    what a run wrote and knows its methods, and without it `verify` leaves rows as they are told.
    `run` raises UnknownName for a name that is not, RecordError for a bad record: usage errors,
    exit 2.
    """
    board = subparsers.add_parser("board", help="read, compare and publish results")
    board.set_defaults(known=tuple(known_tracks), harness=harness)
    verb = board.add_subparsers(dest="board_verb", metavar="VERB", required=True)
    _add_reading(verb)
    _add_judging(verb)
    _add_publishing(verb)
    _add_trust(verb)


def _module(name: str) -> ModuleType:
    """The file of this folder that a verb stands in, loaded when the verb runs."""
    return import_module(f"leaderboard.cli.{name}")


def _add_reading(board: "_SubParsersAction[ArgumentParser]") -> None:
    verb = board.add_parser("show", help="print the table of a track")
    _add_track(verb)
    verb.add_argument("--by-task", action="store_true", help="also accuracy per data set")
    verb.add_argument(
        "--signatures", action="store_true", help="also a line per number that names what made it"
    )
    _add_metric(verb)
    _add_scope(verb)
    _add_untuned(verb)
    _add_source(verb, lambda args: _module("verbs").show(args))

    verb = board.add_parser("compare", help="difference of two rows, or of one from many")
    verb.add_argument("a", metavar="A")
    verb.add_argument("b", metavar="B", nargs="*", help="default: all other rows of the table")
    verb.add_argument("--track", default="pocket", metavar="TRACK|FILE.toml")
    _add_suite(verb)
    _add_metric(verb)
    _add_scope(verb)
    _add_untuned(verb)
    _add_source(verb, lambda args: _module("verbs").compare(args))

    verb = board.add_parser("explain", help="what a cell of the table is made of")
    verb.add_argument("row", metavar="ROW")
    verb.add_argument("--track", default="pocket", metavar="TRACK|FILE.toml")
    _add_suite(verb)
    verb.add_argument(
        "--metric",
        dest="cell",
        default="id",
        metavar="id|ood|DATA_SET|COST",
        help="default: id; a cost as JSON and csv call it, such as relative_flops, ttft_s, train_s",
    )
    verb.add_argument("--seed", type=int, metavar="N", help="one run of the row")
    verb.add_argument(
        "--items",
        type=numbers.count,
        default=0,
        metavar="N",
        help="also the first N of each data set",
    )
    _add_scope(verb)
    _add_source(verb, lambda args: _module("explain").explain(args))

    verb = board.add_parser("power", help="how small a difference a track's runs can find")
    _add_track(verb)
    verb.add_argument(
        "--seeds",
        type=numbers.counts,
        default=[3, 5, 10],
        metavar="N,..",
        help="of each side of a pair",
    )
    verb.add_argument(
        "--gap",
        type=numbers.above_zero,
        default=5.0,
        metavar="POINTS",
        help="to find: how many?",
    )
    _add_untuned(verb)
    _add_source(verb, lambda args: _module("verbs").power(args))

    verb = board.add_parser("frontier", help="which rows are worth what a question costs")
    _add_track(verb)
    verb.add_argument("--cost", choices=("flops", "latency"), default="flops")
    _add_untuned(verb)
    _add_source(verb, lambda args: _module("costs").frontier(args))

    verb = board.add_parser("amortised", help="FLOPs with training, over so many questions")
    _add_track(verb)
    verb.add_argument(
        "--questions",
        type=numbers.amounts,
        default=[10**3, 10**6],
        metavar="N,..",
        help="such as 1e3,1e6",
    )
    verb.add_argument(
        "--against", metavar="LABEL", help="the row to break even with; default: the reference"
    )
    verb.add_argument(
        "--tuning", action="store_true", help="with a training for each learning rate tried"
    )
    _add_untuned(verb)
    _add_source(verb, lambda args: _module("costs").amortised(args))

    verb = board.add_parser("transfer", help="which gains in domain are gains out of domain")
    _add_track(verb)
    _add_metric(verb)
    _add_scope(verb)
    _add_untuned(verb)
    _add_source(verb, lambda args: _module("verbs").transfer(args))

    verb = board.add_parser("audit", help="what each row was given, beside the reference")
    _add_track(verb)
    _add_untuned(verb)
    _add_source(verb, lambda args: _module("verbs").audit(args))

    verb = board.add_parser("probes", help="accuracy with less knowledge in view, over training")
    _add_track(verb)
    _add_source(verb, lambda args: _module("verbs").probes(args))


def _add_judging(board: "_SubParsersAction[ArgumentParser]") -> None:
    _add_regress(board)

    verb = board.add_parser("bands", help="exit 1 where a training loss leaves the published band")
    _add_track(verb)
    _add_source(verb, lambda args: _module("verbs").bands(args))


def _add_regress(board: "_SubParsersAction[ArgumentParser]") -> None:
    verb = board.add_parser("regress", help="exit 1 where records are worse than a base")
    verb.add_argument("--base", required=True, metavar="REF", help="git ref, or folder of records")
    verb.add_argument("--track", metavar="TRACK|FILE.toml", help="default: all tracks")
    verb.add_argument(
        "--common", action="store_true", help="only the labels and seeds that the new records have"
    )
    verb.add_argument(
        "--confirm",
        type=numbers.seeds,
        default=[],
        metavar="SEED,..",
        help="local runs that ask again",
    )
    verb.add_argument(
        "--candidate", metavar="METHOD@NAME", help="a checkpoint that `skbench evaluate` judged"
    )
    verb.add_argument("--against", metavar="LABEL", help="its row; default: the method's own")
    verb.add_argument(
        "--latency-ratio", type=numbers.ratio, metavar="R", help="tolerated of new / base"
    )
    verb.add_argument("--format", choices=REPORTS, default="text")
    verb.add_argument("--output", type=Path, metavar="FILE", help="the text is printed as well")
    _add_scope(verb)
    _add_source(verb, lambda args: _module("gate").regress(args))


def _add_publishing(board: "_SubParsersAction[ArgumentParser]") -> None:
    verb = board.add_parser("map", help="a sweep: treatment - control per point")
    verb.add_argument("sweep", metavar="SWEEP")
    _add_suite(verb)
    verb.add_argument("--publish", action="store_true", help="store that of local runs")
    _add_source(verb, lambda args: _module("verbs").regime_map(args))

    verb = board.add_parser("study", help="a question with its rule, and what runs say of it")
    verb.add_argument("study", metavar="NAME")
    _add_suite(verb)
    verb.add_argument("--publish", action="store_true", help="add local runs to the repository")
    _add_source(verb, lambda args: _module("verbs").study(args))

    verb = board.add_parser("export", help="write the table of a track in another format")
    _add_track(verb)
    verb.add_argument("--format", choices=FORMATS, required=True)
    verb.add_argument(
        "--output", type=Path, metavar="PATH", help="a file, or a folder; default: standard output"
    )
    verb.add_argument(
        "--hub-dataset", metavar="OWNER/NAME", help="what hf files call the questions on the Hub"
    )
    _add_untuned(verb)
    verb.add_argument("--local", action="store_true", help="read $SKBENCH_HOME")
    _runs(verb, lambda args: _module("exports").export(args))

    verb = board.add_parser("figures", help="accuracy against cost, as SVG and PNG")
    _add_track(verb)
    verb.add_argument("--out", type=Path, required=True, metavar="DIR")
    verb.add_argument(
        "--methods", default="", metavar="A,B", help="rows to name beside the front's"
    )
    _add_untuned(verb)
    verb.add_argument("--local", action="store_true", help="read $SKBENCH_HOME")
    _runs(verb, lambda args: _module("exports").figures(args))

    verb = board.add_parser("publish", help="copy local records of a track into the repository")
    verb.add_argument("track", metavar="TRACK|FILE.toml")
    _runs(verb, lambda args: _module("verbs").publish(args))

    verb = board.add_parser("render", help="bring LEADERBOARD.md and README.md up to date")
    verb.add_argument("--check", action="store_true", help="only exit 1 where one is stale")
    _runs(verb, lambda args: _module("verbs").render(args))

    verb = board.add_parser("page", help="the whole board as one file to publish, index.html")
    verb.add_argument("--out", type=Path, required=True, metavar="DIR", help="where to write it")
    verb.add_argument("--check", action="store_true", help="only exit 1 where it is stale")
    _runs(verb, lambda args: _module("page").page(args))


def _schema(args: Namespace) -> int:
    """Of no board, so without --records."""
    return _module("trust").schema(args)


def _add_trust(board: "_SubParsersAction[ArgumentParser]") -> None:
    verb = board.add_parser("verify", help="exit 1 where what is published cannot be trusted")
    verb.add_argument("--base", metavar="REF", help="git ref, or folder of records, to go on from")
    _add_checked(verb)
    _runs(verb, lambda args: _module("trust").verify(args))

    verb = board.add_parser("rescore", help="score kept answers again; exit 1 where one differs")
    verb.set_defaults(base=None)
    _add_checked(verb)
    _runs(verb, lambda args: _module("trust").rescore(args))

    verb = board.add_parser("submit", help="check somebody's runs and file them")
    verb.add_argument("run_path", type=Path, metavar="RUN", help="a record, or a folder of them")
    _runs(verb, lambda args: _module("trust").submit(args))

    verb = board.add_parser("remove", help="delete a published record; the ledger keeps the reason")
    verb.add_argument("path", type=Path, metavar="PATH", help="vN/TRACK/LABEL/seedN.json")
    verb.add_argument("--reason", required=True, metavar="TEXT")
    _runs(verb, lambda args: _module("trust").remove(args))

    verb = board.add_parser("schema", help="print the JSON Schema of a stored file")
    verb.add_argument("kind", nargs="?", default="record", metavar="KIND", help="default: record")
    verb.set_defaults(run=_schema)


def _add_checked(verb: ArgumentParser) -> None:
    verb.add_argument("track", nargs="?", metavar="TRACK|FILE.toml", help="default: all tracks")
    verb.add_argument("--json", action="store_true", help="print JSON")


def _add_track(verb: ArgumentParser) -> None:
    verb.add_argument(
        "track",
        nargs="?",
        default="pocket",
        metavar="TRACK|FILE.toml",
        help="default: pocket; a file names a track of your own, whose records are local",
    )
    _add_suite(verb)


def _add_metric(verb: ArgumentParser) -> None:
    verb.add_argument(
        "--metric", metavar="NAME", help="a grade in the place of accuracy, such as bleu_2"
    )


def _add_scope(verb: ArgumentParser) -> None:
    split = verb.add_mutually_exclusive_group()
    split.add_argument("--sealed", type=int, metavar="SEED", help="local runs on sealed items")
    split.add_argument("--split", choices=("test", "dev"), default="test", help="dev: local runs")
    verb.add_argument("--world", type=int, default=0, metavar="K", help="local runs in world K")
    verb.add_argument("--limit", type=numbers.count, metavar="N", help="local runs with --limit N")


def _add_untuned(verb: ArgumentParser) -> None:
    verb.add_argument(
        "--untuned", action="store_true", help="rows at the track's settings, also where tuned"
    )


def _add_suite(verb: ArgumentParser) -> None:
    verb.add_argument("--suite", metavar="vN", help="an older version; default: the newest")


def _add_source(verb: ArgumentParser, run: Callable[[Namespace], int]) -> None:
    verb.add_argument("--json", action="store_true", help="print JSON")
    verb.add_argument(
        "--local", action="store_true", help="read $SKBENCH_HOME instead of what is published"
    )
    _runs(verb, run)


def _runs(verb: ArgumentParser, run: Callable[[Namespace], int]) -> None:
    """What the verb does, on the board that is asked for."""
    verb.add_argument(
        "--records",
        type=Path,
        metavar="DIR",
        help="a board of your own, such as leaderboard/records; default: $SKBENCH_RECORDS, or ours",
    )

    def on_board(args: Namespace) -> int:
        from leaderboard.store import board

        before = board.PUBLISHED, board.IS_OWN
        if args.records is not None:
            board.PUBLISHED, board.IS_OWN = args.records.resolve(), True
        try:
            return run(args)
        finally:
            board.PUBLISHED, board.IS_OWN = before

    verb.set_defaults(run=on_board)
