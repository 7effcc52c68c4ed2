"""Give a method's examples and questions what its needs declare, and nothing else."""

import hashlib
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from random import Random
from typing import Any, TypeAlias

from bench.corpora.corpus import Corpus
from bench.corpora.retrieve import Retriever
from bench.corpora.scorers import Score, frequency
from bench.ground.bars import Bar
from bench.track import ConfigError
from bench.types import Demo, Draft, Example, InSight, Knowledge, Needs, Query, Question
from tasks.in_domain.knowledge import PASSAGE_WORDS

Nearest: TypeAlias = Callable[[str, int], list[int]]
"""A query -> the positions of that many passages, best first."""
Rerank: TypeAlias = Callable[[Nearest, str, int], list[int]]
"""The same of what another finds, in an order of its own."""
Recalls: TypeAlias = Callable[[Sequence[tuple[str, str, str]]], Sequence[float]]
"""Triples of head, phrase and tail -> the recall of a cut at each one's score."""


def examples(
    corpus: Corpus,
    needs: Needs,
    seed: int,
    score: Score = frequency,
    critic: Recalls | None = None,
) -> list[Example]:
    """Training examples with only what `needs` declares attached.

    Without its critic, a method that needs one sees that nothing was judged.
    """
    made = [_example(row, seed, needs.rationales) for row in corpus.rows]
    decoy = _decoys(corpus, seed) if needs.decoy else None
    if needs.train_knowledge:
        judge = None if needs.critic == "none" else critic
        known = _knowledge(corpus.rows, score, judge)
        position = {row["id"]: i for i, row in enumerate(corpus.rows)}
        made = [
            replace(e, knowledge=known[position[decoy(e.task, e.id)["id"] if decoy else e.id]])
            for e in made
        ]
    if needs.train_demos:
        pools = _pools(corpus, needs, seed)
        made = [replace(e, demos=pools(e)) for e in _counted(made, "choosing demos")]
    if needs.passages:
        find = _finder(corpus, needs, seed, needs.train_query)
        rows = _counted(corpus.rows, "looking for passages")
        made = [replace(e, passages=find(row)) for e, row in zip(made, rows, strict=True)]
    if needs.phrase:
        rows = corpus.rows
        made = [replace(e, phrase=row["phrase"]) for e, row in zip(made, rows, strict=True)]
    if needs.phrase and needs.critic != "none" and critic is not None:
        # What people wrote no method takes through a critic.
        asked = [e for e in made if e.source != "human"]
        recalls = critic([(e.text, e.phrase, e.answer) for e in asked])
        recall_of = {e.id: recall for e, recall in zip(asked, recalls, strict=True)}
        made = [replace(e, critic_recall=recall_of.get(e.id)) for e in made]
    return made


def _counted(rows: Sequence[Any], what: str) -> Bar:
    return Bar(rows, what=what, unit="row")


def _example(row: Mapping[str, Any], seed: int, n_rationales: int) -> Example:
    mixed = hashlib.sha256(f"{seed}/{row['id']}".encode()).digest()
    return Example(
        id=row["id"],
        task=row["task"],
        text=row["question"],
        options=tuple(row.get("options") or ()),
        rationales=_rationales(row)[:n_rationales],
        answer=row["answer"],
        seed=int.from_bytes(mixed[:8], "big"),
        source=row.get("source"),
    )


def _rationales(row: Mapping[str, Any]) -> tuple[str, ...]:
    """None of a triple."""
    return tuple(filter(None, (row.get("rationale"), *(row.get("rationales") or ()))))


def _knowledge(
    rows: Sequence[Mapping[str, Any]], score: Score, critic: Recalls | None
) -> list[Knowledge]:
    """The knowledge of every row, its words scored, and the facts judged if there is a critic."""
    parts = [(row["summary"], row.get("supplementary") or "") for row in rows]
    texts = [" ".join(filter(None, part)) for part in parts]
    scored = score([row["task"] for row in rows], texts)
    judged = [()] * len(parts) if critic is None else _judged(parts, critic)
    return [
        Knowledge(*part, found.importance, found.n_tokens, recalls)
        for part, found, recalls in zip(parts, scored, judged, strict=True)
    ]


