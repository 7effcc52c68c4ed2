"""The corpora of published rationales: what is kept, held out, known, retrieved and shared."""

import json
import os
import re
from collections import Counter
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import pytest

import tasks
from bench.__main__ import main
from bench.corpora.contents import recall_by_task
from bench.corpora.corpus import Corpus
from bench.ground.provenance import file_sha256
from tasks import contamination, published
from tasks.corpora import CorpusRow, TeacherCorpus, canonical, manifest, n_tokens
from tasks.docs import Item, MissingDataError
from tasks.in_domain import knowledge, sources, teacher
from tasks.in_domain.teacher import Part, Recipe
from tasks.raw import sha256

TASKS = Path(tasks.__file__).parent
BUILT_IN = sorted(teacher.CORPORA)
BANK = {
    "gsm8k": {"summary": "add up. " * 70, "supplementary": "A dozen is twelve."},
    "csqa": {"summary": "think.", "supplementary": "Dogs bark."},
}


@cache
def built(name: str) -> TeacherCorpus:
    """A corpus of the published data, read once."""
    return teacher.build(name, world=0, data_dir=Path(os.environ["SKBENCH_DATA"]))


@pytest.fixture
def real(data: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], TeacherCorpus]:
    monkeypatch.setenv("SKBENCH_DATA", str(data))
    return built


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A data folder of a few questions from each source, and a knowledge bank beside it."""
    steps = "He has <<1+1=2>>2.\nSo <<2*600=1200>>1,200.\n#### 1,200"
    cqa = [
        {"id": f"c{i}", "question": f"Who barks {i}? ", "choices": choices, "answer": "dog"}
        for i, choices in enumerate([["cat", "dog", "a", "b", "c"]] * 3 + [["dog", "dog", *"abc"]])
    ]
    said = ["(b) dog.", "(a) cat.", "(b) dog or (a) cat.", "(a) dog."]
    palm = [f"Dogs bark. So the answer is {s}\n\nQ: Why?\nA: So the answer is no." for s in said]
    sums = [
        {"input": "Half of 6\nHow many?", "label": "( 6.0 / 2.0 )"},
        {"input": "Two and two\nHow many?", "label": "( 2.0 + 2.0 )"},
        {"input": "Nine less three\nHow many?", "label": "( 9.0 - 3.0 )"},
    ]
    worked = ["Six. The answer is (12 / 4).", "Five. The answer is (2 + 3).", "No idea"]
    facts = {"question": "Do cats bark?", "answer": False, "facts": ["Cats  mew. ", "Dogs bark."]}
    asked = facts | {"qid": "q1", "decomposition": ["What do cats do?", "Is #1 bark?"]}
    held = asked | {"qid": "q2", "question": "Do dogs?", "answer": True, "facts": ["Dogs do."]}
    palm_dir = "distilling_step_by_step"
    files: dict[str, str] = {
        "gsm8k/train.jsonl": "".join(
            json.dumps({"question": f"How many, {i}?", "answer": steps}) + "\n" for i in range(60)
        ),
        f"{palm_dir}/cqa/cqa_train.json": "".join(json.dumps(row) + "\n" for row in cqa),
        f"{palm_dir}/cqa/palm/train_CoT_0.json": json.dumps(palm[:3]),
        f"{palm_dir}/cqa/palm/train_CoT_1.json": json.dumps(palm[3:]),
        f"{palm_dir}/svamp/svamp_train.json": "".join(json.dumps(row) + "\n" for row in sums),
        f"{palm_dir}/svamp/palm/train_CoT_0.json": json.dumps(worked),
        "strategyqa/train.json": json.dumps([asked]),
        "strategyqa/dev.json": json.dumps([held]),
        "flan_cot/creak_train.tsv": "Is it so?\\nOptions:\\n- yes\\n- no\tno\tIt is\\nnot.\n" * 2,
        "flan_cot/qasc_train.tsv": "What?\\nOptions:\\n- (A) x\\n- (B) y\t(B)\tBecause.\n",
    }
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    bank = tmp_path / "bank.json"
    bank.write_text(json.dumps(BANK))
    monkeypatch.setattr(knowledge, "BANK", bank)
    return tmp_path


def of(name: str, folder: Path) -> TeacherCorpus:
    return teacher.build(name, world=0, data_dir=folder)


def counts(corpus: TeacherCorpus) -> tuple[int, int, int]:
    return corpus.asked, corpus.rejected, len(corpus.rows)


# ---------------------------------------------------------------- sources, without the real data


def test_human_steps_come_without_calculator_marks_and_their_answer_without_commas(
    folder: Path,
) -> None:
    corpus = of("gsm8k-human", folder)
    assert corpus.rows[0]["rationale"] == "He has 2.\nSo 1,200."
    assert corpus.rows[0]["answer"] == "1200" and corpus.rows[0]["summary"] is None
    assert counts(corpus) == (60, 0, 60)


def test_a_completion_ends_where_it_runs_on_and_counts_if_it_names_the_one_gold_choice(
    folder: Path,
) -> None:
    corpus = of("csqa-palm", folder)
    (row,) = corpus.rows
    assert (row["id"], row["answer"], row["rationale"]) == ("csqa/train/c0", "(B)", "Dogs bark.")
    assert row["question"] == "Who barks 0?\nOptions:\n(A) cat\n(B) dog\n(C) a\n(D) b\n(E) c"
    assert row["options"][:2] == ["(A) cat", "(B) dog"]
    assert counts(corpus) == (4, 3, 1), "wrong, undecided, and a gold choice that stands twice"


def test_an_equation_is_right_if_its_value_is(folder: Path) -> None:
    corpus = of("svamp-palm", folder)
    (row,) = corpus.rows
    assert (row["answer"], row["rationale"]) == ("3", "Six.")
    assert counts(corpus) == (3, 2, 1)


def test_facts_are_the_knowledge_of_their_question_and_the_published_dev_part_is_held_out(
    folder: Path,
) -> None:
    corpus = of("strategyqa-facts", folder)
    (row,) = corpus.rows
    assert row.get("facts") == ["Cats mew.", "Dogs bark."] and row["answer"] == "No"
    assert row["rationale"] == row["supplementary"] == "Cats mew. Dogs bark."
    assert row["summary"] == "1. What do cats do?\n2. Is #1 bark?"
    assert [item["question"] for item in corpus.dev] == ["Do dogs?"]
    found = manifest("strategyqa-facts", corpus)
    assert (found.get("knowledge"), found.get("n_dev")) == ("per question", 1)
    texts = {passage["text"] for passage in corpus.passages}
    assert {"Cats mew. Dogs bark.", "Dogs do."} <= texts


def test_lines_of_the_cot_collection_get_their_breaks_back_and_equal_questions_come_once(
    folder: Path,
) -> None:
    rows = of("flan-cot", folder).rows
    assert [(row["task"], row["options"], row["answer"]) for row in rows] == [
        ("creak", ["yes", "no"], "no"),
        ("qasc", ["(A) x", "(B) y"], "(B)"),
    ]
    assert rows[0]["rationale"] == "It is\nnot."


# ---------------------------------------------------------------- draws, knowledge and manifests


def test_a_draw_is_the_first_right_rows_by_hash_and_begins_every_longer_one(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    drawn: dict[int, list[str]] = {}
    for n in (3, 20):
        recipe = Recipe((Part(sources.GSM8K, n), Part(sources.CSQA, 1)), held_out=teacher.by_hash)
        monkeypatch.setitem(teacher.CORPORA, "mix", recipe)
        corpus = of("mix", folder)
        drawn[n] = [row["question"] for row in corpus.rows]
        assert len(drawn[n]) == n + 1
        assert corpus.asked == corpus.rejected + n + 1
        held = {item["question"] for item in corpus.dev}
        assert held and not held & set(drawn[n])
        others = [q for i in range(60) if (q := f"How many, {i}?") not in held]
        assert drawn[n][:-1] == sorted(others, key=sha256)[:n]
    assert drawn[20][:3] == drawn[3][:3]
    too_many = Recipe((Part(sources.CSQA, 2),))
    monkeypatch.setitem(teacher.CORPORA, "mix", too_many)
    with pytest.raises(ValueError, match="1 right rows, 2 are needed"):
        of("mix", folder)


def test_a_row_whose_target_is_too_long_is_left_out_and_counted(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # "He has 2." is 4, the line break 1, "So 1,200." 7, "Therefore, the answer is 1200." 10.
    for longest, n in ((22, 58), (21, 0)):
        recipe = Recipe((Part(sources.GSM8K),), held_out=teacher.by_hash, longest=longest)
        monkeypatch.setitem(teacher.CORPORA, "mix", recipe)
        corpus = of("mix", folder)
        assert (len(corpus.rows), corpus.rejected) == (n, corpus.asked - n)


def test_every_row_gets_the_knowledge_of_its_task_and_an_entry_is_counted_once(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recipe = Recipe((Part(sources.GSM8K, 5), Part(sources.CSQA)), bank=True)
    monkeypatch.setitem(teacher.CORPORA, "mix", recipe)
    corpus = of("mix", folder)
    for row in corpus.rows:
        entry = BANK[row["task"]]
        assert (row["summary"], row["supplementary"]) == tuple(entry.values())
    written = n_tokens(*(text for entry in BANK.values() for text in entry.values()))
    assert corpus.teacher_tokens["knowledge"] == written
    assert manifest("mix", corpus).get("knowledge") == "per task"
    knowledge.BANK.write_text(json.dumps({"csqa": BANK["csqa"]}))
    with pytest.raises(ValueError, match="no entry for task 'gsm8k'"):
        of("mix", folder)
    knowledge.BANK.unlink()
    with pytest.raises(MissingDataError, match=r"bank\.json"):
        of("mix", folder)


def test_the_bank_is_cut_into_passages_of_at_most_128_words(folder: Path) -> None:
    pieces = {passage["id"]: passage["text"] for passage in knowledge.passages()}
    assert max(len(text.split()) for text in pieces.values()) <= 128
    assert pieces["bank/gsm8k/summary/0"] + " " + pieces["bank/gsm8k/summary/1"] == (
        BANK["gsm8k"]["summary"].strip()
    )
    assert len(pieces) == 5


def test_facts_of_a_question_that_is_tested_are_not_to_be_found(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tested = [{"question": " Do cats bark?\nOptions:\n(A) yes\n(B) no"}]
    monkeypatch.setattr(teacher, "bb_sub", lambda _: tested)
    texts = [passage["text"] for passage in teacher.bank_and_facts(folder)]
    assert "Dogs do." in texts and "Cats mew. Dogs bark." not in texts


def test_a_manifest_says_only_what_there_is_to_say(folder: Path) -> None:
    found = manifest("gsm8k-human", of("gsm8k-human", folder))
    assert not {"knowledge", "n_dev", "dev_sha256"} & set(found)


# ---------------------------------------------------------------- contamination


SENTENCE = "One two three, four five six seven; eight nine ten eleven twelve thirteen"


def row(**given: Any) -> dict[str, Any]:
    return {"question": "q", "options": [], "rationale": "r", "answer": "a"} | given


def item(question: str, options: list[str] | None = None) -> Item:
    options = options or []
    whole = "\n".join([question, "Options:", *options]) if options else question
    return {"id": "i", "task": "t", "question": whole, "options": options, "target": "a"}


def shared(corpus_row: dict[str, Any], test: Item) -> contamination.Overlap:
    asked = contamination.asked(test)
    return contamination.overlap([asked], contamination.trace([corpus_row], "people"))


@pytest.mark.parametrize("key", ["question", "rationale", "summary", "supplementary"])
def test_thirteen_words_in_a_row_mark_an_item_wherever_the_corpus_has_them(key: str) -> None:
    found = shared(row(**{key: f"so: {SENTENCE}."}), item(SENTENCE.upper() + " 14?"))
    assert (found["shared_13gram"], found["all_13grams"], found["short"]) == (1, 0, 0)
    assert shared(row(**{key: SENTENCE}), item(SENTENCE))["all_13grams"] == 1


def test_lists_of_texts_count_and_twelve_words_do_not() -> None:
    assert shared(row(rationales=["x", SENTENCE]), item(SENTENCE))["shared_13gram"] == 1
    assert shared(row(facts=[SENTENCE]), item(SENTENCE))["shared_13gram"] == 1
    twelve = SENTENCE.rpartition(" ")[0]
    found = shared(row(rationale=twelve), item(twelve))
    assert (found["shared_13gram"], found["short"]) == (0, 1)
    assert shared(row(rationale=twelve), item(SENTENCE))["shared_13gram"] == 0
    apart = row(question=twelve, rationale="thirteen")
    assert shared(apart, item(SENTENCE))["shared_13gram"] == 0, "n-grams do not span two texts"


def test_equal_questions_have_equal_options_in_any_order_where_both_have_some() -> None:
    ask = item("Which?", ["(A) cat", "(B) dog"])
    same = item("  which? ", ["(A) dog", "(B) cat"])
    assert shared(row(question=same["question"], options=same["options"]), ask)["equal_questions"]
    other = item("Which?", ["(A) cat", "(B) cow"])
    found = shared(row(question=other["question"], options=other["options"]), ask)
    assert not found["equal_questions"]
    assert shared(row(question="Which?"), ask)["equal_questions"]
    assert not shared(row(question="( ["), item("( {"))["equal_questions"]


def test_a_teacher_that_may_have_seen_the_tests_is_named() -> None:
    mixed = contamination.trace([row()], "code-davinci-002; people (GSM8K); PaLM")
    assert contamination.overlap([], mixed)["may_be_known_to"] == ["code-davinci-002", "PaLM"]
    assert contamination.trace([row()], "people (GSM8K)").teachers == []
    assert contamination.trace([row()], "tasks/pocket/teacher.py, error rate 0.5").teachers == []


def test_a_teacher_that_nothing_is_known_of_is_not_taken_to_be_clean() -> None:
    assert contamination.trace([row()], "somebody's model").teachers == ["somebody's model"]
    assert contamination.trace([row()], "").teachers == ["a teacher without a name"]


# ---------------------------------------------------------------- retrieval and verbs


def test_recall_is_the_share_of_a_rows_own_knowledge_that_its_question_finds() -> None:
    rows = [
        row(task="a", question="apples", summary="apples grow. on trees.", supplementary="red"),
        row(task="b", question="bread", summary="flour", supplementary="nothing of it"),
        row(task="c", question="cars", summary=None, supplementary=None),
    ]
    read = Corpus(rows, ["apples grow.", "on trees.", "bread rises", "flour"], {})
    assert recall_by_task(read, 1) == {"a": 0.5, "b": 0.0}
    assert recall_by_task(read, 4) == {"a": 1.0, "b": 1.0}
    assert recall_by_task(Corpus(rows, [], {}), 3) == {}


def test_a_built_in_corpus_is_imported_by_its_name(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    recipe = Recipe((Part(sources.STRATEGYQA),), passages=teacher.facts)
    monkeypatch.setitem(teacher.CORPORA, "mine", recipe)
    out = folder / "out.jsonl"
    command = ["corpus", "import", "mine", "--out", str(out), "--data-dir", str(folder)]
    assert main(command) == 0
    assert capsys.readouterr().out == f"{out}: 2 rows\n"
    assert out.read_bytes() == canonical(of("mine", folder).rows)
    written = json.loads(out.with_suffix(".json").read_text())
    assert written["knowledge"] == "per question" and written["teacher"] == "people (StrategyQA)"
    assert main(["corpus", "check", str(out)]) == 0
    assert "2 with knowledge" in capsys.readouterr().out
    assert main(["corpus", "recall", str(out), "-k", "1", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["tasks"] == {"strategyqa": 1.0}
    assert main([*command[:2], "mien", *command[3:]]) == 2


def test_contamination_is_printed_for_every_test_set(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    sets = {"skb_cats": lambda _: [item("Do cats bark?"), item("Do cows?")]}
    monkeypatch.setattr(contamination, "TEST_SETS", sets)
    out = folder / "own.jsonl"
    told = row(id="1", task="t", question="do cats  bark?")
    out.write_bytes(canonical([told]))
    stored = {"teacher": "PaLM", "sha256": file_sha256(out)}
    out.with_suffix(".json").write_text(json.dumps(stored))
    command = ["corpus", "contamination", str(out), "--data-dir", str(folder)]
    assert main([*command, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)[str(out)]["skb_cats"]
    assert (found["n"], found["short"], found["equal_questions"]) == (2, 2, 1)
    assert main(command) == 0
    said = capsys.readouterr().out
    assert "skb_cats" in said and f"PaLM: {contamination.TEACHERS['PaLM']}" in said
    out.with_suffix(".json").write_text(json.dumps(stored | {"teacher": "gpt-9"}))
    assert main(command) == 0
    assert f"gpt-9: {contamination.OTHER_TEACHER}" in capsys.readouterr().out


# ---------------------------------------------------------------- on the published data


@pytest.mark.parametrize("name", BUILT_IN)
def test_a_corpus_is_the_one_of_its_manifest(
    name: str, real: Callable[[str], TeacherCorpus]
) -> None:
    stored = json.loads((TASKS / "corpora" / f"{name}.json").read_text())
    assert manifest(name, real(name)) == stored, (
        "if it was changed on purpose, take the manifest.json of $SKBENCH_HOME/corpora/"
    )
    rows = real(name).rows
    assert len({r["id"] for r in rows}) == len(rows)
    assert not any(re.search(r"[Ss]o the answer is", r["rationale"][-40:]) for r in rows)


def test_the_reconstruction_has_its_mix_and_asks_no_test_and_no_dev_question(
    real: Callable[[str], TeacherCorpus], data: Path
) -> None:
    corpus = real("recon-v1")
    kinds = Counter(r["id"].partition("/")[0] for r in corpus.rows)
    assert kinds == {"bbh": 3628, "gsm8k": 3500, "csqa": 1555}
    held = Counter(i["id"].partition("/")[0] for i in corpus.dev)
    assert held == {"bbh": 279, "gsm8k": 349, "csqa": 493}
    asked = {r["question"] for r in corpus.rows}
    assert not asked & {i["question"] for i in corpus.dev}
    tested = {i["question"] for read in published.TEST_SETS.values() for i in read(data)}
    assert not tested & (asked | {i["question"] for i in corpus.dev})
    assert {r["task"] for r in corpus.rows} == set(knowledge.bank())
    assert max(len(p["text"].split()) for p in corpus.passages) <= 128


def test_the_short_reconstruction_is_rows_of_the_whole_with_short_targets(
    real: Callable[[str], TeacherCorpus],
) -> None:
    def n_pieces(row: CorpusRow) -> int:
        target = f"{row['rationale']} Therefore, the answer is {row['answer']}."
        return len(re.findall(r"[A-Za-z]+|\S|\n", target))

    short, whole = real("recon-v1-short"), real("recon-v1")
    by_id = {row["id"]: row for row in whole.rows}
    assert all(by_id[row["id"]] == row for row in short.rows)
    assert {i["id"] for i in short.dev} == {i["id"] for i in whole.dev}
    kinds = Counter(row["id"].partition("/")[0] for row in short.rows)
    assert kinds == {"bbh": 267, "gsm8k": 258, "csqa": 115}
    assert max(map(n_pieces, short.rows)) <= 100
    out = Counter(r["id"].partition("/")[0] for r in whole.rows if n_pieces(r) > 100)
    assert out == {"bbh": 2819, "gsm8k": 1024}
    left = {row["task"] for row in whole.rows if n_pieces(row) <= 100}
    assert (len(left), len({row["task"] for row in short.rows})) == (11 + 2, 10 + 2)


def test_the_cot_collection_has_no_other_rationales_for_strategyqa_than_its_facts(
    data: Path,
) -> None:
    def bare(text: str) -> str:
        return re.sub(r"\W", "", text).lower()

    facts = {w.item["question"]: w.text for w in sources.strategyqa(data)}
    written = [w for w in sources.flan(data) if w.item["task"] == "strategyqa"]
    assert len(written) == 2060
    assert all(bare(w.text) == bare(facts[w.item["question"]]) for w in written)


def test_the_table_of_overlaps_is_fresh(real: Callable[[str], TeacherCorpus], data: Path) -> None:
    stored = json.loads((TASKS / "corpora" / "contamination.json").read_text())
    assert sorted(stored) == BUILT_IN
    sets = contamination.test_sets(data)
    for name in BUILT_IN:
        trace = contamination.trace(real(name).rows, real(name).teacher)
        found = {each: contamination.overlap(items, trace) for each, items in sets.items()}
        assert found == stored[name], (
            "skbench corpus contamination NAME .. --json > tasks/corpora/contamination.json"
        )


def test_the_recall_that_the_readme_reports_is_what_is_found(
    real: Callable[[str], TeacherCorpus],
) -> None:
    readme = (TASKS / "corpora" / "README.md").read_text()
    stated = dict(re.findall(r"^\| `([\w-]+)` \| .* \| (0\.\d\d\d) \|$", readme, re.MULTILINE))
    assert set(stated) == {name for name in BUILT_IN if real(name).knowledge}
    for name, value in stated.items():
        corpus = real(name)
        read = Corpus(corpus.rows, [p["text"] for p in corpus.passages], {})
        found = recall_by_task(read, 3)
        assert f"{sum(found.values()) / len(found):.3f}" == value, name
