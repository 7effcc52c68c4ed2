"""CommonsenseQA and its corpus: what is asked, held out, known, and shown to be right."""

import json
import re
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

import tasks
from bench.corpora import attach
from bench.corpora.corpus import Corpus
from bench.registry import configure_named
from tasks.corpora import CorpusRow, TeacherCorpus
from tasks.docs import Item
from tasks.in_domain import csqa, teacher
from tasks.in_domain.csqa import Split, split_csqa
from tasks.raw import by_hash, sha256

CHOICES = ["cat", "dog", "a", "b", "c"]


def write(folder: Path, name: str, rows: list[Any], *, lines: bool = False) -> None:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    text = "".join(json.dumps(row) + "\n" for row in rows) if lines else json.dumps(rows)
    path.write_text(text)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Twenty questions of the validation part, 6 of them test and 2 dev; forty of the train."""
    for name, n in (("N_TEST", 10), ("N_DEV", 5), ("DEV_SHARE", 0.1)):
        monkeypatch.setattr(csqa, name, n)
    for file, n in (("test", 20), ("train", 40)):
        asked = {"choices": CHOICES, "answer": "dog"}
        rows = [{"id": f"{i}", "question": f"Who barks {file} {i}? ", **asked} for i in range(n)]
        said = [f"Dogs do {i}. So the answer is (b) dog.\n\nQ: Why?" for i in range(n)]
        write(tmp_path, f"distilling_step_by_step/cqa/cqa_{file}.json", rows, lines=True)
        write(tmp_path, f"distilling_step_by_step/cqa/palm/{file}_CoT_0.json", said)
    tell(tmp_path, {})
    return tmp_path


def tell(folder: Path, known: dict[str, tuple[list[str], list[str]]]) -> None:
    """Give questions facts and definitions: those of their name in `known`, else the usual."""
    for at, kind in enumerate(("cn", "wn")):
        usual = (["Dogs bark.", "Dogs run."], ["A dog is a beast."])
        rows = [{"id": f"{i}", "knowledge": known.get(f"{i}", usual)[at]} for i in range(20)]
        write(folder, f"skintern_llmr/csqa_{kind}_filtered_rank2.json", rows)


def built(folder: Path) -> TeacherCorpus:
    return teacher.build("csqa-facts", world=0, data_dir=folder)


def change(folder: Path, name: str, **given: Any) -> None:
    path = folder / "distilling_step_by_step/cqa/cqa_test.json"
    rows = [json.loads(line) for line in path.read_text().splitlines()]
    changed = [row | given if row["id"] == name else row for row in rows]
    write(folder, "distilling_step_by_step/cqa/cqa_test.json", changed, lines=True)


def numbers(items: list[Item], part: str = "validation") -> list[str]:
    return [i["id"].rpartition("/")[2] for i in items if f"/{part}/" in i["id"]]


# ---------------------------------------------------------------- without the published data


def test_the_last_by_hash_are_test_and_the_train_part_fills_up(folder: Path) -> None:
    split = split_csqa(folder)
    own = [*split.train, *(i for i in (*split.dev, *split.test) if "/validation/" in i["id"])]
    in_order = sorted(own, key=lambda i: sha256(i["question"]))
    assert {i["id"] for i in in_order[-6:]} == {f"csqa/validation/{n}" for n in numbers(split.test)}
    assert len(numbers(split.dev)) == 2 and len(numbers(split.train)) == 12
    assert (len(split.test), len(split.dev)) == (10, 5)
    more = [i for part in (split.test, split.dev) for i in part if "/train/" in i["id"]]
    assert not any(by_hash(i) for i in more), "recon-v1 holds these out"
    asked = csqa.questions(folder, "train")
    others = [each.item for each in asked if not by_hash(each.item)]
    last = sorted(others, key=lambda i: sha256(i["question"]))[-7:]
    assert {i["id"] for i in more} == {i["id"] for i in last}
    for part in (split.test, split.dev):
        assert part == sorted(part, key=lambda i: sha256(i["question"]))


def test_what_is_known_of_a_question_is_its_facts(folder: Path) -> None:
    split = split_csqa(folder)
    name = numbers(split.test)[0]
    tell(folder, {name: ([], [])})
    items = {i["id"]: i.get("facts") for i in split_csqa(folder).test}
    assert items.pop(f"csqa/validation/{name}") == []
    told = [facts for name, facts in items.items() if "/validation/" in name]
    assert told == [["Dogs bark.", "Dogs run.", "A dog is a beast."]] * 5
    assert all(not facts for name, facts in items.items() if "/train/" in name)


def test_a_question_whose_gold_choice_stands_twice_is_not_asked(folder: Path) -> None:
    for name in ("3", "7", "11"):
        change(folder, name, choices=["dog", "dog", *"abc"])
    split = split_csqa(folder)
    assert (len(split.test), len(split.dev)) == (10, 5), "the train part fills the gap"
    asked = numbers([*split.train, *split.dev, *split.test])
    assert sorted(asked, key=int) == [str(i) for i in range(20) if i not in (3, 7, 11)]


def test_facts_are_the_summary_and_definitions_supplementary(folder: Path) -> None:
    first, second, third, *_ = numbers(split_csqa(folder).train)
    tell(folder, {first: (["Dogs bark."], []), second: ([], ["A dog."]), third: ([], [])})
    corpus = built(folder)
    rows = {row["id"].rpartition("/")[2]: row for row in corpus.rows}
    assert knowledge(rows[first]) == ("Dogs bark.", None)
    assert knowledge(rows[second]) == ("A dog.", None)
    assert third not in rows and corpus.asked == 11, "nothing is known of it"
    others = {knowledge(row) for name, row in rows.items() if name not in (first, second)}
    assert others == {("Dogs bark. Dogs run.", "A dog is a beast.")}
    assert rows[first]["rationale"] == f"Dogs do {first}." and rows[first]["answer"] == "(B)"
    assert rows[first].get("facts") == ["Dogs bark."]


def knowledge(row: CorpusRow) -> tuple[str | None, str | None]:
    return row["summary"], row["supplementary"]


def test_a_wrong_rationale_is_rejected_and_counted(folder: Path) -> None:
    name = numbers(split_csqa(folder).train)[0]
    change(folder, name, answer="cat")
    corpus = built(folder)
    assert (corpus.asked, corpus.rejected, len(corpus.rows)) == (12, 1, 11)


def test_knowledge_of_every_question_is_to_be_found_and_equal_texts_come_once(
    folder: Path,
) -> None:
    name = numbers(split_csqa(folder).test)[0]
    tell(folder, {name: (["Hounds howl."], ["A hound is a dog."])})
    texts = [passage["text"] for passage in built(folder).passages]
    assert sorted(texts) == [
        *("A dog is a beast.", "A hound is a dog.", "Dogs bark. Dogs run.", "Hounds howl.")
    ]


# ---------------------------------------------------------------- on the published data


@pytest.fixture(scope="module")
def split(data: Path) -> Split:
    return split_csqa(data)


@pytest.fixture(scope="module")
def corpus(data: Path) -> TeacherCorpus:
    return built(data)


def test_a_third_of_what_is_asked_comes_with_knowledge(split: Split) -> None:
    def count(items: list[Item]) -> Counter[tuple[str, bool]]:
        return Counter((i["id"].split("/")[1], bool(i.get("facts"))) for i in items)

    own, other = "validation", "train"
    assert count(split.train) == {(own, True): 577, (own, False): 212}
    assert count(split.dev) == {(own, True): 49, (own, False): 13, (other, False): 238}
    assert count(split.test) == {(own, True): 259, (own, False): 105, (other, False): 636}


def test_no_question_of_the_three_parts_is_in_another_or_in_the_reconstruction(
    split: Split, corpus: TeacherCorpus, data: Path
) -> None:
    train, dev, test = (
        {i["question"] for i in part} for part in (split.train, split.dev, split.test)
    )
    assert not (train & dev or train & test or dev & test)
    assert {row["question"] for row in corpus.rows} <= train
    mix = teacher.build("recon-v1", world=0, data_dir=data)
    for asked in ({row["question"] for row in mix.rows}, {i["question"] for i in mix.dev}):
        assert not (dev | test) & asked


def test_every_row_has_knowledge_and_almost_every_summary_is_facts(
    corpus: TeacherCorpus, data: Path
) -> None:
    assert (corpus.asked, corpus.rejected, len(corpus.rows)) == (577, 130, 447)
    known = csqa.known(data)
    assert len(known) == 888
    assert sum(bool(each.facts) for each in known.values()) == 880
    assert sum(bool(each.definitions) for each in known.values()) == 416
    assert all(row["summary"] for row in corpus.rows)
    assert max(len(passage["text"].split()) for passage in corpus.passages) <= 128


def told(row: CorpusRow) -> tuple[bool, int]:
    """Whether the knowledge holds the text of the gold choice, and of how many wrong ones."""
    known = " ".join(filter(None, knowledge(row))).lower()
    found = {
        option[:3]: bool(re.search(rf"(?<!\w){re.escape(option[4:].lower())}(?!\w)", known))
        for option in row["options"]
    }
    return found.pop(row["answer"]), sum(found.values())


def test_how_often_knowledge_names_a_choice_is_what_the_readme_says(corpus: TeacherCorpus) -> None:
    gold, wrong = zip(*map(told, corpus.rows), strict=True)
    readme = (Path(tasks.__file__).parent / "corpora" / "README.md").read_text()
    said = (
        f"names the gold choice in {sum(gold)} of {len(gold)} rows, some wrong one in"
        f" {sum(n > 0 for n in wrong)}, and each wrong one in {sum(wrong) / 4:.0f} on average"
    )
    assert said in " ".join(readme.split())


def test_recall_of_the_test_is_that_of_the_questions_with_knowledge(
    corpus: TeacherCorpus, split: Split
) -> None:
    read = Corpus(corpus.rows, [passage["text"] for passage in corpus.passages], {})
    ask = attach.asker(read, configure_named("kard").needs, 0)
    found = attach.recall(split.test, [ask(i) for i in split.test], read)
    assert found == pytest.approx(0.631, abs=5e-4)
    readme = (Path(tasks.__file__).parent / "corpora" / "README.md").read_text()
    assert "0.631" in readme
