"""Our scores by log-likelihood are lm-eval's own, and nothing that a row is charged for."""

import json
import os
from collections.abc import Callable, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import lm_eval
import pytest
import yaml
from lm_eval.tasks import TaskManager

from bench.ground.quiet import quiet_libraries
from bench.run import loglikelihood, measure
from bench.run.cell import Cell
from bench.run.evaluate import Sample
from bench.run.stages import run_cells
from bench.solve import Solved
from bench.students.student import Student
from bench.track import Tasks
from leaderboard.store.record import Record
from tasks import published
from tasks.docs import Item
from tasks.pocket import suite
from tasks.raw import Ranking, item, ranking, with_options

DATA = os.environ.get("SKBENCH_DATA")
COLUMNS = ("n_options", "loglikelihood_acc", "loglikelihood_acc_norm")
ARC_YAML = Path(lm_eval.__file__).parent / "tasks" / "arc" / "arc_easy.yaml"
NAMES = ("Ida", "Otto", "Mia", "Ben")
COLOURS = ("red", "blue or green", "the black cup", "white")
ROWS = [
    {
        "id": f"q{i}",
        "question": f"{NAMES[i % 4]} moves cup {i}. Which cup has {NAMES[(i + 1) % 4]}?",
        "choices": {
            "text": [COLOURS[(i + k) % 4] for k in range(2 + i % 3)],
            "label": list("ABCD" if i % 2 else "1234")[: 2 + i % 3],
        },
        "answerKey": ("ABCD" if i % 2 else "1234")[i % (2 + i % 3)],
    }
    for i in range(24)
]
"""As the published ARC has them, with two, three or four choices."""


def as_item(row: Any) -> Item:
    """The row as our data sets have it: its choices listed below the question, with letters."""
    labels, texts = row["choices"]["label"], row["choices"]["text"]
    lines = [f"({label}) {text}" for label, text in zip(labels, texts, strict=True)]
    question = with_options(row["question"], lines)
    return item(row["id"], "arc", question, f"({row['answerKey']})")


def samples(items: Sequence[Item], data_set: str = "skb_arc") -> list[Sample]:
    return [Sample(data_set, each, None, Solved("", (), False), {}) for each in items]


