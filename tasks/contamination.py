"""What a teacher corpus shares with a test set: 13-grams, whole questions, and its teacher's past.

A test item is marked if 13 consecutive words of its question stand in a question, a rationale or
the knowledge of the corpus. Tasks made from templates share the template's words: their marks say
that train and test are of one make, `equal_questions` that an item itself is trained on.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypedDict

from tasks.published import TEST_SETS

N_WORDS = 13
"""Length of the n-grams, as in GPT-3's and the usual later analyses."""

TEACHERS: dict[str, str] = {
    "code-davinci-002": "what it was trained on is not public; BIG-bench, and so the questions of"
    " BBH, were on the web before it",
    "PaLM": "what it was trained on is public in outline alone; most of these sets, or the"
    " questions they are made of, were on the web before it",
}
"""Teachers that may have seen a test set themselves, which no comparison of texts can show."""
OTHER_TEACHER = "nothing is known here of what it was trained on"
OWN_WRITERS = ("people", "tasks/")
"""How teachers begin that are no models: people, and programs of this project."""

_LABEL = re.compile(r"^(?:- |\([A-Za-z0-9]\)\s*)+")


class Overlap(TypedDict):
    """How many of a test set's `n` items are marked, and why."""

    n: int
    short: int
    """Items of fewer than 13 words: they cannot share a 13-gram."""
    shared_13gram: int
    all_13grams: int
    """Items all of whose 13-grams stand in the corpus."""
    equal_questions: int
    """Items that the corpus asks: the same question, and the same options where both have any."""
    may_be_known_to: list[str]
    """Teachers that may have seen the items."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A question to compare: hashes of its 13-grams; its words, and its options in any order."""

    grams: frozenset[int]
    stem: str
    options: frozenset[str]


@dataclass(frozen=True, slots=True)
class Trace:
    """What a corpus leaves to compare with."""

    grams: frozenset[int]
    questions: Mapping[str, set[frozenset[str]]]
    """The options that each question comes with."""
    teachers: Sequence[str]


def asked(row: Mapping[str, Any]) -> Asked:
    """The question of a test item or of a row of a corpus."""
    options = row.get("options") or ()
    stem = row["question"].partition("\nOptions:")[0] if options else row["question"]
    plain = frozenset(_plain(_LABEL.sub("", option)) for option in options)
    return Asked(_grams(row["question"]), _plain(stem), plain)


def trace(rows: Iterable[Mapping[str, Any]], teacher: str) -> Trace:
    """The trace of a corpus' rows: questions, rationales, knowledge and facts.

    `teacher` is the manifest's, several divided by semicolons; each that is a model is suspected.
    """
    questions = defaultdict[str, set[frozenset[str]]](set)
    grams, texts = set[int](), set[str]()
    for row in rows:
        question = asked(row)
        questions[question.stem].add(question.options)
        grams |= question.grams
        texts |= {row.get(name) or "" for name in ("rationale", "summary", "supplementary")}
        texts |= {*(row.get("rationales") or ()), *(row.get("facts") or ())}
    grams = grams.union(*map(_grams, texts))
    named = [name.strip() for name in teacher.split(";")]
    models = [name or "a teacher without a name" for name in named]
    return Trace(frozenset(grams), questions, [n for n in models if not n.startswith(OWN_WRITERS)])


def overlap(items: Sequence[Asked], corpus: Trace) -> Overlap:
    """Compare a test set with the trace of a corpus."""
    return {
        "n": len(items),
        "short": sum(not item.grams for item in items),
        "shared_13gram": sum(not corpus.grams.isdisjoint(item.grams) for item in items),
        "all_13grams": sum(bool(item.grams) and item.grams <= corpus.grams for item in items),
        "equal_questions": sum(_is_asked(item, corpus) for item in items),
        "may_be_known_to": list(corpus.teachers),
    }


def test_sets(folder: Path) -> dict[str, list[Asked]]:
    """The items of every published test set by its name."""
    return {name: [asked(item) for item in read(folder)] for name, read in TEST_SETS.items()}


def _grams(text: str) -> frozenset[int]:
    """Hashes of the 13-grams of words in lower case without punctuation.

    They are Python's own, which differ between processes: compare them within one.
    """
    words = re.sub(r"[^\w\s]|_", "", text.lower()).split()
    return frozenset(hash(tuple(words[i : i + N_WORDS])) for i in range(len(words) - N_WORDS + 1))


def _plain(text: str) -> str:
    """Punctuation stays: in some tasks it is the question."""
    return " ".join(text.casefold().split())


def _is_asked(item: Asked, corpus: Trace) -> bool:
    return any(
        item.options == options or not item.options or not options
        for options in corpus.questions.get(item.stem, ())
    )
