"""Give a method's examples and questions what its needs declare, and nothing else."""

import hashlib
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from random import Random
from typing import Any

from bench import importance
from bench.corpus import Corpus
from bench.retrieve import Retriever
from bench.types import Demo, Example, Knowledge, Needs, Question

PASSAGE_WORDS = 128
"""Passages are cut to this many words, as in SKIntern's runs of KARD."""


def examples(corpus: Corpus, needs: Needs, seed: int) -> list[Example]:
    """Training examples with only what `needs` declares attached."""
    made = [_example(row, seed) for row in corpus.rows]
    if needs.train_knowledge:
        made = _with_knowledge(made, corpus.rows)
    if needs.train_demos:
        made = _with_demos(made, needs.train_demos)
    if needs.passages:
        search = passage_search(corpus, needs.passages)
        made = [replace(e, passages=search(e.text)) for e in made]
    return made if needs.train_rationale else [replace(e, rationale="") for e in made]


def _example(row: Mapping[str, Any], seed: int) -> Example:
    mixed = hashlib.sha256(f"{seed}/{row['id']}".encode()).digest()
    return Example(
        id=row["id"],
        task=row["task"],
        text=row["question"],
        options=tuple(row.get("options") or ()),
        rationale=row["rationale"],
        answer=row["answer"],
        seed=int.from_bytes(mixed[:8], "big"),
    )


def _with_knowledge(made: list[Example], rows: Sequence[Mapping[str, Any]]) -> list[Example]:
    texts = [f"{row['summary']} {row.get('supplementary') or ''}".strip() for row in rows]
    groups: dict[str, list[str]] = defaultdict(list)
    for example, text in zip(made, texts, strict=True):
        groups[example.task].append(text)
    scores = importance.frequency(groups)
    return [
        replace(
            example,
            knowledge=Knowledge(
                row["summary"],
                row.get("supplementary") or "",
                tuple(scores[example.task][importance.normal(word)] for word in text.split()),
            ),
        )
        for example, row, text in zip(made, rows, texts, strict=True)
    ]


def _demo(example: Example) -> Demo:
    return Demo(example.text, example.rationale, example.answer)


def _with_demos(made: list[Example], k: int) -> list[Example]:
    """The `k` most similar other items, never one with the same question."""
    retriever = Retriever([e.text for e in made])
    attached = []
    for example in made:
        near = [made[i] for i in retriever.nearest(example.text, 2 * k + 1)]
        others = [e for e in near if e.text != example.text][:k]
        attached.append(replace(example, demos=tuple(map(_demo, others))))
    return attached


def passage_search(corpus: Corpus, k: int) -> Callable[[str], tuple[str, ...]]:
    """A function from a query to its `k` nearest passages, each cut to 128 words."""
    retriever = Retriever(corpus.passages)

    def search(query: str) -> tuple[str, ...]:
        return tuple(_shown(corpus.passages[i]) for i in retriever.nearest(query, k))

    return search


def _shown(passage: str) -> str:
    return " ".join(passage.split()[:PASSAGE_WORDS])


def fixed_shots(made: Sequence[Example], task: str, k: int, seed: int) -> tuple[Demo, ...]:
    """`k` training items of the task (of any, if it has none), the same for all its questions."""
    pool = [e for e in made if e.task == task] or list(made)
    return tuple(map(_demo, Random(f"{seed}/{task}").sample(pool, min(k, len(pool)))))


def asker(corpus: Corpus, needs: Needs, seed: int) -> Callable[[Mapping[str, Any]], Question]:
    """A function from a test document to its question, with only what `needs` declares attached."""
    search = passage_search(corpus, needs.passages) if needs.passages else None
    pool = [_example(row, seed) for row in corpus.rows] if needs.test_demos else []

    def ask(doc: Mapping[str, Any]) -> Question:
        return Question(
            id=doc["id"],
            task=doc["task"],
            text=doc["question"],
            options=tuple(doc["options"]),
            passages=search(doc["question"]) if search else (),
            demos=fixed_shots(pool, doc["task"], needs.test_demos, seed),
        )

    return ask


def recall(
    docs: Sequence[Mapping[str, Any]], found: Sequence[Question], corpus: Corpus
) -> float | None:
    """Mean share of a question's relevant passages among those retrieved; None without marks.

    A passage is relevant to a question if it states one of the question's `facts`.
    """
    shares = []
    for doc, question in zip(docs, found, strict=True):
        facts = doc.get("facts") or ()
        relevant = {_shown(p) for p in corpus.passages if any(fact in p for fact in facts)}
        if relevant:
            shares.append(len(relevant & set(question.passages)) / len(relevant))
    return sum(shares) / len(shares) if shares else None
