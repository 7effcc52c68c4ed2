"""The verb `init`: a folder with a study of one's own, which runs in a minute without a network."""

import json
import re
import sys
from argparse import Namespace
from importlib.resources import files
from pathlib import Path
from typing import Any

from bench.ground.exits import FINE

WORLD = 7
"""Of the embedded suite: its questions and its teacher, with other names and rules than ours."""
N_ROWS, N_QUESTIONS, N_DEV = 240, 200, 40
PLACES = {
    "track.toml": "track.toml",
    "method.py": "method.py",
    "README.md": "README.md",
    "gitignore": ".gitignore",
    "regress.yml": ".github/workflows/regress.yml",
}
"""Template -> where it goes."""


def add_parser(verbs: Any) -> None:
    """Add the verb."""
    verb = verbs.add_parser("init", help="a folder with a study of your own, ready to run")
    verb.add_argument("folder", type=Path, metavar="DIR")
    verb.set_defaults(run=init)


def init(args: Namespace) -> int:
    """Write the files, none of which may be there, and say what to do with them."""
    from bench.ground.files import write_atomically
    from bench.track import ConfigError, names
    from leaderboard.store.ranges import MOST_OF_NAME, NAME

    folder: Path = args.folder
    name = folder.resolve().name
    if name in names() or not re.fullmatch(NAME, name) or len(name) > MOST_OF_NAME:
        raise ConfigError(
            f"{folder}: the folder names the study's track, so it must be no built-in track, at"
            f" most {MOST_OF_NAME} characters, and match {NAME}: give another DIR"
        )
    made = _files(name)
    if there := [name for name in made if (folder / name).exists()]:
        raise ConfigError(f"{folder}: {', '.join(there)} is there already, and nothing was written")
    for name, text in made.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        write_atomically(folder / name, text.encode())
        print(folder / name, file=sys.stderr)
    print(f"cd {folder} && skbench run")
    return FINE


def _files(name: str) -> dict[str, str]:
    """Place -> content, for a study of that name."""
    from bench.corpora.corpus import builders
    from tasks.docs import stratified
    from tasks.pocket import suite

    built = builders()["pocket"].build("pocket", world=WORLD)
    asked = {split: _questions(suite, split) for split in ("test", "dev")}
    templates = files("bench.cli.study")
    told = {place: (templates / each).read_text() for each, place in PLACES.items()}
    return {place: text.replace("{name}", name) for place, text in told.items()} | {
        "corpus.jsonl": _lines(stratified(built.rows, N_ROWS)),
        "corpus.passages.jsonl": _lines(built.passages),
        "questions.jsonl": _lines(stratified(asked["test"], N_QUESTIONS)),
        "questions.dev.jsonl": _lines(stratified(asked["dev"], N_DEV)),
    }


def _questions(suite: Any, split: str) -> list[dict[str, Any]]:
    """Those of the families that are trained, as somebody would write them down."""
    rows = [
        row
        for name in suite.TRAINED
        for row in suite.rows(f"pocket_{name}", world=WORLD, split=split)
    ]
    keys = ("task", "question", "target", "facts")
    return [{key: row[key] for key in keys} for row in rows]


def _lines(rows: Any) -> str:
    return "".join(json.dumps(row) + "\n" for row in rows)
