"""What examples and questions are given: decoys, oracles, pools and rationales, and no more."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import pytest

from bench.corpora import attach
from bench.corpora.corpus import Corpus
from bench.corpora.retrieve import Retriever
from bench.types import Choice, Example, Needs
from tasks.pocket import suite, teacher

DOCS = [doc for name in suite.DATA_SETS for doc in suite.rows(name)[::4]]
TRAINED = ("chain", "hop", "perm", "price")


@pytest.fixture(scope="module")
def corpus() -> Corpus:
    """Ten rows of each family with all passages of their world."""
    built = teacher.build("pocket-40", world=0)
    return Corpus(built.rows, [passage["text"] for passage in built.passages], {"sha256": "toy"})


def by_id(corpus: Corpus) -> dict[str, Mapping[str, Any]]:
    return {row["id"]: row for row in corpus.rows}


def tasks_by_knowledge(corpus: Corpus) -> dict[str, set[str]]:
    """Text of a row's knowledge -> the tasks that have it."""
    found = defaultdict[str, set[str]](set)
    for row in corpus.rows:
        found[f"{row['summary']} {row['supplementary']}"].add(row["task"])
    return found


# ------------------------------------------------------------ decoys


def decoy_of(corpus: Corpus, seed: int) -> dict[str, set[str]]:
    """Task -> the tasks whose knowledge its examples were given."""
    tasks, found = tasks_by_knowledge(corpus), defaultdict[str, set[str]](set)
    for example in attach.examples(corpus, Needs(train_knowledge=True, decoy=True), seed):
        assert example.knowledge is not None
        found[example.task] |= tasks[example.knowledge.text]
    return found


@pytest.mark.parametrize("seed", range(6))
def test_decoy_knowledge_is_always_that_of_one_other_task(corpus: Corpus, seed: int) -> None:
    found = decoy_of(corpus, seed)
    assert sorted(found) == sorted(TRAINED) and all(len(tasks) == 1 for tasks in found.values())
    other = {task: next(iter(tasks)) for task, tasks in found.items()}
    assert sorted(other.values()) == sorted(TRAINED), "each task's knowledge is used once"
    assert all(task != given for task, given in other.items())


def test_a_task_of_which_the_same_is_known_is_no_decoy(corpus: Corpus) -> None:
    tasks = sorted({row["task"] for row in corpus.rows})
    twins = {"summary": "one", "supplementary": "and the same"}
    rows = [row | (twins if row["task"] in tasks[:2] else {}) for row in corpus.rows]
    for seed in range(8):
        examples = attach.examples(
            replace(corpus, rows=rows), Needs(train_knowledge=True, decoy=True), seed
        )
        assert not any(
            example.task in tasks[:2] and example.knowledge and example.knowledge.summary == "one"
            for example in examples
        )


def test_decoys_are_drawn_by_the_seed_and_differ_between_items(corpus: Corpus) -> None:
    assert decoy_of(corpus, 0) == decoy_of(corpus, 0)
    assert len({str(sorted(decoy_of(corpus, seed).items())) for seed in range(8)}) > 1
    needs = Needs(train_knowledge=True, decoy=True)
    one, same, other = (
        [e.knowledge for e in attach.examples(corpus, needs, seed)] for seed in (0, 0, 1)
    )
    assert one == same != other
    chain = {e.knowledge for e in attach.examples(corpus, needs, 0) if e.task == "chain"}
    assert len(chain) > 3, "not one decoy for the whole task"


def test_a_decoy_keeps_the_scores_that_its_words_have_where_they_belong(corpus: Corpus) -> None:
    own = {
        e.knowledge.text: e.knowledge
        for e in attach.examples(corpus, Needs(train_knowledge=True), 0)
        if e.knowledge
    }
    for example in attach.examples(corpus, Needs(train_knowledge=True, decoy=True), 0):
        assert example.knowledge is not None and example.knowledge == own[example.knowledge.text]


@pytest.mark.parametrize("seed", [0, 1])
def test_decoy_passages_are_what_a_question_of_another_task_finds(
    corpus: Corpus, seed: int
) -> None:
    retriever = Retriever(corpus.passages)
    found_by = defaultdict[tuple[str, ...], set[str]](set)
    for row in corpus.rows:
        near = retriever.nearest(row["question"], 3)
        found_by[tuple(corpus.passages[i] for i in near)].add(row["task"])
    needs = Needs(passages=3, decoy=True)
    given = [(e.task, e.passages) for e in attach.examples(corpus, needs, seed)]
    ask = attach.asker(corpus, needs, seed)
    given += [(doc["task"], ask(doc).passages) for doc in DOCS]
    assert {task for task, _ in given} == {*TRAINED, "best", "dear"}
    other = defaultdict[str, set[str]](set)
    for task, passages in given:
        assert found_by[passages] and task not in found_by[passages]
        other[task] |= found_by[passages]
    assert all(len(tasks) == 1 for tasks in other.values()), "in training as at test time"