def _judged(parts: Sequence[tuple[str, str]], critic: Recalls) -> list[tuple[float, ...]]:
    """For each word of the two parts what the critic makes of its sentence, each judged once."""
    told = [sentences(facts) for _, facts in parts]
    once = list(dict.fromkeys(claim for each in told for claim in each))
    recall = dict(zip(once, critic(list(map(as_triple, once))), strict=True))
    return [
        (*[0.0] * len(summary.split()), *(recall[c] for c in each for _ in c.split()))
        for (summary, _), each in zip(parts, told, strict=True)
    ]


def sentences(text: str) -> list[str]:
    """The sentences of a text, one after another: none of its words is lost."""
    found = list[list[str]]([[]])
    for word in text.split():
        found[-1].append(word)
        if word.endswith("."):
            found.append([])
    return [" ".join(each) for each in found if each]


def as_triple(claim: str) -> tuple[str, str, str]:
    """A sentence as a critic is shown it: its first word, what stands between, its last one."""
    first, *middle = claim.removesuffix(".").split()
    return first, " ".join(middle[:-1]), middle[-1] if middle else ""


def _decoys(corpus: Corpus, seed: int) -> Callable[[str, str], Mapping[str, Any]]:
    """A function from (task, item id) to a training row of another task: a seeded derangement, past
    tasks of which the very same is known."""
    rows = defaultdict[str, list[Mapping[str, Any]]](list)
    for row in corpus.rows:
        rows[row["task"]].append(row)
    cycle = sorted(rows)
    Random(f"{seed}/decoy").shuffle(cycle)
    known = {t: {(row.get("summary"), row.get("supplementary")) for row in rows[t]} for t in rows}

    def after(place: int) -> str:
        task, further = cycle[place], cycle[place + 1 :] + cycle[: place + 1]
        return next((each for each in further if known[each] != known[task]), further[0])

    other = {task: after(place) for place, task in enumerate(cycle)}

    def decoy(task: str, item: str) -> Mapping[str, Any]:
        return Random(f"{seed}/decoy/{item}").choice(rows[other.get(task, cycle[0])])

    return decoy


def _demo(example: Example) -> Demo:
    return Demo(example.text, example.rationale, example.answer)


def _pools(corpus: Corpus, needs: Needs, seed: int) -> Callable[[Example], tuple[Demo, ...]]:
    """A function from an example to other items to show, never one with the same question."""
    made, k = [_example(row, seed, 1) for row in corpus.rows], needs.train_demos
    similar = needs.demo_choice == "similar"
    retriever = Retriever([e.text for e in made], corpus.indices) if similar else None

    def pool(example: Example) -> tuple[Demo, ...]:
        if retriever is not None:
            found = [made[i] for i in retriever.nearest(example.text, 2 * k + 1)]
        elif needs.demo_choice == "random":
            found = Random(f"{example.seed}/pool").sample(made, min(len(made), 2 * k + 1))
        else:
            same = [e for e in made if e.task == example.task]
            found = Random(f"{seed}/{example.task}").sample(same, len(same))
        return tuple(_demo(e) for e in found if e.text != example.text)[:k]

    return pool


def _finder(
    corpus: Corpus, needs: Needs, seed: int, query: Query, rerank: Rerank | None = None
) -> Callable[[Mapping[str, Any]], tuple[str, ...]]:
    """A function from a row or test document to its passages, each cut to 128 words."""
    nearest: Nearest = Retriever(corpus.passages, corpus.indices).nearest
    nearest = nearest if rerank is None else partial(rerank, nearest)
    decoy = _decoys(corpus, seed) if needs.decoy else None

    def find(row: Mapping[str, Any]) -> tuple[str, ...]:
        if decoy is not None:
            row = decoy(row["task"], row["id"])
        asked = row["rationale"] if query == "rationale" else row["question"]
        near = nearest(asked, needs.passages)
        if query == "oracle":
            near = [*dict.fromkeys([*_relevant(corpus, row), *near])][: needs.passages]
        return tuple(shown(corpus.passages[i]) for i in near)

    return find


