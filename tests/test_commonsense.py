"""Triples of commonsense: a world with exact rules, its loose teacher, and what is scored."""

import json
from collections import Counter
from pathlib import Path
from random import Random

import pytest

from bench.cli import catalogue
from tasks import docs
from tasks.commonsense import suite, teacher
from tasks.commonsense.loose import drafts
from tasks.commonsense.world import RELATIONS, Event, events, lexicon, world
from tasks.corpora import TeacherCorpus, manifest
from tasks.tails import process_results
from tasks.triples import PHRASES

WORLD = world(0)


def test_every_event_has_a_true_tail_in_each_of_the_seven_relations() -> None:
    assert len(RELATIONS) == 7 and set(PHRASES) == set(RELATIONS)
    for event in events():
        for relation in RELATIONS:
            assert WORLD.tails(event, relation), (event, relation)


def test_a_rule_that_asks_for_a_property_holds_where_the_object_has_it() -> None:
    for thing, properties in WORLD.properties.items():
        tired = "sweats" in WORLD.tails(Event("carries", thing), "xEffect")
        assert tired == ("heavy" in properties)


def test_tails_speak_of_the_object_its_kind_and_its_place() -> None:
    found = WORLD.tails(Event("buys", "car"), "xWant")
    assert f"to put the car in {WORLD.places['car']}" in found and "to drive the car" in found


def test_another_world_is_like_it_but_says_something_else() -> None:
    assert WORLD.properties.keys() == world(1).properties.keys()
    assert WORLD.places != world(1).places and WORLD.properties != world(1).properties


def test_the_draws_offer_what_they_say_and_no_event_is_in_two_splits() -> None:
    splits = {name: suite.split_events(name) for name in ("train", *suite.SIZES)}
    counts = Counter(event for each in splits.values() for event in each)
    assert set(counts.values()) == {1}
    new = [event for event in events() if event.object in suite.new_objects()]
    assert len(counts) + len(new) == len(events()) and not set(new) & set(counts)
    held = Counter(event for name in suite.N_NEW for event in suite._new_events(name))
    assert held == Counter(new)


@pytest.mark.parametrize("data_set", ["commonsense_known", "commonsense_new"])
def test_items_hold_all_true_tails_and_candidates_of_which_one_is_true(data_set: str) -> None:
    for row in suite.rows(data_set):
        action, thing = row["question"].removeprefix("PersonX ").split(" the ")
        true = WORLD.tails(Event(action, thing), row["task"])  # pyright: ignore[reportArgumentType]
        assert tuple(row.get("tails", ())) == true
        candidates = row.get("candidates", [])
        assert [each for each in candidates if each in true] == [row["target"]]
        assert len(set(candidates)) == len(candidates) >= 30


@pytest.mark.parametrize("data_set", ["commonsense_known", "commonsense_new"])
def test_sealed_and_dev_items_are_other_ones(data_set: str) -> None:
    asked = {row["question"] for row in suite.rows(data_set)}
    sealed = suite.rows(data_set, split="sealed", sealed=7)
    dev = suite.rows(data_set, split="dev")
    assert not asked & {row["question"] for row in [*sealed, *dev]}
    assert not {row["question"] for row in dev} & {row["question"] for row in sealed}
    assert sealed != suite.rows(data_set, split="sealed", sealed=8)


def test_the_teacher_errs_as_often_as_it_should_and_knows_a_little_of_it() -> None:
    rng, chosen = Random(0), Random(1).sample(events(), 300)
    first = [drafts(rng, WORLD, event, "xWant", n=1)[0] for event in chosen]
    share = sum(draft.is_true for draft in first) / len(first)
    assert 0.68 < share < 0.82
    likely = {
        flag: [draft.logprob for draft in first if draft.is_true is flag] for flag in (True, False)
    }
    assert sum(likely[True]) / len(likely[True]) > sum(likely[False]) / len(likely[False]) + 0.5


def test_what_the_teacher_says_is_true_is_true() -> None:
    rng = Random(2)
    for event in events()[::37]:
        for relation in RELATIONS:
            for draft in drafts(rng, WORLD, event, relation):
                assert draft.is_true == (draft.text in WORLD.tails(event, relation))