# ------------------------------------------------------------ what finds the passages


def stated(row: Mapping[str, Any], passages: tuple[str, ...]) -> list[str]:
    return [fact for fact in row["facts"] if any(fact in passage for passage in passages)]


@pytest.mark.parametrize("n", [1, 3, 6])
def test_oracle_passages_state_the_facts_of_the_question_as_far_as_they_reach(
    corpus: Corpus, n: int
) -> None:
    """Every rule stands in one passage, so that six hold all that any of these needs."""
    needs = Needs(passages=n, train_query="oracle")
    ask = attach.asker(corpus, needs, 0)
    given = [(by_id(corpus)[e.id], e.passages) for e in attach.examples(corpus, needs, 0)] + [
        (doc, ask(doc).passages) for doc in DOCS
    ]
    for row, passages in given:
        pages = {p for p in corpus.passages if any(fact in p for fact in row["facts"])}
        assert len(passages) == len(set(passages)) == n
        assert len(pages & set(passages)) == min(n, len(pages))
        if len(pages) <= n:
            assert stated(row, passages) == row["facts"]
    assert any(len(stated(row, passages)) < len(row["facts"]) for row, passages in given) == (n < 6)


def test_where_the_oracle_has_no_more_to_give_the_nearest_passages_follow(corpus: Corpus) -> None:
    row = dict(DOCS[0]) | {"facts": []}
    plain, oracle = (
        attach.asker(corpus, Needs(passages=3, train_query=query), 0)(row)
        for query in ("question", "oracle")
    )
    assert oracle == plain


def test_a_rationale_finds_the_passages_in_training_and_the_question_does_in_testing(
    corpus: Corpus,
) -> None:
    retriever = Retriever(corpus.passages)

    def near(text: str) -> tuple[str, ...]:
        return tuple(corpus.passages[i] for i in retriever.nearest(text, 3))

    needs = Needs(passages=3, train_query="rationale")
    made, rows = attach.examples(corpus, needs, 0), by_id(corpus)
    assert [e.passages for e in made] == [near(rows[e.id]["rationale"]) for e in made]
    assert [e.passages for e in made] != [near(e.text) for e in made]
    ask = attach.asker(corpus, needs, 0)
    assert all(ask(doc).passages == near(doc["question"]) for doc in DOCS)
    by_question = attach.examples(corpus, Needs(passages=3), 0)
    assert [e.passages for e in by_question] == [near(e.text) for e in by_question]


# ------------------------------------------------------------ pools of other items


def pools(corpus: Corpus, choice: Choice, k: int, seed: int) -> list[tuple[Example, list[str]]]:
    made = attach.examples(corpus, Needs(train_demos=k, demo_choice=choice), seed)
    return [(example, [demo.question for demo in example.demos]) for example in made]


@pytest.mark.parametrize("choice", ["similar", "random", "task"])
@pytest.mark.parametrize("seed", range(4))
def test_no_pool_ever_holds_the_item_itself_or_one_twice(
    corpus: Corpus, choice: Choice, seed: int
) -> None:
    texts = {row["question"]: row["task"] for row in corpus.rows}
    for example, pool in pools(corpus, choice, 6, seed):
        assert len(pool) == len(set(pool)) == 6 and example.text not in pool
        assert set(pool) <= set(texts)
        if choice == "task":
            assert {texts[text] for text in pool} == {example.task}


def test_a_random_pool_is_drawn_for_each_item_and_run_from_all_tasks(corpus: Corpus) -> None:
    one, same, other = ([p for _, p in pools(corpus, "random", 6, seed)] for seed in (0, 0, 1))
    assert one == same and not any(a == b for a, b in zip(one, other, strict=True))
    assert len({tuple(pool) for pool in one}) == len(one)
    drawn = {text for pool in one for text in pool}
    assert len(drawn) > 0.9 * len(corpus.rows)


