"""CommonsenseQA: everyday questions with five choices, 1,221 of them with what is known of them.

One real question: "A revolving door is convenient for two direction travel, but it also serves as a
security measure at a what? Options: (A) bank (B) library (C) department store .." -> "(A)"; one of
its facts: "The revolving door is located at a public place."

The 1,221 are CommonsenseQA's validation part, for which the author of SKIntern published facts of
ConceptNet and definitions of WordNet. The other 9,741 are its train part.
"""

import math
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple, TypedDict, cast

from tasks.docs import Item
from tasks.raw import by_hash, item, json_file, json_lines, listed, sha256, with_options

PALM_SOURCE = "cnalty/distilling-step-by-step-rag@ff1c1a9e2a9c73e9b5950ad8cd2511a152db7608"
LLMR_SOURCE = "Xnhyacinth/LLMR@877f679fcc92a39c9891c24f3c1e9ecf09a348a8"
FILES = {"train": "train", "validation": "test"}
"""Part of CommonsenseQA -> what its files are called in `distilling_step_by_step/cqa/`."""
TEST_SHARE, DEV_SHARE = 0.3, 0.05
N_TEST, N_DEV = 1000, 300


class RawChoice(TypedDict):
    """A CommonsenseQA question; the answer is the text of one of the choices."""

    id: str
    question: str
    choices: list[str]
    answer: str


class RawKnowledge(TypedDict):
    """What one of the two sources says about a question, often nothing."""

    id: str
    knowledge: list[str]


class Known(NamedTuple):
    """What is known of a question: facts of ConceptNet and definitions of WordNet."""

    facts: list[str]
    definitions: list[str]

    @property
    def texts(self) -> list[str]:
        """The facts and the definitions as texts, less what there is none of."""
        return [" ".join(lines) for lines in self if lines]


class Asked(NamedTuple):
    """A question; where its gold choice stands there twice no answer is right."""

    item: Item
    one_gold: bool


@dataclass(frozen=True, slots=True)
class Split:
    """Three parts without a question in common; what is trained on is of the validation part."""

    train: list[Item]
    dev: list[Item]
    test: list[Item]


def questions(folder: Path, part: str) -> list[Asked]:
    """The questions of a part, in the order of its file."""
    name = f"distilling_step_by_step/cqa/cqa_{FILES[part]}.json"
    rows = cast("list[RawChoice]", json_lines(folder, name, PALM_SOURCE))
    return [_asked(raw, part) for raw in rows]


def _asked(raw: RawChoice, part: str) -> Asked:
    options = [f"({letter}) {c}" for letter, c in zip("ABCDE", raw["choices"], strict=True)]
    target = f"({'ABCDE'[raw['choices'].index(raw['answer'])]})"
    question = with_options(raw["question"].strip(), options)
    found = item(f"csqa/{part}/{raw['id']}", "csqa", question, target)
    return Asked(found, raw["choices"].count(raw["answer"]) == 1)


def known(folder: Path) -> dict[str, Known]:
    """Question id -> its knowledge, for the questions of the validation part that have any."""
    facts, definitions = (_knowledge(folder, kind) for kind in ("cn", "wn"))
    both = {name: Known(facts[name], definitions[name]) for name in facts}
    return {name: each for name, each in both.items() if any(each)}


def _knowledge(folder: Path, kind: str) -> dict[str, list[str]]:
    (path,) = listed(folder, f"skintern_llmr/csqa_{kind}_filtered_rank2.json", LLMR_SOURCE)
    rows = cast("list[RawKnowledge]", json_file(path))
    return {f"csqa/validation/{row['id']}": row["knowledge"] for row in rows}


def split_csqa(folder: Path) -> Split:
    """In the order of the sha256 of the question, the last are test and those before them dev.

    Of the validation part 30 % are test and 5 % dev, whatever is known of them or was written for
    them; the train part fills both up to 1,000 and 300. There `recon-v1` asks the first ones, and
    those that it holds out are left alone. Where the gold choice stands twice nothing is asked.
    """
    facts = {name: [*each.facts, *each.definitions] for name, each in known(folder).items()}
    own = _by_hash(questions(folder, "validation"))
    at_test = len(own) - math.ceil(len(own) * TEST_SHARE)
    at_dev = at_test - math.ceil(len(own) * DEV_SHARE)
    train, dev, test = map(_fair, (own[:at_dev], own[at_dev:at_test], own[at_test:]))
    last = [i for i in _fair(_by_hash(questions(folder, "train"))) if not by_hash(i)]
    for part, n in ((test, N_TEST), (dev, N_DEV)):
        part.extend(last.pop() for _ in range(n - len(part)))
    for i in (*train, *dev, *test):
        i["facts"] = facts.get(i["id"], [])
    return Split(train, *(sorted(part, key=_hash) for part in (dev, test)))


def csqa_test(folder: Path) -> list[Item]:
    """The questions that are asked."""
    return split_csqa(folder).test


def csqa_dev(folder: Path) -> list[Item]:
    """Those for choices that must not see the test."""
    return split_csqa(folder).dev


def _by_hash(found: list[Asked]) -> list[Asked]:
    return sorted(found, key=lambda each: _hash(each.item))


def _hash(asked: Item) -> str:
    return sha256(asked["question"])


def _fair(found: list[Asked]) -> list[Item]:
    return [each.item for each in found if each.one_gold]
