"""ATOMIC and ConceptNet: how published triples become items, labels and a corpus."""

import csv
import gzip
import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from bench.cli import catalogue
from tasks import docs, published
from tasks.corpora import TeacherCorpus, manifest
from tasks.docs import Item, WrongItemsError
from tasks.knowledge_graphs import atomic, conceptnet, machine, teacher
from tasks.tails import graded
from tasks.triples import N_CANDIDATES

TASKS = Path(docs.__file__).parent


def write_atomic(
    folder: Path, *events: tuple[str, dict[str, list[str]]], part: str = "tst"
) -> None:
    path = folder / f"atomic/v4_atomic_{part}.csv"
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="") as file:
        table = csv.DictWriter(file, ["event", *atomic.RELATIONS, "prefix", "split"])
        table.writeheader()
        for event, tails in events:
            cells = {r: json.dumps(tails.get(r, [])) for r in atomic.RELATIONS}
            table.writerow({"event": event, **cells, "prefix": "[]", "split": part})


def write_conceptnet(folder: Path, part: str, *lines: str) -> None:
    (folder / "conceptnet").mkdir(parents=True, exist_ok=True)
    (folder / f"conceptnet/{part}.txt").write_text("".join(f"{line}\n" for line in lines))


def test_tails_of_all_annotators_are_one_list_and_none_is_no_tail(tmp_path: Path) -> None:
    write_atomic(
        tmp_path,
        ("PersonX  runs", {"xReact": ["none", "tired."], "xWant": ["none"]}),
        ("PersonX runs", {"xReact": ["glad", "tired"]}),
        ("PersonX eats ___", {"xReact": ["full"]}),
    )
    assert atomic.annotated(tmp_path, "tst") == {("PersonX runs", "xReact"): ["tired", "glad"]}


