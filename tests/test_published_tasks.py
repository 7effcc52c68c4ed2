"""The published suites and the corpus made of their train part."""

import hashlib
import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

import tasks
from bench.cli import catalogue
from tasks import docs, published, raw, solved
from tasks.corpora import TeacherCorpus, canonical, manifest
from tasks.in_domain import bbh, teacher
from tasks.in_domain.gsm8k import GSM8K_SOURCE
from tasks.out_of_domain import arc
from tasks.pocket import suite

TASKS = Path(tasks.__file__).parent
OTHERS = [
    entry["name"]
    for entry in catalogue.tasks()
    if entry["name"] in published.TEST_SETS and not entry["group"]
]
"""Tasks outside the groups."""
YAMLS = [p for p in sorted(TASKS.rglob("*.yaml")) if not p.name.startswith("_")]


@pytest.fixture(scope="module")
def split(data: Path) -> bbh.Split:
    return bbh.bbh(data)


@pytest.fixture(scope="module")
def corpus(data: Path) -> TeacherCorpus:
    return teacher.build("bbh-codex", world=0, data_dir=data)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A data folder of two small tasks, in the layout of the published files."""
    lies = [{"input": f"Question: {n} lies. Does {n}?", "target": "Yes"} for n in range(11)]
    shapes = [
        {"input": f"Shape {n}?\nOptions:\n(A) circle\n(B) square", "target": "(B)"}
        for n in (*range(5), *[5] * 5)
    ]
    files: dict[str, object] = {
        "bbh/bbh/lies.json": {"canary": "c", "examples": lies},
        "bbh/bbh/shapes.json": {"canary": "c", "examples": shapes},
        "cascod/ARC-Easy-Test.json": [
            {"input": "Question: q?\nOptions:\n(1) x\n- y ", "target": "(1)"}
        ],
    }
    for name, examples, said in (("lies", lies, "yes"), ("shapes", shapes, "(A)")):
        outputs = [{**e, "prediction": f"Well. So the answer is {said}."} for e in examples]
        path = f"bbh_codex_cot/{name}_few_shot_template_0-255000.json"
        files[path] = {"canary": "c", "outputs": outputs}
    for name, content in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(json.dumps(content))
    (tmp_path / "bbh/cot-prompts").mkdir()
    long = "word " * 300
    prompt = f"canary\n-----\nTell lies.\n\nQ: a\nA: b\n\nQ: c\nA: {long}\n\nQ: e\nA: f"
    (tmp_path / "bbh/cot-prompts/lies.txt").write_text(prompt)
    return tmp_path


# ---------------------------------------------------------------- without the published data


def test_every_yaml_file_is_indexed_by_lm_eval() -> None:
    from lm_eval.tasks import TaskManager

    index = TaskManager(include_path=str(TASKS), include_defaults=False).task_index
    assert {entry.yaml_path.resolve() for entry in index.values() if entry.yaml_path} == set(YAMLS)
    assert {*published.TEST_SETS, "paper_id", "paper_ood"} <= set(index)


@pytest.mark.parametrize("path", YAMLS, ids=lambda path: path.stem)
def test_every_function_named_in_a_yaml_file_exists(path: Path) -> None:
    from lm_eval.tasks._yaml_loader import load_yaml

    config = load_yaml(path, resolve_func=True)
    assert path.stem == config.get("task" if isinstance(config["task"], str) else "group")
    assert callable(config.get("process_results", print))


def test_every_published_task_is_a_test_set_and_comes_from_a_source_that_can_be_fetched() -> None:
    known = (TASKS / "SOURCES.tsv").read_text().splitlines()[1:]
    commits = {"@".join(line.split("\t")[1:3]) for line in known}
    pinned = {e["name"]: e for e in catalogue.tasks() if "@" in e["revision"]}
    assert set(pinned) == {*published.TEST_SETS, *published.TRIPLES}
    for entry in pinned.values():
        unknown = set(entry["revision"].split()) - commits
        assert not unknown, f"{entry['name']}: {unknown} in no row of tasks/SOURCES.tsv"


def test_the_pins_of_the_pocket_suite_are_those_of_its_generator() -> None:
    pinned = {e["name"]: e for e in catalogue.tasks() if "pocket" in e["revision"]}
    assert set(pinned) == set(suite.DATA_SETS)
    for name, entry in pinned.items():
        rows = docs.stratified(suite.rows(name))
        assert (entry["n"], entry["sha256"]) == (len(rows), docs.items_sha256(rows)), name
        assert entry["revision"] == f"pocket v{suite.VERSION}"


def test_a_task_is_listed_with_its_group_and_pin_without_reading_any_data(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("SKBENCH_DATA", raising=False)
    listed = {entry["name"]: entry for entry in catalogue.tasks()}
    assert listed["skb_gsm8k"] | {"tracks": [], "sha256": ""} == {
        "name": "skb_gsm8k",
        "group": ["paper_id"],
        "tracks": [],
        "n": 1319,
        "sha256": "",
        "licence": "MIT",
        "revision": GSM8K_SOURCE,
        "split": "test",
    }
    assert all(len(entry["sha256"]) == 64 for entry in listed.values())
    assert listed["skb_gsm_plus_none"]["group"] == []


def test_the_last_fifth_by_hash_is_test_and_equal_questions_stay_together(folder: Path) -> None:
    split = bbh.bbh(folder)
    lies = [row for row in split.test if row["task"] == "lies"]
    raw = [f"Question: {n} lies. Does {n}?" for n in range(11)]
    last = sorted(raw, key=lambda q: hashlib.sha256(q.encode()).hexdigest())[-3:]
    assert ["Question: " + row["question"] for row in lies] == last
    assert not {r["question"] for r in split.train} & {r["question"] for r in split.test}
    assert len({row["id"] for row in (*split.train, *split.test)}) == 21


def test_equal_questions_on_the_cut_all_go_to_test(folder: Path) -> None:
    path = folder / "bbh/bbh/shapes.json"
    path.write_text(json.dumps({"examples": [{"input": "q", "target": "a"}] * 5}))
    split = bbh.bbh(folder)
    assert Counter(row["task"] for row in split.test)["shapes"] == 5
    assert Counter(row["task"] for row in split.train)["shapes"] == 0


def test_questions_come_bare_with_their_options(folder: Path) -> None:
    (easy,) = arc.arc_easy(folder)
    assert easy["question"] == "q?\nOptions:\n(1) x\n- y "
    assert easy["options"] == ["(1) x", "y"]
    assert raw.item("t/0", "t", "q?\nOptions:\n- Yes\n- No", "No")["options"] == ["Yes", "No"]
    row = next(r for r in bbh.bbh(folder).train if r["task"] == "lies")
    assert not row["question"].startswith("Question: ")
    assert row["options"] == []


def test_an_item_that_is_not_the_pinned_one_stops_the_run(folder: Path) -> None:
    rows = docs.stratified(bbh.bbh(folder).test)
    pin = docs.items_sha256(rows)

    def load(**scope: object) -> Any:
        return published.load("skb_bbh", pin, "some@where", str(folder), version=1, **scope)

    served = load(world=0, split="test")["test"]
    assert [row["task"] for row in served][:2] == ["lies", "shapes"]
    for other in ({"world": 1}, {"split": "dev"}, {"sealed": 7}):
        with pytest.raises(docs.WrongItemsError, match="only its published test items exist"):
            load(**other)
    path = folder / "bbh/bbh/shapes.json"
    path.write_text(path.read_text().replace('"(B)"', '"(A)"'))
    with pytest.raises(ValueError, match=rf"skb_bbh.*expected items_sha256 {pin}, got") as error:
        load()
    assert f"Put the files of some@where into {folder}." in str(error.value)


def test_solutions_that_are_not_the_pinned_ones_are_refused(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    codex = solved.SOLVED["skb_bbh"]
    rows = [
        {**each.item, "rationale": each.rationale}
        for each in codex.written(published.items("skb_bbh", folder), folder)
    ]
    right = codex._replace(sha256=docs.items_sha256(rows))
    monkeypatch.setitem(solved.SOLVED, "skb_bbh", right)
    assert solved.solved("skb_bbh", folder) == rows
    path = next(folder.glob("bbh_codex_cot/lies*"))
    path.write_text(path.read_text().replace("Well.", "Well, well."))
    with pytest.raises(docs.WrongItemsError, match="`skbench data check"):
        solved.solved("skb_bbh", folder)


def test_a_damaged_file_is_named(folder: Path) -> None:
    path = folder / "bbh/bbh/shapes.json"
    path.write_text(path.read_text()[:50])
    with pytest.raises(docs.WrongItemsError, match=r"shapes\.json: damaged .*data check"):
        bbh.bbh(folder)
    (folder / "gsm8k").mkdir()
    (folder / "gsm8k" / "test.jsonl").write_bytes(b'{"question": "q"}\n\xff\n')
    with pytest.raises(docs.WrongItemsError, match=r"test\.jsonl"):
        raw.json_lines(folder, "gsm8k/test.jsonl", "gsm8k")


@pytest.mark.parametrize("given", [None, "/no/such/folder"])
def test_a_missing_data_folder_is_an_error_that_tells_what_to_do(
    given: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SKBENCH_DATA", raising=False)
    with pytest.raises(FileNotFoundError, match=r"--data-dir.*SKBENCH_DATA"):
        published.load("skb_arc_easy", "0" * 64, arc.ARC_SOURCE, given)


def test_the_data_folder_is_taken_from_the_environment(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SKBENCH_DATA", str(folder))
    assert raw.data_folder(None) == folder


def test_a_missing_file_is_named_with_its_source(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"bbh/bbh.*BIG-Bench-Hard"):
        bbh.bbh(tmp_path)


def test_a_stratified_draw_takes_turns_and_begins_every_longer_one() -> None:
    rows = [{"task": task, "n": n} for task, count in (("a", 3), ("b", 1)) for n in range(count)]
    order = [(row["task"], row["n"]) for row in docs.stratified(rows)]
    assert order == [("a", 0), ("b", 0), ("a", 1), ("a", 2)]
    assert [docs.stratified(rows, n) for n in range(5)] == [
        docs.stratified(rows)[:n] for n in range(5)
    ]


def test_the_answer_filter_rejects_wrong_rationales_and_counts_them(folder: Path) -> None:
    corpus = teacher.build("bbh-codex", world=0, data_dir=folder)
    assert {row["task"] for row in corpus.rows} == {"lies"}
    assert corpus.asked == corpus.rejected + 8
    assert corpus.rejected > 0
    assert corpus.rows[0]["rationale"] == "Well."
    assert corpus.rows[0]["answer"] == "Yes"


def test_passages_are_description_and_exemplars_of_at_most_128_words(folder: Path) -> None:
    texts = [passage["text"] for passage in teacher.passages(folder)]
    assert texts[:2] == ["Tell lies.", "Q: a\nA: b"]
    assert texts[-1] == "Q: e\nA: f"
    assert [len(text.split()) for text in texts] == [2, 4, 101, 101, 101, 4]


def test_a_manifest_pins_rows_and_passages(folder: Path) -> None:
    corpus = teacher.build("bbh-codex", world=0, data_dir=folder)
    before = manifest("bbh-codex", corpus)
    corpus.rows[0]["rationale"] += "!"
    after = manifest("bbh-codex", corpus)
    assert {key for key in before if before[key] != after[key]} == {"sha256"}


def test_canonical_rows_are_one_line_each_whatever_they_hold() -> None:
    rows = [{"b": "x\u2028y\x85\n", "a": 1}, {"a": None}]
    lines = canonical(rows).decode().splitlines()
    assert lines[0].startswith('{"a":1,')
    assert [json.loads(line) for line in lines] == rows


# ---------------------------------------------------------------- on the published data


def test_lm_eval_serves_the_pinned_items(data: Path) -> None:
    from lm_eval.tasks import TaskManager

    manager = TaskManager(
        include_path=str(TASKS), include_defaults=False, metadata={"data_dir": str(data)}
    )
    loaded: dict[str, Any] = manager.load(["paper_id", "paper_ood", *OTHERS])
    sizes = {name: len(task.test_docs()) for name, task in loaded["tasks"].items()}
    assert sizes == {e["name"]: e["n"] for e in catalogue.tasks() if e["name"] in sizes}
    assert set(sizes) == set(published.TEST_SETS)
    assert loaded["group_map"] == {
        "paper_id": ["skb_bbh", "skb_gsm8k"],
        "paper_ood": [
            *("skb_bb_sub", "skb_agieval", "skb_gsm_plus", "skb_arc_easy", "skb_arc_challenge")
        ],
    }
    for task in loaded["tasks"].values():
        doc = task.test_docs()[0]
        assert task.doc_to_text(doc) == doc["question"]
        scores = task.process_results(doc, [f" Therefore, the answer is {doc['target']}."])
        assert scores["strict"] == scores["flexible"] == 1.0
    assert loaded["tasks"]["skb_gsm_plus"].test_docs()[0]["cluster"] == "gsm_plus/seed/0"


def test_no_training_question_is_asked_in_the_test(split: bbh.Split, corpus: TeacherCorpus) -> None:
    assert (len(split.train), len(split.test)) == (5207, 1304)
    asked = {row["question"] for row in split.test}
    assert not asked & {row["question"] for row in (*split.train, *corpus.rows)}


def test_the_corpus_is_the_one_of_its_manifest(corpus: TeacherCorpus) -> None:
    stored = json.loads((TASKS / "corpora" / "bbh-codex.json").read_text())
    assert manifest("bbh-codex", corpus) == stored
    assert (corpus.asked, corpus.rejected, len(corpus.rows)) == (5207, 1374, 3833)
    assert max(len(passage["text"].split()) for passage in corpus.passages) <= 128
    assert not any("So the answer is" in row["rationale"] for row in corpus.rows)
    assert len({row["id"] for row in corpus.rows}) == 3833