def test_a_task_has_one_pool_for_all_its_items_but_themselves(corpus: Corpus) -> None:
    chosen = defaultdict[str, set[tuple[str, ...]]](set)
    for seed in (0, 1):
        for task in TRAINED:
            found = [(e, pool) for e, pool in pools(corpus, "task", 3, seed) if e.task == task]
            usual = max((pool for _, pool in found), key=[pool for _, pool in found].count)
            chosen[task].add(tuple(usual))
            for example, pool in found:
                if example.text in usual:
                    left = [text for text in usual if text != example.text]
                    assert pool[:2] == left and pool[2] not in usual
                else:
                    assert pool == usual
    assert any(len(pools_of_task) == 2 for pools_of_task in chosen.values()), "drawn by the seed"


# ------------------------------------------------------------ rationales


def test_as_many_rationales_as_declared_are_given_the_first_one_first(corpus: Corpus) -> None:
    rows = by_id(corpus)
    for n in range(3):
        for example in attach.examples(corpus, Needs(rationales=n), 0):
            row = rows[example.id]
            assert example.rationales == (row["rationale"], *row["rationales"])[:n]


def test_a_demo_shows_the_first_rationale_however_many_there_are(corpus: Corpus) -> None:
    first = {row["question"]: row["rationale"] for row in corpus.rows}
    needs = Needs(rationales=2, train_demos=2, test_demos=2)
    demos = [demo for e in attach.examples(corpus, needs, 0) for demo in e.demos]
    demos += [demo for doc in DOCS[::40] for demo in attach.asker(corpus, needs, 0)(doc).demos]
    assert demos and all(demo.rationale == first[demo.question] for demo in demos)


def test_a_question_without_answers_of_its_suite_has_those_of_the_corpus() -> None:
    drafts = [{"head": "a", "relation": "xWant", "tails": ["to rest"]}]
    needs = Needs(rationales=0, phrase=True, drafts=True)
    ask = attach.asker(Corpus([], [], {}, drafts=drafts), needs, 0)
    doc = {"id": "1", "task": "xWant", "question": "a", "options": [], "phrase": "p"}
    assert [draft.text for draft in ask(doc).drafts] == ["to rest"]
    assert [draft.text for draft in ask({**doc, "drafts": ["to eat"]}).drafts] == ["to eat"]
    assert ask({**doc, "task": "xNeed"}).drafts == ()
    asked = attach.asker(Corpus([], [], {}, drafts=drafts), Needs(phrase=True), 0)
    assert asked(doc).drafts == ()


def test_a_critic_is_asked_about_what_a_machine_wrote_and_not_about_peoples_triples(
    toy_triples: Corpus,
) -> None:
    asked = list[tuple[str, str, str]]()

    def critic(triples: Sequence[tuple[str, str, str]]) -> list[float]:
        asked.extend(triples)
        return [0.25] * len(triples)

    made = attach.examples(toy_triples, Needs(phrase=True, critic="trained"), 0, critic=critic)
    assert asked == [(e.text, e.phrase, e.answer) for e in made if e.source == "machine"]
    told = {(e.source, e.critic_recall) for e in made}
    assert told == {("machine", 0.25), ("human", None)}


def test_facts_of_the_knowledge_are_judged_once_each_and_their_words_share_the_verdict(
    toy_corpus: Corpus,
) -> None:
    asked = list[tuple[str, str, str]]()

    def critic(triples: Sequence[tuple[str, str, str]]) -> list[float]:
        asked.extend(triples)
        return [int(triple[0] < "m") / 2 for triple in triples]

    needs = Needs(train_knowledge=True, critic="weighted_pmi")
    made = attach.examples(toy_corpus, needs, 0, critic=critic)
    assert len(set(asked)) == len(asked) > len(made)
    for example in made:
        known = example.knowledge
        assert known is not None and len(known.critic_recall) == len(known.text.split())
        n = len(known.summary.split())
        assert set(known.critic_recall[:n]) == {0.0}
        rest = zip(known.text.split()[n:], known.critic_recall[n:], strict=True)
        firsts = [word for word, _ in rest]
        facts = [f.split() for f in attach.sentences(known.supplementary)]
        expected = [int(fact[0] < "m") / 2 for fact in facts for _ in fact]
        assert firsts == [w for fact in facts for w in fact]
        assert list(known.critic_recall[n:]) == expected


@pytest.mark.parametrize(
    ("claim", "triple"),
    [
        ("duli adds 6.", ("duli", "adds", "6")),
        ("nala swaps left and right.", ("nala", "swaps left and", "right")),
        ("Go.", ("Go", "", "")),
    ],
)
def test_a_sentence_is_shown_to_a_critic_with_its_last_word_as_the_tail(
    claim: str, triple: tuple[str, str, str]
) -> None:
    assert attach.as_triple(claim) == triple
