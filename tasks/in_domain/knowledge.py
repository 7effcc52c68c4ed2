"""The knowledge bank: what to know about a *kind* of question, one entry per task.

`knowledge.json` beside this file holds {task: {"summary": .., "supplementary": ..}}: the learning
summary and the supplementary knowledge of SKIntern, never about one question.
"""

import json
import math
import re
from collections.abc import Iterator
from pathlib import Path
from typing import TypedDict, cast

from tasks.corpora import Passage
from tasks.docs import MissingDataError

BANK = Path(__file__).parent / "knowledge.json"
PASSAGE_WORDS = 128
"""SKIntern cuts passages to 128 words (appendix A.3), those of its runs of KARD as well."""


class Entry(TypedDict):
    """The two parts of a task's symbolic knowledge."""

    summary: str
    supplementary: str


def bank() -> dict[str, Entry]:
    """All entries by task; FileNotFoundError if the bank is not there."""
    if not BANK.is_file():
        raise MissingDataError(f"{BANK}: no such file; it is part of the project: get it back")
    return cast("dict[str, Entry]", json.loads(BANK.read_bytes()))


def entry(entries: dict[str, Entry], task: str) -> Entry:
    """The entry of a task; ValueError if it has none."""
    if task not in entries:
        raise ValueError(f"{BANK.name}: no entry for task '{task}'; add one")
    return entries[task]


def passages() -> Iterator[Passage]:
    """The bank to retrieve from: each part of each entry, cut where it is too long."""
    for task, parts in sorted(bank().items()):
        for part, text in (("summary", parts["summary"]), ("more", parts["supplementary"])):
            for i, piece in enumerate(cut(text)):
                yield {"id": f"bank/{task}/{part}/{i}", "text": piece}


def cut(text: str) -> list[str]:
    """Consecutive parts of about equal length, as few as PASSAGE_WORDS allows."""
    words = re.findall(r"\S+\s*", text)
    size = math.ceil(len(words) / math.ceil(len(words) / PASSAGE_WORDS))
    return ["".join(words[i : i + size]).strip() for i in range(0, len(words), size)]