def _relevant(corpus: Corpus, row: Mapping[str, Any]) -> list[int]:
    """Positions of the passages that state one of the row's `facts`."""
    facts = row.get("facts") or ()
    return [i for i, text in enumerate(corpus.passages) if any(fact in text for fact in facts)]


def shown(passage: str) -> str:
    """As a prompt shows it."""
    return " ".join(passage.split()[:PASSAGE_WORDS])


def fixed_shots(made: Sequence[Example], task: str, k: int, seed: int) -> tuple[Demo, ...]:
    """`k` training items of the task (of any, if it has none), the same for all its questions."""
    pool = [e for e in made if e.task == task] or list(made)
    return tuple(map(_demo, Random(f"{seed}/{task}").sample(pool, min(k, len(pool)))))


def asker(
    corpus: Corpus,
    needs: Needs,
    seed: int,
    critic: Recalls | None = None,
    rerank: Rerank | None = None,
) -> Callable[[Mapping[str, Any]], Question]:
    """A function from a test document to its question, with only what `needs` declares attached.

    Without its reranker, a method that needs one sees what was found.
    """
    query: Query = "oracle" if needs.train_query == "oracle" else "question"
    find = _finder(corpus, needs, seed, query, rerank) if needs.passages else None
    pool = [_example(row, seed, 1) for row in corpus.rows] if needs.test_demos else []
    summaries = {row["task"]: row.get("summary") or "" for row in reversed(corpus.rows)}
    answers = {(each["head"], each["relation"]): each["tails"] for each in corpus.drafts}

    def ask(doc: Mapping[str, Any]) -> Question:
        return Question(
            id=doc["id"],
            task=doc["task"],
            text=doc["question"],
            options=tuple(doc.get("options") or ()),
            phrase=doc["phrase"] if needs.phrase else "",
            knowledge=_in_sight(doc, summaries, needs.test_knowledge),
            passages=find(doc) if find else (),
            drafts=_drafts(doc, answers, needs, critic),
            demos=fixed_shots(pool, doc["task"], needs.test_demos, seed),
        )

    return ask


def _in_sight(doc: Mapping[str, Any], summaries: Mapping[str, str], wanted: InSight) -> str:
    """Of a task that the corpus does not know nothing is said."""
    if wanted == "none":
        return ""
    facts = (doc.get("facts") or ()) if wanted == "all" else ()
    if wanted == "all" and not facts:
        raise ConfigError(
            f"question {doc['id']} has no facts that its suite marks: ask with knowledge=summary"
        )
    return " ".join(filter(None, [summaries.get(doc["task"]), *dict.fromkeys(facts)]))


def _drafts(
    doc: Mapping[str, Any],
    answers: Mapping[tuple[str, str], Sequence[str]],
    needs: Needs,
    critic: Recalls | None,
) -> tuple[Draft, ...]:
    """Of the suite's teacher, or else of the one that wrote the corpus."""
    is_asked = "target" in doc  # a test question, and no row of the corpus that is shown as one
    if needs.drafts and is_asked and not answers and "drafts" not in doc:
        raise ConfigError(
            f"question {doc['id']}: neither its suite nor the corpus has what a teacher answers to"
            " it; put NAME.drafts.jsonl beside the corpus"
        )
    own = doc.get("drafts") or answers.get((doc["question"], doc["task"]), ())
    texts = own if needs.drafts else ()
    if needs.critic == "none" or critic is None:
        return tuple(map(Draft, texts))
    triples = [(doc["question"], doc["phrase"], text) for text in texts]
    return tuple(map(Draft, texts, critic(triples)))


def recall(
    docs: Sequence[Mapping[str, Any]], found: Sequence[Question], corpus: Corpus
) -> float | None:
    """Mean share of a question's relevant passages among those retrieved; None without marks.

    A passage is relevant to a question if it states one of the question's `facts`.
    """
    shares = []
    for doc, question in zip(docs, found, strict=True):
        relevant = {shown(corpus.passages[i]) for i in _relevant(corpus, doc)}
        if relevant:
            shares.append(len(relevant & set(question.passages)) / len(relevant))
    return sum(shares) / len(shares) if shares else None
