"""Published files as they were downloaded: where they lie, and how an item is made of a question.

A question with options ends in "\\nOptions:\\n" and a line for each, "(A) circle" or "- Yes".
"""

import hashlib
import json
import os
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple

from tasks.docs import Item, MissingDataError, WrongItemsError
from tasks.scoring import matches

DEV_SHARE = 20
"""One question in so many is held out of what is trained on, by its hash."""

_OPTIONS = "\nOptions:\n"


def data_folder(data_dir: str | Path | None) -> Path:
    """The folder of raw files: the one given, else $SKBENCH_DATA; FileNotFoundError if neither."""
    given = data_dir or os.environ.get("SKBENCH_DATA")
    if not given:
        raise MissingDataError(
            "published suites: no data folder given; pass --data-dir FOLDER or set SKBENCH_DATA"
        )
    folder = Path(given)
    if not folder.is_dir():
        raise MissingDataError(
            f"published suites: no folder {folder}; correct --data-dir or SKBENCH_DATA"
        )
    return folder


def listed(folder: Path, pattern: str, source: str) -> list[Path]:
    """The files below `folder` that match, sorted; FileNotFoundError naming `source` if none."""
    found = sorted(folder.glob(pattern))
    if not found:
        raise MissingDataError(
            f"{folder / pattern}: no such file; get {source} by `skbench data fetch`"
        )
    return found


def json_lines(folder: Path, name: str, source: str) -> list[Any]:
    """The rows of one file of JSON lines; FileNotFoundError naming `source` if it is missing."""
    (path,) = listed(folder, name, source)
    lines = path.read_bytes().removesuffix(b"\n").split(b"\n")
    return [_parsed(line, path) for line in lines]


def json_file(path: Path) -> Any:
    """What a published file of JSON holds; WrongItemsError if it is damaged."""
    return _parsed(path.read_bytes(), path)


def _parsed(content: bytes, path: Path) -> Any:
    try:
        return json.loads(content)
    except ValueError as error:
        raise WrongItemsError(
            f"{path}: damaged ({error}); `skbench data check` names all such files"
        ) from error


def with_options(question: str, options: Iterable[str]) -> str:
    """The question as an item asks it, above its options, each with its letter: "(A) circle"."""
    return question + _OPTIONS + "\n".join(options)


def item(name: str, task: str, question: str, target: str) -> Item:
    """The item `name` of sub-task `task`; its options are read from the question."""
    return {
        "id": name,
        "task": task,
        "question": question,
        "options": listed_in(question),
        "target": target,
    }


def listed_in(question: str) -> list[str]:
    """The options that stand below a question, [] where none do."""
    _, found, listing = question.rpartition(_OPTIONS)
    lines = listing.split("\n") if found else []
    return [re.sub(r"^- ", "", line).strip() for line in lines]


class Ranking(NamedTuple):
    """A question for a model that is not asked to write, but which option it finds likeliest."""

    stem: str
    """The question without the list of its options."""
    choices: list[str]
    """The options without their letters."""
    gold: int
    """Place of the right one."""


def without_letter(option: str) -> str:
    """The text of an option, "(A) .." or not."""
    return re.sub(r"^\([A-Za-z0-9]\)\s*", "", option)


def ranking(asked: Item) -> Ranking | None:
    """The question with its options apart.

    None where ranking says nothing: fewer than two options, one without a text, none that is right.
    """
    stem, listed_there, _ = asked["question"].rpartition(_OPTIONS)
    options = asked["options"]
    choices = [without_letter(option) for option in options]
    right = [i for i, option in enumerate(options) if matches(option, asked["target"], options)]
    if len(options) < 2 or not all(choices) or not right:
        return None
    return Ranking(stem if listed_there else asked["question"], choices, right[0])


def sha256(text: str) -> str:
    """What orders questions where a draw must not depend on anybody's random numbers."""
    return hashlib.sha256(text.encode()).hexdigest()


def by_hash(asked: Item) -> bool:
    """Whether a question is one of the share that is held out; equal questions go together."""
    return int(sha256(asked["question"]), 16) % DEV_SHARE == 0