def by_lm_eval(student: Student, folder: Path) -> list[tuple[float, float]]:
    """(acc, acc_norm) of each row by lm-eval's command: its YAML of ARC, its model, our rows."""
    student.model.save_pretrained(folder / "model")
    student.tokenizer.save_pretrained(folder / "model")
    (folder / "rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in ROWS))
    config = yaml.safe_load(ARC_YAML.read_text()) | {
        "task": "arc_here",
        "dataset_path": "json",
        "dataset_name": None,
        "dataset_kwargs": {"data_files": {"test": str(folder / "rows.jsonl")}},
        "training_split": None,
        "validation_split": None,
    }
    (folder / "arc_here.yaml").write_text(yaml.safe_dump(config))
    results = lm_eval.simple_evaluate(
        model="hf",
        model_args={"pretrained": str(folder / "model")},
        tasks=["arc_here"],
        task_manager=TaskManager(include_path=str(folder), include_defaults=False),
        device="cpu",
        batch_size=1,
        bootstrap_iters=0,
    )
    assert results is not None and "samples" in results
    return [(row["acc"], row["acc_norm"]) for row in results["samples"]["arc_here"]]


@pytest.mark.parametrize("seed", [0, 1])
def test_each_question_scores_as_by_lm_evals_own_command(
    family: str,
    seed: int,
    make_student: Callable[..., Student],
    tmp_path: Path,
    home: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("HF_DATASETS_CACHE", str(tmp_path / "cache"))
    quiet_libraries()
    student = make_student(family, spread=0.5, seed=seed)
    items = [as_item(row) for row in ROWS]
    found = loglikelihood.columns(student, samples(items), home)["skb_arc"]
    theirs = by_lm_eval(student, tmp_path)
    ours = list(zip(found["loglikelihood_acc"], found["loglikelihood_acc_norm"], strict=True))
    assert ours == theirs
    assert found["n_options"] == [2 + i % 3 for i in range(24)]
    assert len({acc for acc, _ in theirs}) == 2, "all alike would hide a fault"
    assert any(acc != norm for acc, norm in theirs), "one metric would hide the other's fault"


@pytest.mark.parametrize(
    ("question", "target", "expected"),
    [
        ("Why?\nOptions:\n(A) rain\n(B) no sun", "(B)", ("Why?", ["rain", "no sun"], 1)),
        ("Why?\nOptions:\n(1) rain\n(2) sun", "(1)", ("Why?", ["rain", "sun"], 0)),
        ("So?\nOptions:\n- Yes\n- No", "No", ("So?", ["Yes", "No"], 1)),
        (
            "Is (A) right?\nOptions:\n(A) (B) is\n(B) (A) is",
            "(A)",
            ("Is (A) right?", ["(B) is", "(A) is"], 0),
        ),
        (
            "Passage.\nOptions:\nnone\nWhy?\nOptions:\n- x\n- y",
            "y",
            ("Passage.\nOptions:\nnone\nWhy?", ["x", "y"], 1),
        ),
        ("How many?", "24", None),
        ("Which picture?\nOptions:\n(A) \n(B) ", "(A)", None),
        ("Which?\nOptions:\n(A) Monsters\n(B) Inc", "Monsters, Inc", None),
        ("Which?\nOptions:\n(A) The only one", "(A)", None),
    ],
)
def test_what_is_ranked_is_the_text_of_the_options_where_one_is_right(
    question: str, target: str, expected: tuple[str, list[str], int] | None
) -> None:
    assert ranking(item("q", "t", question, target)) == (expected and Ranking(*expected))


def test_options_that_the_question_does_not_list_are_ranked_as_well() -> None:
    asked: Item = item("q", "t", "Which cup?", "red") | {"options": ["blue", "red"]}
    assert ranking(asked) == Ranking("Which cup?", ["blue", "red"], 1)


def test_questions_without_options_are_null_and_sets_without_any_have_no_columns(
    make_student: Callable[..., Student], home: Path
) -> None:
    free = item("free", "arc", "How many cups?", "4")
    asked = [free, as_item(ROWS[0]), free, as_item(ROWS[1])]
    whole = [as_item(ROWS[0]), as_item(ROWS[1])]
    student = make_student("llama", spread=0.5)
    mixed = [*samples(asked, "mixed"), *samples([free], "none"), *samples(whole, "whole")]
    found = loglikelihood.columns(student, mixed, home)
    assert sorted(found) == ["mixed", "whole"]
    assert found["mixed"]["n_options"] == [0, 2, 0, 3]
    for name in COLUMNS[1:]:
        assert found["mixed"][name] == [
            None,
            found["whole"][name][0],
            None,
            found["whole"][name][1],
        ]
    assert loglikelihood.columns(student, samples([free]), home) == {}


def test_a_chat_template_does_not_enter(
    make_student: Callable[..., Student], home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked, student = samples([as_item(row) for row in ROWS]), make_student("llama", spread=0.5)
    plain = loglikelihood.columns(student, asked, home / "plain")
    template = "{{ messages[0]['content'] }} red white"
    monkeypatch.setattr(student.tokenizer, "chat_template", template, raising=False)
    assert loglikelihood.columns(student, asked, home / "chat") == plain


def test_scores_are_kept_for_the_same_student_and_for_no_other(
    make_student: Callable[..., Student], home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = samples([as_item(row) for row in ROWS])
    found = loglikelihood.columns(make_student("llama"), asked, home)

    def scored(*_: Any) -> Any:
        raise InterruptedError

    monkeypatch.setattr(loglikelihood, "_scored", scored)
    assert loglikelihood.columns(make_student("llama"), asked, home) == found
    with pytest.raises(InterruptedError):
        loglikelihood.columns(make_student("llama", seed=1), asked, home)
    with pytest.raises(InterruptedError):
        loglikelihood.columns(make_student("llama"), asked[1:], home)


def test_damaged_scores_are_told_and_made_again(
    make_student: Callable[..., Student], home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = samples([as_item(row) for row in ROWS[:4]])
    found = loglikelihood.columns(make_student("llama"), asked, home)
    assert "made again" not in capsys.readouterr().err
    (path,) = (home / "loglikelihood").glob("*.json")
    path.write_text("{")
    assert loglikelihood.columns(make_student("llama"), asked, home) == found
    assert f"{path}: damaged: made again" in capsys.readouterr().err
    assert json.loads(path.read_bytes()) == found


@pytest.fixture
def cell_of(make_cell: Callable[..., Cell]) -> Callable[[str], Cell]:
    """Cells that are asked ten questions of a set with options, and ten of one without."""

    def make(label: str) -> Cell:
        cell = make_cell(label, epochs=1)
        track = replace(cell.track, tasks=Tasks(["pocket_perm"], ["pocket_price"]))
        written = cell.corpus.manifest | {"teacher_tokens": {"rationale": 1, "knowledge": 1}}
        corpus = replace(cell.corpus, manifest=written)
        return replace(cell, track=track, corpus=corpus, scope=replace(cell.scope, limit=10))

    return make


def test_rows_that_do_not_train_hold_them_and_rows_that_train_do_not(
    cell_of: Callable[[str], Cell], home: Path
) -> None:
    made = run_cells([cell_of(label) for label in ("zero_shot", "zero_shot_cot", "std_cot")])
    first, second, trained = (record.data_sets for record in made)
    asked = suite.rows("pocket_perm")[:10]
    assert first["pocket_perm"].n_options == [len(each["options"]) for each in asked]
    for name in COLUMNS:
        assert len(getattr(first["pocket_perm"], name)) == 10
        assert getattr(first["pocket_perm"], name) == getattr(second["pocket_perm"], name)
        assert getattr(first["pocket_price"], name) == getattr(trained["pocket_perm"], name) == []
    assert len(list((home / "loglikelihood").glob("*.json"))) == 1, "one student, scored once"
    for cell, record in zip(map(cell_of, ("zero_shot", "zero_shot_cot")), made, strict=False):
        assert Record.load(cell.record_path) == record


def test_they_cost_a_row_nothing(
    cell_of: Callable[[str], Cell], home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (with_them,) = run_cells([cell_of("zero_shot")])
    measured: list[Record] = []
    real = measure.record

    def watched(*args: Any) -> Record:
        measured.append(real(*args))
        return measured[0]

    def none(*_: Any) -> dict[str, Any]:
        assert measured, "before memory and time are measured"
        return {}

    monkeypatch.setenv("SKBENCH_HOME", str(home / "second"))
    monkeypatch.setattr(measure, "record", watched)
    monkeypatch.setattr(loglikelihood, "columns", none)
    (without,) = run_cells([cell_of("zero_shot")])
    bare = {
        name: replace(each, **{column: [] for column in COLUMNS})
        for name, each in with_them.data_sets.items()
    }
    assert bare == without.data_sets
    assert asdict(without.training) == asdict(with_them.training)


@pytest.mark.skipif(not DATA, reason="needs real data: set SKBENCH_DATA")
@pytest.mark.parametrize(
    ("name", "n"),
    [
        ("skb_agieval", 2546),
        ("skb_arc_challenge", 1172),
        ("skb_arc_easy", 2376),
        ("skb_bb_sub", 1332),
        ("skb_bbh", 951),
        ("skb_csqa", 1000),
        ("skb_gsm8k", 0),
        ("skb_gsm_plus", 0),
    ],
)
def test_of_the_published_sets_so_many_questions_are_ranked(name: str, n: int) -> None:
    """Of BBH three with options are not: two have no right one, and one has a single option."""
    rankings = [ranking(each) for each in published.items(name, Path(str(DATA)))]
    found = [each for each in rankings if each]
    assert len(found) == n
    assert not any("Options:" in each.stem for each in found)
