"""What a record says of a run, beyond what its parts are tested for."""

import json
from dataclasses import replace
from types import SimpleNamespace

import pytest

from bench import registry
from bench.corpora.corpus import Corpus
from bench.costs import latency
from bench.ground import provenance
from bench.run import measure
from bench.run.evaluate import Evaluation, Sample
from bench.solve import Solved
from bench.types import Needs, Question
from tasks.corpora import n_tokens
from tasks.pocket import suite

WRITTEN = {"rationale": 100, "further": 70, "knowledge": 30}


@pytest.mark.parametrize(
    ("name", "tokens"),
    [
        ("zero_shot", 0),
        ("few_shot", 100),
        ("answer_only", 0),
        ("std_cot", 100),
        ("kard", 100),
        ("skintern", 130),
        ("std_cot[rationales=2]", 170),
        ("kaft", 0),
        ("knowledge_target", 130),
        ("zero_shot_cot", 0),
    ],
)
def test_a_method_is_charged_for_what_it_was_given_of_the_teachers_writing(name, tokens):
    method = registry.configure_named(name)
    cell = SimpleNamespace(
        method=method, corpus=SimpleNamespace(manifest={"teacher_tokens": WRITTEN})
    )
    assert measure._teacher_tokens(cell) == tokens


@pytest.mark.parametrize(
    ("name", "share"),
    [("comet", 0), ("comet_distil", 1), ("comet_distil[critic=high]", 1), ("loose_teacher", 0)],
)
def test_of_triples_a_method_is_charged_for_all_that_its_critic_was_offered(
    name, share, toy_triples
):
    method = registry.configure_named(name)
    cell = SimpleNamespace(method=method, corpus=toy_triples, seed=0)
    machine = [row["answer"] for row in toy_triples.rows if row["source"] == "machine"]
    assert measure._teacher_tokens(cell) == share * n_tokens(*machine)


FLOPS = SimpleNamespace(
    prefill_flops=lambda p: 10 * p, decode_flops=lambda p, n: n, prompt_only_flops=lambda p: p
)


def data_set(docs, helper_flops=lambda _: 0, overflow=False):
    """What is measured of these questions, all answered rightly."""
    scores = {"strict": 1.0, "author": 1.0, "flexible": 1.0, "failed": 0.0}
    samples = [
        Sample(
            "skb", doc, Question(doc["id"], doc["task"], doc["question"]),
            Solved("so 1", ((7, 2),), overflow), scores,
        )
        for doc in docs
    ]  # fmt: skip
    return measure._data_set("id", samples, FLOPS, helper_flops)


def doc(name, task, **more):
    return {"id": name, "task": task, "question": "?", "options": [], "target": "1", **more}


def test_what_other_models_spent_stands_at_the_question_they_were_asked():
    docs = [doc("a", "x"), doc("b", "x") | {"question": "and then?"}, doc("c", "x")]
    spent = {"?": 5, "and then?": 7}
    assert data_set(docs, lambda q: spent[q.text]).helper_flops == [5, 7, 5]
    assert data_set(docs).helper_flops == []
    too_long = data_set(docs, lambda q: spent[q.text], overflow=True)
    assert too_long.helper_flops == [], "what did not fit cost nothing"


def test_sub_tasks_are_stored_where_their_average_is_not_that_of_the_items():
    assert data_set([doc("a", "x"), doc("b", "y"), doc("c", "x")]).tasks == ["x", "y", "x"]
    assert data_set([doc("a", "x"), doc("b", "y")]).tasks == []
    assert data_set([doc("a", "x"), doc("b", "x")]).tasks == []


def test_no_record_of_pocket_holds_sub_tasks_or_clusters():
    for name in suite.DATA_SETS:
        found = data_set(suite.rows(name))
        assert (found.tasks, found.clusters) == ([], []), name


def test_an_item_without_a_cluster_stands_alone_among_items_that_have_one():
    docs = [doc("a", "x", cluster="s"), doc("b", "x", cluster="s"), doc("c", "x", cluster=None)]
    assert data_set(docs).clusters == ["s", "s", "c"]
    assert data_set([doc("a", "x"), doc("b", "x")]).clusters == []