@pytest.mark.parametrize(("beliefs", "most"), [(1.0, 5), (0.0, 100)])
def test_a_false_belief_is_told_again_and_a_slip_is_not(beliefs: float, most: int) -> None:
    rng, buys = Random(3), [event for event in events() if event.action == "buys"]
    wrong = Counter(
        draft.text.replace(event.object, "it")
        for event in buys
        for draft in drafts(rng, WORLD, event, "xReact", n=20, acceptance=0.5, beliefs=beliefs)
        if not draft.is_true
    )
    assert wrong and len(wrong) <= most and (len(wrong) > 20) == (beliefs == 0)


def test_the_corpus_holds_a_clean_human_part_and_a_larger_loose_one() -> None:
    built = teacher.build("pocket-commonsense", world=0)
    by_source = Counter(row.get("source") for row in built.rows)
    assert by_source["machine"] > 10 * by_source["human"] > 0
    asked = {event.text for event in suite.split_events("train")}
    for row in built.rows:
        assert row["question"] in asked
        if row.get("source") == "human":
            action, thing = row["question"].removeprefix("PersonX ").split(" the ")
            relation = row["task"]
            assert row["answer"] in WORLD.tails(Event(action, thing), relation)  # pyright: ignore[reportArgumentType]
    assert {row["split"] for row in built.labels} == {"corrupted", "train", "dev", "test"}
    heads = {
        split: {row["head"] for row in built.labels if row["split"] == split}
        for split in ("corrupted", "train", "dev", "test")
    }
    for split, others in [("test", ("corrupted", "train", "dev")), ("dev", ("corrupted", "train"))]:
        assert not any(heads[split] & heads[other] for other in others)


def test_how_much_people_wrote_changes_nothing_else_and_more_holds_the_fewer() -> None:
    few, usual, many = (
        teacher.build(name, world=0)
        for name in ("pocket-commonsense-h10", "pocket-commonsense", "pocket-commonsense-h160")
    )

    def part(built: TeacherCorpus, source: str) -> set[tuple[str, str, str]]:
        return {
            (r["question"], r["task"], r["answer"]) for r in built.rows if r.get("source") == source
        }

    assert part(few, "human") < part(usual, "human") < part(many, "human")
    assert part(few, "machine") == part(usual, "machine") == part(many, "machine")
    assert few.labels == usual.labels == many.labels


def test_every_object_is_of_one_kind() -> None:
    counts = Counter(thing for kind in lexicon()["kinds"].values() for thing in kind["objects"])
    assert set(counts.values()) == {1}


@pytest.mark.parametrize(
    ("written", "strict", "flexible", "failed"),
    [
        (" to eat the cake", 1, 1, 0),
        (" To eat  the cake. And then", 1, 1, 0),
        (" eat a cake\nPersonX", 0, 1, 0),
        (" to eat the pie", 0, 0, 0),
        (" ", 0, 0, 1),
    ],
)
def test_a_tail_is_right_if_it_is_any_of_the_true_ones(
    written: str, strict: int, flexible: int, failed: int
) -> None:
    doc = suite.rows("commonsense_known")[0]
    doc = {**doc, "tails": ["gets a receipt", "to eat the cake"]}
    found = process_results(doc, [written])  # pyright: ignore[reportArgumentType]
    assert found == {"strict": strict, "author": strict, "flexible": flexible, "failed": failed}


def test_the_pins_are_those_of_the_generator() -> None:
    pinned = {e["name"]: e for e in catalogue.tasks() if "commonsense" in e["revision"]}
    assert set(pinned) == {"commonsense_known", "commonsense_new"}
    for name, entry in pinned.items():
        rows = docs.stratified(suite.rows(name))
        assert (entry["n"], entry["sha256"]) == (len(rows), docs.items_sha256(rows)), name
        assert entry["revision"] == f"commonsense v{suite.VERSION}"


@pytest.mark.parametrize("name", teacher.CORPORA)
def test_the_manifest_is_that_of_the_corpus(name: str) -> None:
    stored = Path(docs.__file__).parent / "corpora" / f"{name}.json"
    assert manifest(name, teacher.build(name, world=0)) == json.loads(stored.read_text())