def test_a_probed_question_ranks_tails_that_are_not_those_of_its_event(tmp_path: Path) -> None:
    asked = ("xReact", "xWant", "xNeed")
    some = {key: ["tired", "glad"] for key in asked}
    others = [
        (f"PersonX does {i}", {key: [f"mood {i}", "glad"] for key in asked}) for i in range(200)
    ]
    write_atomic(tmp_path, ("PersonX runs", some), *others)
    rows = atomic.atomic(tmp_path)
    assert len(rows) == len(asked) * atomic.N_EVENTS
    probed = [row for row in rows if row.get("candidates")]
    assert len(probed) == atomic.N_PROBED
    first = sum(bool(row.get("candidates")) for row in rows[: len(rows) // 3])
    assert 80 < first < 120, "spread over all questions"
    for row in probed:
        candidates = row.get("candidates", [])
        assert len(set(candidates)) == len(candidates) == N_CANDIDATES
        assert set(candidates) & set(row.get("tails", [])) == {row["target"]}


def test_a_triple_of_conceptnet_is_read_tail_first(tmp_path: Path) -> None:
    lines = ["CapableOf\tbark\tdog\t1", "CapableOf\tbark\tcar\t0", "CapableOf\tbark\tdog\t0"]
    write_conceptnet(tmp_path, "test", *lines)
    assert conceptnet.judged(tmp_path, "test") == [
        (("dog", "CapableOf", "bark"), True),
        (("car", "CapableOf", "bark"), False),
    ]
    first, second = conceptnet.conceptnet_labels(tmp_path)
    assert first["question"] == "Is this true? Dog. It can bark.\nOptions:\n- True\n- False"
    assert (first["target"], second["target"]) == ("True", "False")


@pytest.mark.parametrize(
    "line", ["CapableOf\tbark\tdog", "Barks\tbark\tdog\t1", "CapableOf\tbark\tdog\tyes"]
)
def test_a_damaged_line_is_named(tmp_path: Path, line: str) -> None:
    write_conceptnet(tmp_path, "test", "CapableOf\tbark\tdog\t1", line)
    with pytest.raises(WrongItemsError, match=r"test\.txt:2"):
        conceptnet.judged(tmp_path, "test")


@pytest.mark.parametrize("content", ["event\nPersonX runs\n", "event,xAttr\nPersonX runs,[\n"])
def test_a_damaged_file_is_named(tmp_path: Path, content: str) -> None:
    write_atomic(tmp_path)
    (tmp_path / "atomic/v4_atomic_tst.csv").write_text(content)
    with pytest.raises(WrongItemsError, match=r"v4_atomic_tst\.csv"):
        atomic.annotated(tmp_path, "tst")


@pytest.mark.parametrize(
    ("said", "strict", "bleu", "rouge"),
    [
        (" to rest.", 1, 1, 1),
        (" to eat", 0, 0.5, 0.5),
        (" glad", 0, 0, 0),
        ("", 0, 0, 0),
    ],
)
def test_a_tail_is_graded_by_the_right_one_that_it_is_most_like(
    said: str, strict: int, bleu: float, rouge: float
) -> None:
    doc: Any = {"tails": ["to rest", "to find a bed"], "options": [], "target": "to rest"}
    found = graded(doc, [said])
    assert found["strict"] == strict
    assert found["bleu_2"] == pytest.approx(bleu, abs=0.01)
    assert found["rouge_l"] == pytest.approx(rouge, abs=0.01)


# ---------------------------------------------------------------- on the published data


@pytest.fixture(scope="module")
def sets(data: Path) -> dict[str, list[Item]]:
    return {name: published.items(name, data) for name in published.TRIPLES}


def test_the_pins_are_those_of_the_files(sets: dict[str, list[Item]]) -> None:
    pinned = {entry["name"]: entry for entry in catalogue.tasks() if entry["name"] in sets}
    for name, rows in sets.items():
        assert (pinned[name]["n"], pinned[name]["sha256"]) == (len(rows), docs.items_sha256(rows))


def test_gold_scores_one_and_an_empty_tail_zero_on_every_item(sets: dict[str, list[Item]]) -> None:
    for row in (row for rows in sets.values() for row in rows):
        right, empty = graded(row, [f" {row['target']}"]), graded(row, [""])
        assert (right["strict"], right["flexible"], right["failed"]) == (1, 1, 0), row
        assert right["bleu_2"] == pytest.approx(1) and right["rouge_l"] in (0, 1)
        assert (empty["strict"], empty["flexible"], empty["failed"]) == (0, 0, 1)
        assert set(row.get("candidates", [])) & set(row.get("tails", [])) <= {row["target"]}


def test_six_relations_are_asked_and_no_event_is_trained_on(
    sets: dict[str, list[Item]], data: Path
) -> None:
    assert {row["task"] for row in sets["skb_atomic"]} == set(atomic.RELATIONS)
    trained_on = {event for event, _ in atomic.annotated(data, "dev")}
    assert not trained_on & {row["question"] for row in sets["skb_atomic"]}


@pytest.fixture(scope="module")
def corpora(data: Path) -> dict[str, TeacherCorpus]:
    return {name: teacher.build(name, world=0, data_dir=data) for name in teacher.CORPORA}


@pytest.mark.parametrize("name", teacher.CORPORA)
def test_the_manifest_is_that_of_the_corpus(name: str, corpora: dict[str, TeacherCorpus]) -> None:
    built = corpora[name]
    assert manifest(name, built) == json.loads((TASKS / "corpora" / f"{name}.json").read_text())
    assert built.asked - built.rejected == len(built.rows)


@pytest.mark.parametrize(
    ("name", "n_human", "corrupted"),
    [
        ("atomic", 10_000, 0), ("atomic-corrupted", 5000, 1 / 3), ("atomic-smollm2", 5000, 0),
        ("conceptnet", 1200, 0),
    ],
)  # fmt: skip
def test_people_write_what_is_true_and_a_share_of_the_others_is_corrupted(
    name: str, n_human: int, corrupted: float, corpora: dict[str, TeacherCorpus]
) -> None:
    true = Counter((row.get("source"), row.get("is_true")) for row in corpora[name].rows)
    share = true["machine", False] / ((true["machine", True] + true["machine", False]) or 1)
    assert abs(share - corrupted) < 0.02
    assert true["human", True] == n_human and not true["human", False]


def test_a_real_machine_wrote_four_times_what_people_did_and_is_judged_with_both_kinds(
    corpora: dict[str, TeacherCorpus], sets: dict[str, list[Item]], data: Path
) -> None:
    """As many corrupted pairs as labels by people set the cut-offs; the test is by people alone."""
    built = corpora["atomic-smollm2"]
    written = [row for row in built.rows if row.get("source") == "machine"]
    assert len(written) >= 20_000 and not any("is_true" in row for row in written)
    assert {row["task"] for row in written} == set(atomic.RELATIONS)
    dev = Counter(
        row["relation"] in atomic.RELATIONS for row in built.labels if row["split"] == "dev"
    )
    assert abs(dev[True] - dev[False]) <= 2
    of_test = [row for row in built.labels if row["split"] == "test"]
    assert of_test and all(row["relation"] in conceptnet.PHRASES for row in of_test)
    known = set(atomic.triples(atomic.annotated(data, "dev")))
    wrong = [r for r in built.labels if not r["label"] and r["relation"] in atomic.RELATIONS]
    said = sum((r["head"], r["relation"], r["tail"]) in known for r in wrong)
    assert said <= 0.015 * len(wrong), "corrupted twins that somebody wrote as well"
    human = {row["id"].split("/", 2)[2] for row in built.rows if row.get("source") == "human"}
    taught = {"/".join((r["head"], r["relation"], r["tail"])) for r in built.labels if r["label"]}
    assert not human & taught
    asked = {row["question"] for row in sets["skb_atomic"]}
    assert {each["head"] for each in built.drafts} == asked
    assert not asked & {row["question"] for row in built.rows}


def test_triples_of_conceptnet_are_none_of_its_test(
    corpora: dict[str, TeacherCorpus], data: Path
) -> None:
    known = {(r["question"], r["task"], r["answer"]) for r in corpora["conceptnet"].rows}
    assert not known & {triple for triple, _ in conceptnet.judged(data, "test")}


def test_what_a_machine_wrote_is_packed_and_comes_back(tmp_path: Path) -> None:
    out = tmp_path / "made.jsonl"
    rows = [
        {"question": "PersonX runs", "task": "xReact", "answer": "glad", "source": "human"},
        {"question": "PersonX sits", "task": "xReact", "answer": "calm", "source": "machine"},
        {"question": "PersonX sits", "task": "xReact", "answer": "tired", "source": "machine"},
    ]
    answer = {"head": "PersonX waits", "relation": "xWant", "tails": ["to leave"]}
    out.write_text("".join(json.dumps(row) + "\n" for row in rows))
    (tmp_path / "made.json").write_text('{"asked": 9}')
    (tmp_path / "made.drafts.jsonl").write_text(json.dumps(answer) + "\n")
    packed = machine.pack(out)
    assert packed == machine.pack(out), "the same bytes whenever it is packed"
    found = machine.Machine(**json.loads(gzip.decompress(packed)))
    assert found.triples == [
        ("PersonX sits", "xReact", "calm"),
        ("PersonX sits", "xReact", "tired"),
    ]
    assert found.answers == [answer] and found.manifest == {"asked": 9}
