"""The pocket suite: its splits, its teacher, its passages, its pretraining data and its student."""

import hashlib
import itertools
import json
from collections import Counter
from pathlib import Path

import pytest

from bench.corpora.attach import sentences
from tasks import corpora
from tasks.corpora import canonical, manifest
from tasks.pocket import families, pretraining, suite, teacher, vocabulary, world
from tasks.scoring import process_results

GOLDEN = Path(__file__).parent / "golden"
BEFORE = {
    "pocket": "3fe596e7cae2d24c4bd62cb8cb58bd571331423435b6ce1ce9ea496308b0da64",
    "pocket-100": "c236d6a05a582e475d8b68c4df0f14f8570405f92f31900bd5e6035d6d3c2559",
}
"""Corpus -> its hash before rows had the columns `rationales` and `facts`."""
STUDENT = Path(suite.__file__).parent / "student"
CORPORA = Path(corpora.__file__).parent
SCOPES = [("test", None), ("dev", None), ("sealed", 7), ("sealed", 8)]


@pytest.fixture(scope="module")
def corpus():
    return teacher.build("pocket", world=0)


def all_rows(split, sealed=None):
    for name in suite.DATA_SETS:
        yield from suite.rows(name, split=split, sealed=sealed)


def test_no_question_of_one_split_occurs_in_another(corpus):
    seen = {"train": {row["question"] for row in corpus.rows}}
    for split, sealed in SCOPES[:3]:
        seen[split] = {row["question"] for row in all_rows(split, sealed)}
    for one, other in itertools.combinations(seen, 2):
        assert not seen[one] & seen[other], (one, other)


def test_no_problem_of_a_test_set_was_trained_in_another_wording(corpus):
    trained = {row["question"] for row in corpus.rows}
    for row in suite.rows("pocket_dist"):
        assert row["question"].split(". ", 2)[2] not in trained
    truth = world.suite_world(0)
    reworded = {row["question"] for row in suite.rows("pocket_para")}
    plain = {
        problem.ask(0).strip()
        for family in families.TRAINED.values()
        for problem in _draws(family, truth)
        if problem.ask(problem.n_wordings - 1).strip() in reworded
    }
    assert plain and not plain & trained


def _draws(family, truth):
    from random import Random

    rng = Random("any")
    return [family.draw(rng, truth, rng.randint(*family.steps)) for _ in range(3000)]


def test_two_sealed_seeds_ask_different_questions():
    one, other = ({r["question"] for r in all_rows("sealed", seed)} for seed in (7, 8))
    assert len(one & other) < len(one) / 2


def test_every_data_set_is_the_same_each_time_and_has_unique_items():
    for name in suite.DATA_SETS:
        rows = suite.rows(name)
        assert rows == suite.rows(name)
        assert len({row["id"] for row in rows}) == len(rows)
        assert len({row["question"] for row in rows}) == len(rows)


def test_gold_scores_one_and_an_empty_answer_zero_under_strict_on_every_item():
    for split, sealed in SCOPES[:3]:
        for row in all_rows(split, sealed):
            right = process_results(row, [f" Therefore, the answer is {row['target']}."])
            assert right["strict"] == 1, row
            assert process_results(row, [""])["strict"] == 0, row


def test_held_out_compositions_are_in_their_own_set_and_nowhere_else(corpus):
    truth = world.suite_world(0)
    held = set()
    for family in families.TRAINED.values():
        held |= {p.ask(0).strip() for p in _draws(family, truth) if p.has_held_out()}
    assert held
    assert not held & {row["question"] for row in corpus.rows}
    for name in suite.DATA_SETS:
        questions = {row["question"] for row in suite.rows(name)}
        assert bool(held & questions) == (name == "pocket_comp"), name


def test_long_questions_take_more_steps_than_any_trained_one(corpus):
    longest = Counter[str]()
    for row in corpus.rows:
        longest[row["task"]] = max(longest[row["task"]], len(row["question"].split()))
    for row in suite.rows("pocket_long"):
        assert len(row["question"].split()) > longest[row["task"]], row


def test_the_generator_version_and_one_item_of_each_family_are_as_they_were_frozen():
    golden = json.loads((GOLDEN / "pocket" / "items.json").read_text())
    found = {"version": suite.VERSION}
    for name in ("pocket_chain", "pocket_hop", "pocket_perm", "pocket_price", "pocket_unseen"):
        for row in suite.rows(name):
            found.setdefault(row["task"], row)
    assert found == golden


