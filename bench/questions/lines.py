"""Questions as lines of JSON: read, and told what is wrong with them."""

import re
import string
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from bench.corpora.check import Fault
from bench.corpora.rows import Text, fault, numbered
from tasks import raw
from tasks.docs import Item
from tasks.scoring import CONCLUSION, matches, process_results

_LETTERED = re.compile(r"\(([A-Za-z0-9])\)\s*\S")


class Asked(BaseModel):
    """What a line may hold; `target` is an option, its letter, or the answer as it is written."""

    model_config = ConfigDict(strict=True, extra="forbid")

    question: Text
    target: Text
    options: Annotated[list[Text], Field(min_length=2, max_length=26)] | None = None
    id: Text | None = None
    task: Text | None = None
    """Sub-task; by default all are one."""
    cluster: Text | None = None
    """What the question shares with others; all lines say it, or none."""
    facts: list[Text] | None = None
    """What must be known to answer: marks a passage as relevant. All lines say it, or none."""


def examine(path: Path, name: str) -> tuple[list[Item], list[Fault]]:
    """The items of a file whose data set is called `name`, and every fault of it."""
    found, faults = list[tuple[int, Item]](), list[Fault]()
    for number, row in numbered(path, lenient=True):
        what = row if isinstance(row, str) else fault(Asked, row)
        if isinstance(row, str) or what:
            faults.append(Fault(path, number, what))
            continue
        try:
            found.append((number, _item(row, name, number)))
        except ValueError as error:
            faults.append(Fault(path, number, str(error)))
    faults += [Fault(path, number, what) for number, what in wrong(found)]
    if not found and not faults:
        faults.append(Fault(path, 0, "no questions"))
    return [item for _, item in found], sorted(faults, key=lambda each: each.line)


def wrong(items: Sequence[tuple[int, Item]]) -> Iterator[tuple[int, str]]:
    """What is wrong with numbered items, each by itself and beside the others."""
    ids, asked = dict[str, int](), dict[str, int]()
    for number, item in items:
        for what, known in ((item["id"], ids), (item["question"], asked)):
            kind = "id" if known is ids else "question"
            if what in known:
                yield number, f"the {kind} of line {known[what]} once more: {_short(what)}"
            known.setdefault(what, number)
        if what := _unscored(item):
            yield number, what
        for column in ("cluster", "facts"):
            if (column in item) != (column in items[0][1]):
                yield number, f"{column}: all lines have it, or none; compare line {items[0][0]}"


def with_options(question: str, options: Sequence[str], target: str) -> tuple[str, list[str], str]:
    """Question, options and target as an item has them: the options listed below the question,
    with letters unless it lists them without; the target as the option is called.

    ValueError where that is not to be had.
    """
    listed = raw.listed_in(question)
    bare = [raw.without_letter(each) for each in listed]
    named = [each.strip() for each in (listed if listed and list(options) == bare else options)]
    letters = [m[1] if (m := _LETTERED.match(option)) else "" for option in named]
    if all(letters) and len(set(letters)) < len(letters):
        raise ValueError(f"options: two of them have one letter of ({')('.join(letters)})")
    if any(letters) and not all(letters):
        raise ValueError("options: all of them begin with a letter, '(A) ..', or none of them does")
    for i, option in enumerate(named):
        text = raw.without_letter(option)
        if twin := next((o for o in named[:i] if matches(raw.without_letter(o), text)), None):
            raise ValueError(f"options: {_short(twin)} and {_short(option)} are one answer")
    if not any(letters) and not listed:
        pairs = zip(string.ascii_uppercase, named, strict=False)
        named = [f"({letter}) {option}" for letter, option in pairs]
    right = [option for option in named if matches(option, target, named)]
    if len(right) != 1:
        which = "no option" if not right else "more than one option"
        raise ValueError(f"target: {which} is {_short(target)}; there are: {'; '.join(named)}")
    if listed and listed != named:
        raise ValueError("options: not those that the question lists below 'Options:'")
    shown = question if listed else raw.with_options(question.strip(), named)
    return shown, named, right[0][:3] if _LETTERED.match(right[0]) else right[0]


def _item(row: Mapping[str, Any], name: str, number: int) -> Item:
    question, target = row["question"], row["target"].strip()
    options = row.get("options") or raw.listed_in(question)
    if options:
        question, options, target = with_options(question, options, target)
    item: Item = {
        "id": row.get("id") or f"{name}/{number}",
        "task": row.get("task") or name,
        "question": question,
        "options": options,
        "target": target,
    }
    if row.get("facts") is not None:
        item["facts"] = row["facts"]
    if row.get("cluster") is not None:
        item["cluster"] = row["cluster"]
    return item


def _unscored(item: Item) -> str:
    """Why the gold answer would not be right, or none would be; "" where all is well."""
    gold = process_results(item, [f"{CONCLUSION} {item['target']}."])
    if gold["strict"] != 1:
        return (
            f"target: {_short(item['target'])} cannot be read back from '{CONCLUSION} ..': an"
            " answer is one line"
        )
    return "" if process_results(item, [""])["strict"] == 0 else "target: an empty answer is right"


def _short(text: str) -> str:
    return repr(text if len(text) <= 60 else f"{text[:57]}...")
