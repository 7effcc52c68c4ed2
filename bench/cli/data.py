"""The verb `data`: fetch the published data, or check a folder of it.

Heavy imports stand inside the functions: building the parser loads the standard library alone.
"""

import argparse
import json
import sys
from argparse import Namespace
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.ground.exits import FINE, INCOMPLETE

if TYPE_CHECKING:
    from bench.cli.sources import Source, State


def add_parser(verbs: Any) -> None:
    """Add `data` and its verbs; each sets `run`, a function of the arguments to an exit code."""
    data = verbs.add_parser("data", help="get the published data, or check a folder of it")
    verbs = data.add_subparsers(required=True, metavar="VERB")
    default = "default: $SKBENCH_DATA, else .bench/data"
    only = "files that begin so, such as bbh/,gsm8k/; default: all"
    verb = verbs.add_parser("fetch", help="download what is missing; exit 3 if not all was had")
    verb.add_argument("--out", type=Path, metavar="FOLDER", help=default)
    verb.add_argument("--only", metavar="PREFIX,..", help=only)
    verb.add_argument("--base-url", type=_http, metavar="URL", help="a mirror of raw GitHub files")
    verb.set_defaults(run=fetch)
    verb = verbs.add_parser("check", help="name what is missing or changed; exit 3 if anything is")
    verb.add_argument("folder", nargs="?", type=Path, metavar="FOLDER", help=default)
    verb.add_argument("--only", metavar="PREFIX,..", help=only)
    verb.add_argument("--json", action="store_true")
    verb.set_defaults(run=check)


def _http(text: str) -> str:
    if not text.startswith(("http://", "https://")):
        raise argparse.ArgumentTypeError(f"expected http://.. or https://.., got '{text}'")
    return text


def fetch(args: Namespace) -> int:
    """Download what the folder lacks, and say what could not be had."""
    from bench.cli import sources as data
    from bench.cli.fetch import GITHUB, FetchError, fetch
    from bench.ground.places import data_dir

    table, folder = data.sources(args.only), data.folder(args.out)
    try:
        done = fetch(folder, table, args.base_url or GITHUB)
    except FetchError as error:
        print(f"skbench: {error}; the same command goes on from here", file=sys.stderr)
        return INCOMPLETE
    for failure in done.failures:
        print(f"{failure.file}: {failure.why}", file=sys.stderr)
    n_right = len(table) - len(done.failures)
    print(f"{folder}: {n_right} of {len(table)} files are right, {done.n_fetched} of them new")
    if done.failures:
        print(f"not had: {len(done.failures)}; the same command asks for them again")
        return INCOMPLETE
    if data_dir(None) != folder:
        print(f"to use them: export SKBENCH_DATA={folder.resolve()}")
    return FINE


def check(args: Namespace) -> int:
    """Say of every file whether the folder has it as it was published."""
    from bench.cli import sources as data

    folder = data.folder(args.folder)
    table = data.sources(args.only)
    states: dict[Source, State] = {source: source.state(folder) for source in table}
    wrong = [source for source, state in states.items() if state != "right"]
    if args.json:
        print(json.dumps(_as_json(folder, states), indent=1))
        return INCOMPLETE if wrong else FINE
    for source in wrong:
        print(f"{states[source]}: {source.file}")
    print(f"{folder}: {len(states) - len(wrong)} of {len(states)} files are right")
    if wrong:
        print(f"to get the others: skbench data fetch --out {folder}")
    return INCOMPLETE if wrong else FINE


def _as_json(folder: Path, states: "Mapping[Source, State]") -> dict[str, str | list[str]]:
    named: dict[str, str | list[str]] = {"folder": str(folder)}
    for state in ("right", "missing", "changed"):
        named[state] = [source.file for source, found in states.items() if found == state]
    return named
