"""The command line `skbench`: one small function per verb, heavy imports inside."""

import argparse
import json
import sys
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.cli import cells, corpus, cost, data, init, merge, prompts, run, student, task, tune
from bench.ground.exits import FAILED, FINE, INCOMPLETE, USAGE
from leaderboard.cli import parser as board

if TYPE_CHECKING:
    from bench.reuse.rescore import Outcomes, Rescorer
    from leaderboard.store.generations import Generations
    from leaderboard.store.record import Record

MADE = (
    "runs",
    "corpora",
    "tokenizers",
    "records",
    "generations",
    "probes",
    "importance",
    "index",
    "indices",
    "critics",
    "rerankers",
    "loglikelihood",
    "reproduced",
    "trials",
    "slurm",
)
"""Folders of the home that `clean` deletes."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Parse, run a verb, and turn its errors into one line and an exit code."""
    args = _parser().parse_args(arguments)
    args.arguments = sys.argv[1:] if arguments is None else arguments
    try:
        return args.run(args)
    except KeyboardInterrupt:
        print("\ninterrupted: the same command goes on from here", file=sys.stderr)
        return 130
    except BrokenPipeError:
        return 141
    except _told() as error:
        message = error.args[0] if isinstance(error, LookupError) and error.args else error
        print(f"skbench: {_plain(str(message))}", file=sys.stderr)
        # Files that are not there, or not to be read or written, lack something of the machine.
        return INCOMPLETE if isinstance(error, OSError) else USAGE


def _told() -> tuple[type[Exception], ...]:
    """The errors that speak to the user; any other is a fault of ours and keeps its traceback."""
    from bench.corpora.rows import CorpusError
    from bench.track import ConfigError
    from leaderboard.store.board import UnknownName
    from leaderboard.store.reading import RecordError
    from tasks.docs import WrongItemsError

    found = [ConfigError, CorpusError, UnknownName, RecordError, WrongItemsError, OSError]
    # Errors of modules that load torch can only come from them once they are loaded.
    for module, name in (
        ("bench.training.train", "TrainingError"),
        ("bench.costs.flops", "FlopError"),
    ):
        if module in sys.modules:
            found.append(getattr(sys.modules[module], name))
    return tuple(found)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="skbench", description="Train and judge chain-of-thought distillation methods."
    )
    parser.add_argument("--version", action=_Version)
    verbs = parser.add_subparsers(required=True, metavar="VERB")
    _add_list(verbs)
    run.add_parser(verbs)
    cells.add_parser(verbs)
    merge.add_parser(verbs)
    tune.add_parser(verbs)
    _add_pretrain(verbs)
    for family in (corpus, cost, data, init, prompts, student, task):
        family.add_parser(verbs)
    board.add_parser(verbs, known_tracks=_track_names(), harness=_Harness())
    doctor = verbs.add_parser("doctor", help="what is installed, which device, what is missing")
    doctor.add_argument("--json", action="store_true")
    doctor.set_defaults(run=_doctor)
    docs = verbs.add_parser("docs", help="refresh the tables of methods and tasks in the READMEs")
    docs.add_argument("--check", action="store_true", help="only say which are stale; exit 1")
    docs.set_defaults(run=_docs)
    clean = verbs.add_parser("clean", help="delete runs, corpora and local records")
    clean.add_argument("--yes", action="store_true", help="do it; otherwise only say what")
    clean.set_defaults(run=_clean)
    return parser


@cache
def _rescorer() -> "Rescorer":
    from bench.ground.places import data_dir
    from bench.reuse.rescore import Rescorer

    return Rescorer(data_dir(None))


def _plain(text: str) -> str:
    """A message, which may quote a stranger, without what moves a cursor."""
    from leaderboard.stats.formats import escaped

    return "\n".join(escaped(line, "text") for line in text.split("\n"))


