"""The published suites, read from a folder of raw files: BBH and ARC-Easy.

One real question of each:

- navigate: "If you follow these instructions, do you return to the starting point? Turn left. ..
  Options: - Yes - No" -> "No"
- arc_easy: "Which piece of safety equipment is used to keep mold spores from entering the
  respiratory system? Options: (A) safety goggles (B) breathing mask .." -> "(B)"

The folder holds files of the repositories below, byte for byte: from BBH_SOURCE
`bbh/bbh/TASK.json`, `bbh/cot-prompts/TASK.txt` and `bbh_codex_cot/TASK_*.json` (there in
code-davinci-002-outputs/code-davinci-002-cot), from ARC_SOURCE `cascod/ARC-Easy-Test.json`.
"""

import hashlib
import json
import math
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypedDict, cast

from tasks import docs
from tasks.docs import Item, MissingDataError

if TYPE_CHECKING:
    from datasets import Dataset  # pyright: ignore[reportMissingTypeStubs]

BBH_SOURCE = "suzgunmirac/BIG-Bench-Hard@9ee07bd481feebf959a6b59d61ea57bdcf30964d"
ARC_SOURCE = "C-W-D/CasCoD@3468d154df1620e577ea03137ec50b7afb746feb"

_USUAL = {"world": (None, 0), "split": (None, "test"), "sealed": (None,)}


class RawExample(TypedDict):
    """A question and its gold answer as both sources have them."""

    input: str
    target: str


@dataclass(frozen=True, slots=True)
class Split:
    """BBH in two parts without a question in common."""

    train: list[Item]
    test: list[Item]


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
        raise MissingDataError(f"{folder / pattern}: no such file; lay out {source} there")
    return found


def bbh(folder: Path) -> Split:
    """BIG-Bench Hard: per task, sorted by sha256 of the question, the last fifth (ceil) is test.

    The hash is over the question as published. Equal questions sort together, and where the cut
    would part them they all go to test.
    """
    split = Split([], [])
    for path in listed(folder, "bbh/bbh/*.json", BBH_SOURCE):
        raw = cast("dict[str, list[RawExample]]", json.loads(path.read_bytes()))["examples"]
        order = sorted(range(len(raw)), key=lambda i, raw=raw: (_sha256(raw[i]["input"]), i))
        first_of_test = order[len(raw) - math.ceil(len(raw) / 5)]
        cut = _sha256(raw[first_of_test]["input"])
        items = {i: _item(f"bbh/{path.stem}/{i}", path.stem, raw[i]) for i in order}
        test = [i for i in order if _sha256(raw[i]["input"]) >= cut]
        split.test.extend(items[i] for i in test)
        split.train.extend(items[i] for i in sorted(set(order) - set(test)))
    return split


def arc_easy(folder: Path) -> list[Item]:
    """ARC-Easy test as CasCoD uses it; 97 questions have labels (1)..(4)."""
    (path,) = listed(folder, "cascod/ARC-Easy-Test.json", ARC_SOURCE)
    raw = cast("list[RawExample]", json.loads(path.read_bytes()))
    return [_item(f"arc_easy/{i}", "arc_easy", example) for i, example in enumerate(raw)]


def load_bbh(
    data_dir: str | None = None,
    items_sha256: str = "",
    **metadata: object,
) -> "dict[str, Dataset]":
    """`skb_bbh` for lm-eval, which passes the metadata as keywords; tasks take turns."""
    _refuse_other_items("skb_bbh", metadata)
    folder = data_folder(data_dir)
    rows = docs.stratified(bbh(folder).test)
    docs.check_pin("skb_bbh", rows, items_sha256, _remedy(folder, BBH_SOURCE))
    return {"test": docs.dataset(rows)}


def load_arc_easy(
    data_dir: str | None = None,
    items_sha256: str = "",
    **metadata: object,
) -> "dict[str, Dataset]":
    """`skb_arc_easy` for lm-eval, which passes the metadata as keywords."""
    _refuse_other_items("skb_arc_easy", metadata)
    folder = data_folder(data_dir)
    rows = docs.stratified(arc_easy(folder))
    docs.check_pin("skb_arc_easy", rows, items_sha256, _remedy(folder, ARC_SOURCE))
    return {"test": docs.dataset(rows)}


def _refuse_other_items(name: str, metadata: Mapping[str, object]) -> None:
    """Published tasks have one test split: no other world, no dev, nothing sealed."""
    asked = {key: metadata.get(key) for key in ("world", "split", "sealed")}
    if any(asked[key] not in usual for key, usual in _USUAL.items()):
        raise docs.WrongItemsError(
            f"{name}: only its published test items exist, asked for {asked};"
            " leave out --world, --split and --sealed"
        )


def _remedy(folder: Path, source: str) -> str:
    return f"Put the files of {source} into {folder}."


def _item(name: str, task: str, raw: RawExample) -> Item:
    question = raw["input"].removeprefix("Question: ")
    return {
        "id": name,
        "task": task,
        "question": question,
        "options": _options(question),
        "target": raw["target"],
    }


def _options(question: str) -> list[str]:
    """The lines under "Options:": "(A) circle" as it stands, "- Yes" without its dash."""
    _, found, listing = question.rpartition("\nOptions:\n")
    return [re.sub(r"^- ", "", line).strip() for line in listing.split("\n")] if found else []


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
