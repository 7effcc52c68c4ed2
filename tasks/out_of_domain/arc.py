"""ARC: science questions of school tests, easy and challenging, as CasCoD uses them.

One real question of the easy ones: "Which piece of safety equipment is used to keep mold spores
from entering the respiratory system? Options: (A) safety goggles (B) breathing mask .." -> "(B)"
"""

from pathlib import Path
from typing import cast

from tasks.docs import Item
from tasks.raw import item, json_file, listed

ARC_SOURCE = "C-W-D/CasCoD@3468d154df1620e577ea03137ec50b7afb746feb"


def arc_easy(folder: Path) -> list[Item]:
    """ARC-Easy test; 97 questions have labels (1)..(4)."""
    return _test(folder, "cascod/ARC-Easy-Test.json", "arc_easy")


def arc_challenge(folder: Path) -> list[Item]:
    """ARC-Challenge test; 22 questions have labels (1)..(4)."""
    return _test(folder, "cascod/ARC-Challenge-Test.json", "arc_challenge")


def _test(folder: Path, name: str, task: str) -> list[Item]:
    (path,) = listed(folder, name, ARC_SOURCE)
    rows = cast("list[dict[str, str]]", json_file(path))
    return [
        item(f"{task}/{i}", task, row["input"].removeprefix("Question: "), row["target"])
        for i, row in enumerate(rows)
    ]