class _Version(argparse.Action):
    """What is installed, and the commit of the clone if it is one."""

    def __init__(self, option_strings: Sequence[str], dest: str) -> None:
        super().__init__(option_strings, dest, nargs=0, help="of the package, and the commit")

    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> None:
        from importlib.metadata import version

        from bench.ground import provenance

        commit, dirty = provenance.git_state()
        of = f" ({commit}{', changed' if dirty else ''})" if commit else ""
        print(f"skintern-bench {version('skintern-bench')}{of}")
        parser.exit()


class _Harness:
    """What the board asks."""

    def rescore(self, record: "Record", generations: "Generations") -> "Outcomes | str":
        return _rescorer()(record, generations)

    def traits(self, label: str, own: "Mapping[str, Any]") -> "Mapping[str, Any] | str | None":
        from bench import registry

        return registry.traits(label, own)

    def version(self, track: str) -> int | None:
        from bench.track import load

        return load(track).version if track in _track_names() else None

    def lengths(
        self, record: "Record", generations: "Generations"
    ) -> "Mapping[str, list[int]] | None":
        return _rescorer().lengths(record, generations)


def _track_names() -> list[str]:
    """The built-in tracks, without loading one."""
    return sorted(path.stem for path in (Path(__file__).parent / "tracks").glob("*.toml"))


def _add_list(verbs: Any) -> None:
    verb = verbs.add_parser("list", help="methods, tracks, tasks, corpora or sweeps")
    verb.add_argument("what", choices=("methods", "tracks", "tasks", "corpora", "sweeps"))
    verb.add_argument("--json", action="store_true")
    verb.set_defaults(run=_list)


def _add_pretrain(verbs: Any) -> None:
    verb = verbs.add_parser("pretrain", help="make the student that a suite embeds")
    verb.add_argument("suite", help="folder below tasks/, e.g. pocket")
    verb.add_argument("--student", default="student", metavar="NAME", help="tasks/SUITE/NAME.toml")
    verb.add_argument("--out", type=Path, help="default: tasks/SUITE/NAME")
    verb.add_argument("--probe", action="store_true", help="only judge the student that is there")
    verb.add_argument("--json", action="store_true")
    verb.set_defaults(run=_pretrain)


def _list(args: argparse.Namespace) -> int:
    from bench.cli import catalogue

    if args.json:
        print(json.dumps(catalogue.LISTS[args.what](), indent=1))
    else:
        from tabulate import tabulate

        entries = catalogue.TABLES[args.what]()
        shown = [{k: catalogue.cell(v) for k, v in entry.items()} for entry in entries]
        print(tabulate(shown, headers="keys", maxcolwidths=60))
    return FINE


def _pretrain(args: argparse.Namespace) -> int:
    from bench.students import embedded

    out = embedded.make(args.suite, args.student, args.out, only_probe=args.probe)
    print(json.dumps(out, indent=1) if args.json else embedded.describe(out))
    return FINE


def _doctor(args: argparse.Namespace) -> int:
    from bench.cli import doctor

    findings = doctor.examine()
    print(json.dumps(findings, indent=1) if args.json else doctor.describe(findings))
    return FINE if all(f["ok"] or not f["required"] for f in findings) else INCOMPLETE


def _docs(args: argparse.Namespace) -> int:
    from bench.cli import catalogue

    stale = catalogue.refresh(check=args.check)
    for path in stale:
        print(f"{path}: {'stale; run `skbench docs`' if args.check else 'refreshed'}")
    return FAILED if stale and args.check else FINE


def _clean(args: argparse.Namespace) -> int:
    import shutil

    from bench.ground.places import home

    folders = [home() / name for name in MADE]
    for folder in filter(Path.exists, folders):
        print(f"{'deleting' if args.yes else 'would delete'} {folder.resolve()}")
        if args.yes:
            shutil.rmtree(folder)
    if not args.yes:
        print("nothing deleted; add --yes to do it")
    return FINE


if __name__ == "__main__":
    sys.exit(main())
