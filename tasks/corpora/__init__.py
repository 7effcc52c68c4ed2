"""Teacher corpora: what a teacher wrote, and the manifest that pins it.

A generator is a module `tasks/SUITE/teacher.py`, found by listing, with `CORPORA: tuple[str, ...]`
and `build(name, *, world, data_dir) -> TeacherCorpus`. Manifests stand here as NAME.json.
"""

import re
from dataclasses import dataclass, field
from typing import Literal, NotRequired, TypeAlias, TypedDict

from tasks.docs import Item, canonical, items_sha256

__all__ = [
    "Answered",
    "CorpusRow",
    "LabelledTriple",
    "Manifest",
    "Passage",
    "Source",
    "TeacherCorpus",
    "canonical",
    "manifest",
    "n_tokens",
]

Source: TypeAlias = Literal["human", "machine"]
"""Who wrote a row, in a corpus of both."""
Grain: TypeAlias = Literal["per task", "per question"]
"""What one text of symbolic knowledge was written for."""

_TOKENS = re.compile(r"[A-Za-z0-9]+|[^A-Za-z0-9\s]")


class CorpusRow(TypedDict):
    """A training question with a rationale whose answer is right.

    `summary` and `supplementary` are the two parts of its symbolic knowledge, None where there is
    none. No rationale holds the concluding sentence. `rationales` are further right ones, and
    `facts` the rules that the question needs; either may be missing. A triple of commonsense is
    such a row without a rationale: relation, head and tail are its task, question and answer.
    """

    id: str
    task: str
    question: str
    options: list[str]
    rationale: NotRequired[str]
    answer: str
    summary: str | None
    supplementary: str | None
    rationales: NotRequired[list[str]]
    facts: NotRequired[list[str]]
    phrase: NotRequired[str]
    source: NotRequired[Source]
    is_true: NotRequired[bool]


class LabelledTriple(TypedDict):
    """A triple to teach a critic with: its label is 1 where it is true."""

    head: str
    relation: str
    phrase: str
    tail: str
    label: int
    split: str
    """train, dev (where cut-offs are set) or test; or corrupted: judged by nobody, taught first."""


class Answered(TypedDict):
    """What the teacher answers to a question of a test: tails of a head, in order of writing."""

    head: str
    relation: str
    tails: list[str]


class Passage(TypedDict):
    """A text to retrieve."""

    id: str
    text: str


@dataclass(frozen=True, slots=True)
class TeacherCorpus:
    """The rows kept of what was asked: `asked` = `rejected` (wrong answers) + len(rows)."""

    rows: list[CorpusRow]
    passages: list[Passage]
    asked: int
    rejected: int
    teacher: str
    teacher_tokens: dict[str, int]
    """What the teacher wrote, rejected rationales included: {"rationale": n, "knowledge": n}, and
    "further": n where there are further rationales."""
    licence: str
    source: str
    knowledge: Grain | None = None
    labels: list[LabelledTriple] = field(default_factory=list[LabelledTriple])
    drafts: list[Answered] = field(default_factory=list[Answered])
    dev: list[Item] = field(default_factory=list[Item])
    """Questions of the same sources that no row asks; not written with the rows."""


class Manifest(TypedDict):
    """What is known of a corpus without reading it; the hashes are over canonical JSON lines."""

    name: str
    sha256: str
    n: int
    passages_sha256: str
    n_passages: int
    asked: int
    rejected: int
    teacher: str
    teacher_tokens: dict[str, int]
    licence: str
    source: str
    knowledge: NotRequired[Grain]
    n_labels: NotRequired[int]
    labels_sha256: NotRequired[str]
    n_drafts: NotRequired[int]
    drafts_sha256: NotRequired[str]
    n_dev: NotRequired[int]
    dev_sha256: NotRequired[str]
    """Of the questions held out, as `items_sha256` has it."""


def n_tokens(*texts: str) -> int:
    """Words and punctuation marks: a measure of writing that needs no tokenizer."""
    return sum(len(_TOKENS.findall(text)) for text in texts)


def manifest(name: str, corpus: TeacherCorpus) -> Manifest:
    """What pins `corpus`; optional keys only where they say something."""
    found: Manifest = {
        "name": name,
        "sha256": items_sha256(corpus.rows),
        "n": len(corpus.rows),
        "passages_sha256": items_sha256(corpus.passages),
        "n_passages": len(corpus.passages),
        "asked": corpus.asked,
        "rejected": corpus.rejected,
        "teacher": corpus.teacher,
        "teacher_tokens": corpus.teacher_tokens,
        "licence": corpus.licence,
        "source": corpus.source,
    }
    if corpus.knowledge:
        found["knowledge"] = corpus.knowledge
    if corpus.labels:
        found["n_labels"] = len(corpus.labels)
        found["labels_sha256"] = items_sha256(corpus.labels)
    if corpus.drafts:
        found["n_drafts"] = len(corpus.drafts)
        found["drafts_sha256"] = items_sha256(corpus.drafts)
    if corpus.dev:
        found["n_dev"] = len(corpus.dev)
        found["dev_sha256"] = items_sha256(corpus.dev)
    return found
