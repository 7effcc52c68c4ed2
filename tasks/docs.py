"""The rows of every suite: their shape, their pin, and the order in which they are served."""

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from itertools import chain, zip_longest
from typing import TYPE_CHECKING, NotRequired, TypedDict, TypeVar

if TYPE_CHECKING:
    from datasets import Dataset  # pyright: ignore[reportMissingTypeStubs]

Row = TypeVar("Row", bound=Mapping[str, object])


class MissingDataError(FileNotFoundError):
    """Published data that is not where it should be; the message says how to get it."""


class WrongItemsError(ValueError):
    """Items that are not the pinned ones."""


class Item(TypedDict):
    """A question as a task asks it.

    `options` keep their letters, "(A) circle", where they have any; [] where the answer is free.
    `target` is the gold answer in the form of the answer to give: "(A)", "Yes", "24".
    """

    id: str
    task: str
    question: str
    options: list[str]
    target: str
    facts: NotRequired[list[str]]
    """What must be known to answer, where the suite can say: marks a passage as relevant."""
    cluster: NotRequired[str]
    """What the item shares with others, a passage or a seed question; all rows say it or none."""
    phrase: NotRequired[str]
    """How the answer goes on from the question, where that is the head of a triple."""
    tails: NotRequired[list[str]]
    """All answers that are right, of a question that asks for the tail of a triple."""
    drafts: NotRequired[list[str]]
    """What a teacher of the suite answers, in the order of writing."""
    candidates: NotRequired[list[str]]
    """Answers to rank, of which the target alone is right."""


def canonical(rows: Iterable[Mapping[str, object]]) -> bytes:
    """Rows as JSON lines with sorted keys, in ASCII: the bytes that pins are the sha256 of."""
    lines = (json.dumps(row, sort_keys=True, separators=(",", ":")) for row in rows)
    return "".join(f"{line}\n" for line in lines).encode()


def items_sha256(rows: Iterable[Mapping[str, object]]) -> str:
    """The pin of a split: sha256 of all its rows in the order in which they are served."""
    return hashlib.sha256(canonical(rows)).hexdigest()


def check_pin(name: str, rows: Sequence[Mapping[str, object]], pin: str, remedy: str) -> None:
    """Raise ValueError, saying `remedy`, unless the rows are those that were pinned."""
    found = items_sha256(rows)
    if found != pin:
        raise WrongItemsError(
            f"{name}: the {len(rows)} items read are not the pinned ones: "
            f"expected items_sha256 {pin}, got {found}. {remedy}"
        )


def stratified(rows: Sequence[Row], n: int | None = None) -> list[Row]:
    """The first `n` rows (all if None) when tasks take turns, each in order of appearance.

    A shorter draw is the beginning of a longer one. A suite served in this order is therefore
    spread over its tasks under lm-eval's own limit as well.
    """
    by_task: dict[object, list[Row]] = {}
    for row in rows:
        by_task.setdefault(row["task"], []).append(row)
    rounds = chain.from_iterable(zip_longest(*by_task.values()))
    return [row for row in rounds if row is not None][:n]


def dataset(rows: Sequence[Item]) -> "Dataset":
    """Rows as lm-eval takes them, with the same columns when no row has options."""
    from datasets import (  # pyright: ignore[reportMissingTypeStubs]
        Dataset,
        Features,
        List,
        Value,
    )

    text = Value("string")
    columns = {"id": text, "task": text, "question": text, "options": List(text), "target": text}
    lists = ("facts", "tails", "drafts", "candidates")
    columns |= {name: List(text) for name in lists if rows and name in rows[0]}
    columns |= {name: text for name in ("cluster", "phrase") if rows and name in rows[0]}
    return Dataset.from_list(  # pyright: ignore[reportUnknownMemberType]
        [dict(row) for row in rows], features=Features(columns)
    )
