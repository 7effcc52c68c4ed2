"""AGIEval: the eight English multiple-choice sets of admission and qualification tests.

One real question, of sat-math: "If $\\frac{x-1}{3}=k$ and $k=3$, what is the value of $x ?$
Options: (A) 2 (B) 4 (C) 9 (D) 10" -> "(D)"
"""

import re
from pathlib import Path
from typing import Any

from tasks.docs import Item
from tasks.raw import item, json_lines, sha256, with_options

AGIEVAL_SOURCE = "ruixiangcui/AGIEval@5c77d073fda993f1652eaae3cf5d04cc5fd21d40"
SETS = (
    *("aqua-rat", "logiqa-en", "lsat-ar", "lsat-lr", "lsat-rc"),
    *("sat-en", "sat-en-without-passage", "sat-math"),
)

_PRINTED = re.compile(r"\(([A-E])\)(.*)", re.DOTALL)


def agieval(folder: Path) -> list[Item]:
    """All sets, each in its order; a passage stands above its question, and is its cluster.

    sat-en-without-passage asks the questions of sat-en: they are in the clusters of its passages.
    """
    rows = [
        (f"agieval/{name}/{i}", name, row)
        for name in SETS
        for i, row in enumerate(json_lines(folder, f"agieval/{name}.jsonl", AGIEVAL_SOURCE))
    ]
    passages = {_asked(row): row["passage"] for _, _, row in rows if row["passage"]}
    return [
        _item(name, task, row, row["passage"] or passages.get(_asked(row)))
        for name, task, row in rows
    ]


def _asked(raw: Any) -> tuple[str, ...]:
    return (raw["question"], *raw["options"])


def _item(name: str, task: str, raw: Any, source: str | None) -> Item:
    passage, question = raw["passage"], raw["question"]
    options = [_labelled(option, "ABCDE"[i]) for i, option in enumerate(raw["options"])]
    asked = with_options(f"{passage}\n{question}" if passage else question, options)
    cluster = f"agieval/passage/{sha256(source)[:16]}" if source else name
    return {**item(name, task, asked, f"({raw['label']})"), "cluster": cluster}


def _labelled(option: str, letter: str) -> str:
    """ "(A)five" -> "(A) five"; `letter` is for an option whose label is damaged.

    Nine questions of logiqa-en have such options: "A five", "A? five", or no label at all. In 19
    the labels stand as A, C, B, D; the gold answer goes by the printed label, and so does the item.
    """
    if printed := _PRINTED.fullmatch(option):
        return f"({printed[1]}) {printed[2].strip()}"
    return f"({letter}) " + re.sub(rf"^{letter}[ ?]+", "", option).strip()
