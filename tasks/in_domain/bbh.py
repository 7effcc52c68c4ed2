"""BIG-Bench Hard: 27 tasks, four fifths for training and one for the test.

One real question, of navigate: "If you follow these instructions, do you return to the starting
point? Turn left. .. Options: - Yes - No" -> "No". The split is a reconstruction: the paper's own is
not public.
"""

import math
from dataclasses import dataclass
from pathlib import Path
from typing import TypedDict, cast

from tasks.docs import Item
from tasks.raw import item, json_file, listed, sha256

BBH_SOURCE = "suzgunmirac/BIG-Bench-Hard@9ee07bd481feebf959a6b59d61ea57bdcf30964d"


class RawExample(TypedDict):
    """A question and its gold answer as the source has them."""

    input: str
    target: str


@dataclass(frozen=True, slots=True)
class Split:
    """BBH in two parts without a question in common."""

    train: list[Item]
    test: list[Item]


def bbh(folder: Path) -> Split:
    """BIG-Bench Hard: per task, sorted by sha256 of the question, the last fifth (ceil) is test.

    The hash is over the question as published. Equal questions sort together, and where the cut
    would part them they all go to test.
    """
    split = Split([], [])
    for path in listed(folder, "bbh/bbh/*.json", BBH_SOURCE):
        raw = cast("dict[str, list[RawExample]]", json_file(path))["examples"]
        order = sorted(range(len(raw)), key=lambda i, raw=raw: (sha256(raw[i]["input"]), i))
        first_of_test = order[len(raw) - math.ceil(len(raw) / 5)]
        cut = sha256(raw[first_of_test]["input"])
        items = {i: _item(f"bbh/{path.stem}/{i}", path.stem, raw[i]) for i in order}
        test = [i for i in order if sha256(raw[i]["input"]) >= cut]
        split.test.extend(items[i] for i in test)
        split.train.extend(items[i] for i in sorted(set(order) - set(test)))
    return split


def bbh_test(folder: Path) -> list[Item]:
    """The part that is asked."""
    return bbh(folder).test


def bbh_train(folder: Path) -> list[Item]:
    """The part that is trained on."""
    return bbh(folder).train


def _item(name: str, task: str, raw: RawExample) -> Item:
    return item(name, task, raw["input"].removeprefix("Question: "), raw["target"])