def test_a_record_says_how_much_of_each_data_set_overlaps_with_its_corpus(tmp_path, monkeypatch):
    found = {"skb_a": {"n": 8, "short": 2, "shared_13gram": 1, "equal_questions": 4}}
    shares = {"shared_13gram": 0.125, "equal_questions": 0.5, "may_be_known_to": ["Teacher"]}
    found["skb_a"]["may_be_known_to"] = ["Teacher"]
    path = tmp_path / "tasks" / "corpora" / "contamination.json"
    path.parent.mkdir(parents=True)
    path.write_text(json.dumps({"real": found}))
    monkeypatch.setattr(provenance, "ROOT", tmp_path)

    def said(corpus, *data_sets):
        cell = SimpleNamespace(track=SimpleNamespace(corpus=corpus))
        return measure._contamination(cell, data_sets)

    assert said("real", "skb_a", "skb_b") == {"contamination": {"skb_a": shares}}
    assert said("real", "skb_b") == said("pocket", "skb_a") == said("real.jsonl", "skb_a") == {}
    path.unlink()
    assert said("real", "skb_a") == {}


def test_the_overlaps_that_the_project_holds_can_be_put_into_a_record():
    found = provenance.contamination("recon-v1")
    assert found["skb_bbh"]["shared_13gram"] > found["skb_agieval"]["shared_13gram"]
    shares = [each[key] for each in found.values() for key in ("shared_13gram", "equal_questions")]
    assert all(0 <= share <= 1 for share in shares)


def test_a_method_that_needs_no_rationale_cannot_see_one(toy_corpus):
    from bench.corpora.attach import examples

    assert all(e.rationales for e in examples(toy_corpus, Needs(), 0))
    assert not any(e.rationales for e in examples(toy_corpus, Needs(rationales=0), 0))


def test_the_peak_of_memory_begins_anew_after_a_reset():
    import torch

    cpu = torch.device("cpu")
    if not latency.CLEAR_PEAK.exists():
        pytest.skip("this system cannot reset the peak")
    held = torch.ones(50_000_000)
    high = latency.peak_memory_bytes(cpu)
    del held
    latency.reset_peak_memory(cpu)
    assert latency.peak_memory_bytes(cpu) < high - 100_000_000


def test_a_record_says_whose_knowledge_its_method_saw(make_cell, toy_corpus):
    of_tasks = replace(toy_corpus, manifest=toy_corpus.manifest | {"knowledge": "per task"})
    for label, told in (("skintern", "per task"), ("kard", "per task"), ("std_cot", None)):
        cell = make_cell(label)
        assert "knowledge" not in measure._snapshot(cell)
        assert measure._snapshot(replace(cell, corpus=of_tasks)).get("knowledge") == told


def test_recall_is_that_of_the_passages_that_were_asked_with():
    corpus = Corpus([], ("duli adds 6.", "nubi takes 7.", "bura adds 2."), {})
    asked = [("duli adds 6.", "bura adds 2."), ("nubi takes 7.",)]
    docs = [doc("a", "x", facts=["duli adds 6.", "nubi takes 7."]), doc("b", "x", facts=["bura"])]
    samples = [
        Sample("skb", each, Question(each["id"], "x", "?", passages=shown), None, {})
        for each, shown in zip(docs, asked, strict=True)
    ]
    kard, plain = (
        SimpleNamespace(method=registry.configure_named(name), corpus=corpus)
        for name in ("kard", "std_cot")
    )
    assert measure._recall(kard, Evaluation(samples, 1.0)) == (1 / 2 + 0) / 2
    assert measure._recall(plain, Evaluation(samples, 1.0)) is None


@pytest.mark.parametrize(
    ("label", "told"),
    [
        ("few_shot[knowledge=all]", {"upper_bound": True, "restarts": 0}),
        ("kard[query=oracle]", {"upper_bound": True, "restarts": 0}),
        ("few_shot[knowledge=summary]", {"restarts": 0}),
        ("kard", {"restarts": 0}),
        ("skintern", {"restarts": 3}),
        ("skintern[moments=kept]", {"restarts": 0}),
    ],
)
def test_a_record_says_what_is_an_upper_bound_and_how_often_the_optimizer_started_afresh(
    make_cell, label, told
):
    found = measure._snapshot(make_cell(label))
    assert {k: v for k, v in found.items() if k in ("upper_bound", "restarts")} == told
