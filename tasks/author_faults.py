"""Where the author's extractor breaks the law that gold scores 1 and an empty answer 0.

`python -m tasks.author_faults [FOLDER]` reads every item of every published task and writes
author_faults.json beside this file, each exception counted per sub-task and named.
"""

import json
import sys
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path
from typing import TypedDict

from tasks.docs import Item
from tasks.published import TEST_SETS, data_folder
from tasks.scoring import CONCLUSION, author, author_matches

TABLE = Path(__file__).with_suffix(".json")


class Broken(TypedDict):
    """How many items of a sub-task break the law in one way, of how many, and which."""

    n: int
    of: int
    items: list[str]


Faults = dict[str, dict[str, Broken]]
"""Way of breaking the law -> sub-task -> its exceptions."""


def faults(rows: Iterable[Item]) -> Faults:
    """The exceptions among these items: "gold scores 0" and "empty scores 1"."""
    by_task: defaultdict[str, list[Item]] = defaultdict(list)
    for row in rows:
        by_task[row["task"]].append(row)
    found: Faults = {}
    for task, members in sorted(by_task.items()):
        for way, broken in (("gold scores 0", _gold_fails), ("empty scores 1", _empty_passes)):
            names = [row["id"] for row in members if broken(row)]
            if names:
                found.setdefault(way, {})[task] = {
                    "n": len(names),
                    "of": len(members),
                    "items": names,
                }
    return found


def table(folder: Path) -> dict[str, Faults]:
    """lm-eval task -> its exceptions, {} where the law holds."""
    return {name: faults(read(folder)) for name, read in TEST_SETS.items()}


def text(content: dict[str, Faults]) -> str:
    """What stands in TABLE."""
    return json.dumps(content, indent=1, sort_keys=True) + "\n"


def _gold_fails(row: Item) -> bool:
    return not _right(row, f" {CONCLUSION} {row['target']}.")


def _empty_passes(row: Item) -> bool:
    return _right(row, "")


def _right(row: Item, solution: str) -> bool:
    return author_matches(author(solution, row["task"]), row["target"], row["task"])


if __name__ == "__main__":
    TABLE.write_text(text(table(data_folder(sys.argv[1] if sys.argv[1:] else None))))