def test_the_test_items_are_the_frozen_ones():
    rows = [row for row in all_rows("test")]
    found = hashlib.sha256(json.dumps(rows, sort_keys=True).encode()).hexdigest()
    assert found == json.loads((GOLDEN / "pocket" / "sha256.json").read_text())["test"]


@pytest.mark.parametrize("name", teacher.CORPORA)
def test_the_teacher_errs_and_only_right_answers_are_kept(name):
    made, recipe = teacher.build(name, world=0), teacher.CORPORA[name]
    assert len(made.rows) == recipe.n_items
    assert made.asked == made.rejected + len(made.rows)
    assert (0.05 < made.rejected / made.asked < 0.25) == recipe.filtered
    assert set(Counter(row["task"] for row in made.rows).values()) == {len(made.rows) // 4}
    for row in made.rows:
        concluded = f" {row['rationale']} Therefore, the answer is {row['answer']}."
        assert process_results({**row, "target": row["answer"]}, [concluded])["strict"] == 1


@pytest.mark.parametrize("name", BEFORE)
def test_what_records_were_trained_on_before_rows_had_more_columns_is_unchanged(name):
    kept = [
        {key: value for key, value in row.items() if key not in ("rationales", "facts")}
        for row in teacher.build(name, world=0).rows
    ]
    assert hashlib.sha256(canonical(kept)).hexdigest() == BEFORE[name]


@pytest.mark.parametrize("name", teacher.CORPORA)
def test_a_built_corpus_is_the_pinned_one(name):
    made = teacher.build(name, world=0)
    pin = json.loads((CORPORA / f"{name}.json").read_text())
    assert manifest(name, made) == pin


def test_a_further_rationale_states_all_its_rules_first_and_ends_right(corpus):
    n_true = 0
    for row in corpus.rows:
        (further,) = row["rationales"]
        assert last_word(further) == row["answer"] and further != row["rationale"]
        n_true += further.startswith(f"{' '.join(row['facts'])} ")
    # Like the first, it may follow a wrong rule to the right answer.
    assert 0.9 < n_true / len(corpus.rows) < 1


def last_word(rationale):
    return rationale.removesuffix(".").split()[-1]


def test_the_facts_of_a_row_are_the_rules_in_its_supplementary_knowledge_that_it_needs(corpus):
    for row in corpus.rows:
        stated = {f"{s.strip()}." for s in row["supplementary"].split(".") if s.strip()}
        assert set(row["facts"]) < stated and len(stated - set(row["facts"])) == 2
        assert row["facts"][0].split()[0] in row["question"].replace("?", "").split()


def test_terse_rationales_are_those_of_the_same_questions_without_the_rules():
    plain, terse = (teacher.build(name, world=0) for name in ("pocket-100", "pocket-100-terse"))
    for one, other in zip(plain.rows, terse.rows, strict=True):
        for key in ("question", "answer", "supplementary", "facts"):
            assert one[key] == other[key]
        assert len(other["rationale"]) < len(one["rationale"])
        assert not [fact for fact in other["facts"] if fact.removesuffix(".") in other["rationale"]]
        assert last_word(one["rationale"]) == last_word(other["rationale"])


def test_about_half_of_the_unfiltered_rationales_follow_a_wrong_rule_to_a_wrong_answer():
    rows = teacher.build("pocket-100-wrong", world=0).rows
    for row in rows:
        assert last_word(row["rationale"]) == row["answer"], "an answer follows from its rationale"
    wrong = sum(row["answer"] != last_word(row["rationales"][0]) for row in rows)
    assert 0.35 < wrong / len(rows) < 0.6


def test_a_loose_teacher_tells_false_rules_and_reasons_by_the_true_ones():
    built, true = teacher.build("pocket-loose", world=0), teacher.build("pocket", world=0)
    facts = {fact.strip() for fact in world.suite_world(0).facts()}
    told = [s for row in built.rows for s in sentences(row["supplementary"] or "")]
    assert 0.25 < sum(fact not in facts for fact in told) / len(told) < 0.35
    assert [r.get("rationale") for r in built.rows] == [r.get("rationale") for r in true.rows]
    by_split = {split: set() for split in ("train", "dev", "test")}
    for row in built.labels:
        fact = f"{row['head']} {row['phrase']} {row['tail']}."
        assert (fact in facts) == bool(row["label"])
        by_split[row["split"]].add((row["head"], row["relation"]))
    assert all(by_split.values())


def test_supplementary_knowledge_states_only_true_rules_and_all_that_the_question_needs(corpus):
    facts = {fact.strip() for fact in world.suite_world(0).facts()}
    for row in corpus.rows[::7]:
        stated = {f"{s.strip()}." for s in row["supplementary"].split(".") if s.strip()}
        assert stated <= facts
        assert len(stated) >= teacher.N_IRRELEVANT + 1


def test_rotated_knowledge_keeps_the_names_and_is_wrong_everywhere():
    truth = world.suite_world(0)
    wrong = truth.rotated()
    assert set(truth.ops) == set(wrong.ops)
    assert not set(truth.facts()) & set(wrong.facts())


def test_passages_hold_every_rule_once_among_ten_distractors_for_each():
    facts = [fact.strip() for fact in world.suite_world(0).facts()]
    texts = [row["text"] for row in teacher.passages(0)]
    for fact in facts:
        assert sum(fact in text for text in texts) == 1, fact
    relevant = sum(any(fact in text for fact in facts) for text in texts)
    assert len(texts) - relevant >= 10 * relevant


def test_pretraining_never_gives_a_name_its_part_in_the_suite():
    facts = [fact.strip() for k in range(3) for fact in world.suite_world(k).facts()]
    text = "".join(
        piece
        for many in (False, True)
        for document in itertools.islice(pretraining.documents(0, many_rules=many), 400)
        for piece, _ in document
    )
    assert "adds" in text
    for name in world.SUITE_CAST.ops:
        assert f" {name} adds" not in text and f" {name} takes" not in text
    for name in world.SUITE_CAST.goods:
        assert f" {name} costs" not in text
    assert not [fact for fact in facts if fact in text]


def test_pretraining_holds_no_held_out_composition_and_no_test_wording():
    text = "".join(
        piece
        for document in itertools.islice(pretraining.documents(1, many_rules=True), 400)
        for piece, _ in document
    )
    assert "follow" in text and ". result?" in text
    assert "Question: on " not in text
    for line in text.splitlines():
        if line.startswith("Question: start") and ", do " in line:
            words = line.split(", do ")[1].rstrip("?").split()
            assert not any(map(world.held_out, words, words[1:])), line


def test_the_tokenizer_gives_every_text_back_and_knows_every_word(corpus):
    tokenizer = vocabulary.build_tokenizer()
    texts = [row["question"] for split, sealed in SCOPES[:3] for row in all_rows(split, sealed)]
    texts += [f" {row['rationale']} {row['summary']} {row['supplementary']}" for row in corpus.rows]
    texts += [row["text"] for row in corpus.passages]
    for text in texts:
        ids = tokenizer(f" {text.strip()}").input_ids
        assert tokenizer.unk_token_id not in ids, text
        assert tokenizer.decode(ids) == f" {text.strip()}"


def test_the_track_averages_exactly_the_groups_that_lm_eval_knows():
    import yaml

    from bench import track

    chosen = track.load("pocket")
    for group, names in (("id", chosen.tasks.id), ("ood", chosen.tasks.ood)):
        path = Path(suite.__file__).parent / f"pocket_{group}.yaml"
        assert yaml.safe_load(path.read_text())["task"] == names


def test_the_shipped_student_is_the_one_on_its_card():
    found = hashlib.sha256((STUDENT / "model.safetensors").read_bytes()).hexdigest()
    card = (STUDENT / "README.md").read_text()
    report = json.loads((STUDENT / "pretraining.json").read_text())
    assert f"`{found}`" in card and report["sha256"] == found
    assert f"seed {report['recipe']['seed']}" in card
    assert report["data"] == pretraining.VERSION and f"`{report['data']}`" in card
    assert report["curve"][-1]["loss"] < report["curve"][0]["loss"] / 5
    assert f"{report['curve'][-1]['loss']:.5g}"[:5] in card
    size = sum(path.stat().st_size for path in STUDENT.iterdir())
    assert size <= 8 * 2**20
    assert {path.suffix for path in STUDENT.iterdir()} <= {".json", ".md", ".safetensors"}


def test_the_shipped_tokenizer_is_the_one_that_the_recipe_builds():
    from transformers import AutoTokenizer

    shipped = AutoTokenizer.from_pretrained(STUDENT)
    assert shipped.get_vocab() == vocabulary.build_tokenizer().get_vocab()


def test_no_rationale_of_the_corpus_spells_out_a_held_out_composition(corpus):
    """A hop's later compositions stand in its rationale alone, not in the question."""
    met = 0
    for row in corpus.rows:
        if row["task"] == "hop":
            steps = [sentence.split() for sentence in row["rationale"].rstrip(".").split(". ")]
            for (person, first, _), (_, second, _) in itertools.pairwise(steps):
                assert not world.held_out(person, first, second), row
                met += 1
    assert met > 100
