"""Equal tokens: what a run would spend is known before it, and the budget is met within a step."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from conftest import MUTE

from bench import registry
from bench.batch import tokenize
from bench.corpora import attach
from bench.corpora.corpus import Corpus
from bench.ground import provenance
from bench.ground.places import home
from bench.run import fit, planning
from bench.run.cell import Cell
from bench.students import student as students
from bench.students.student import Student
from bench.track import ConfigError, Critic, Training
from bench.training import budget
from bench.training.progress import Spent
from bench.training.schedule import n_steps, order
from bench.training.train import train
from bench.types import Example

SEED = 2
TRAINING = Training(epochs=8, batch_size=5, learning_rate=1e-2)
"""Twelve examples: the last step of an epoch has two."""


def examples_of(corpus: Corpus, label: str) -> list[Example]:
    return attach.examples(corpus, registry.configure_named(label).needs, SEED)


def spent(label: str, corpus: Corpus, tokenizer: Any, total: int) -> int:
    method = registry.configure_named(label)
    rows = examples_of(corpus, label)
    return budget.spent_by(method, rows, tokenizer, TRAINING, seed=SEED, total=total)


def fitted(cell: Cell) -> Spent:
    student: Student = students.load(cell.track.student, texts=(), home=home(), seed=cell.seed)
    return fit.fit(cell, student)


@pytest.mark.parametrize(
    "label",
    ["std_cot", "skintern", "skintern[knowledge_loss=0.5,steps=3]", "cascod", "prompt_intern"],
)
def test_tokens_counted_in_advance_are_those_that_training_reports(
    label: str, make_cell: Callable[..., Cell], toy_corpus: Corpus, tokenizer: Any
) -> None:
    cell = make_cell(label, epochs=3, seed=SEED)
    report = fitted(cell)
    assert report.step == 9
    assert spent(label, toy_corpus, tokenizer, 9) == report.tokens


def largest_step(label: str, rows: Sequence[Example], tokenizer: Any, total: int) -> int:
    method = registry.configure_named(label)
    return max(
        sum(
            len(tokenize(tokenizer, pair))
            for example in order(rows, step, TRAINING.batch_size, SEED)
            for pair in method.pairs(example, step / total)
        )
        for step in range(total)
    )


@pytest.mark.parametrize(
    "label",
    ["answer_only", "std_cot[restarts=3]", "kard", "mt_cot", "stepwise_internalization"],
)
def test_as_many_steps_as_spend_the_budget_come_within_one_step_of_it(
    label: str, toy_corpus: Corpus, tokenizer: Any
) -> None:
    rows = examples_of(toy_corpus, label)
    total = n_steps(len(rows), TRAINING)
    allowed = spent("skintern", toy_corpus, tokenizer, total)
    own = spent(label, toy_corpus, tokenizer, total)
    steps = budget.steps_for(label, allowed, own, total)
    assert steps != total
    found = spent(label, toy_corpus, tokenizer, steps)
    assert abs(found - allowed) <= largest_step(label, rows, tokenizer, steps)


def test_examples_that_lose_demos_or_do_not_fit_count_as_training_counts_them(
    toy_corpus: Corpus, tokenizer: Any, make_student: Callable[..., Student], tmp_path: Path
) -> None:
    method, rows = registry.configure_named("skintern"), examples_of(toy_corpus, "skintern")
    tight = replace(TRAINING, max_tokens=60)
    report = train(
        method, rows, make_student("llama"), tight, replace(MUTE, overflow="wrong"), seed=SEED,
        out=tmp_path, total=6,
    )  # fmt: skip
    assert report.dropped_demos > 0 and report.skipped_examples > 0
    found = budget.spent_by(method, rows, tokenizer, tight, seed=SEED, total=6)
    assert found == report.tokens


def test_steps_are_in_proportion_and_never_none() -> None:
    assert budget.steps_for("a", 1000, 1000, 96) == 96
    assert budget.steps_for("a", 1500, 1000, 96) == 144
    assert budget.steps_for("a", 1, 10**9, 96) == 1


def test_a_track_may_give_every_method_the_tokens_of_one(
    make_cell: Callable[..., Cell], toy_corpus: Corpus, tokenizer: Any
) -> None:
    reference = fitted(make_cell("skintern", epochs=4, match="skintern"))
    assert reference.step == 12, "the budget is its own epochs"
    plain = fitted(make_cell("std_cot", epochs=4))
    matched = fitted(make_cell("std_cot", epochs=4, match="skintern"))
    assert plain.step == 12 < matched.step
    room = largest_step("std_cot", examples_of(toy_corpus, "std_cot"), tokenizer, matched.step)
    assert abs(matched.tokens - reference.tokens) <= room
    assert plain.tokens < reference.tokens - room


def test_a_track_may_give_every_method_the_plain_rows_of_one(
    make_cell: Callable[..., Cell],
) -> None:
    """SKIntern shows nothing in the last of its `steps` alone; Std-CoT and CasCoD never do."""

    def n_steps_of(label: str, **training: Any) -> int:
        return fitted(make_cell(label, epochs=4, **training)).step

    plain: dict[str, Any] = {"match": "std_cot", "match_plain": True}
    assert [n_steps_of("std_cot", **plain), n_steps_of("cascod", **plain)] == [12, 12]
    assert n_steps_of("skintern", **plain) == 4 * 12
    assert n_steps_of("skintern[steps=2,knowledge_loss=0.5]", **plain) == 2 * 12
    with pytest.raises(ConfigError, match=r"knowledge_train_only: nothing of its training counts"):
        n_steps_of("knowledge_train_only", **plain)
    unplain: dict[str, Any] = {"match": "knowledge_train_only", "match_plain": True}
    with pytest.raises(ConfigError, match=r"nothing of the training that training\.match names"):
        n_steps_of("std_cot", **unplain)


def test_the_budget_of_a_match_is_part_of_what_a_training_depends_on(
    make_cell: Callable[..., Cell],
) -> None:
    keys = {
        make_cell("std_cot", match=match, match_plain=plain).train_key
        for match, plain in (
            (None, False), ("skintern", False), ("skintern[examples=0]", False), ("skintern", True),
        )
    }  # fmt: skip
    assert len(keys) == 4


def test_the_critic_that_chooses_the_rows_of_a_match_is_part_of_it(
    make_cell: Callable[..., Cell],
) -> None:
    def key(epochs: int, match: str) -> str:
        cell = make_cell("std_cot", match=match)
        return replace(cell, track=replace(cell.track, critic=Critic(epochs=epochs))).train_key

    assert key(1, "comet_distil[critic=low]") != key(2, "comet_distil[critic=low]")
    assert key(1, "skintern") == key(2, "skintern")


def test_what_a_student_may_write_to_learn_on_is_part_of_its_training_and_of_no_other(
    make_cell: Callable[..., Cell],
) -> None:
    def key(label: str, most: int) -> str:
        cell = make_cell(label)
        decoding = replace(cell.track.decoding, max_new_tokens=most)
        return replace(cell, track=replace(cell.track, decoding=decoding)).train_key

    assert key("on_policy_kd", 4) != key("on_policy_kd", 8)
    assert key("std_cot", 4) == key("std_cot", 8)


@pytest.mark.parametrize(
    ("label", "match", "teacher", "reason"),
    [
        ("on_policy_kd", "skintern", "std_cot", "nobody knows how many of them are written"),
        ("std_cot", "on_policy_kd", "std_cot", "nobody knows how many of them are written"),
        ("std_cot", "zero_shot", "std_cot", "which trains nothing"),
        ("hinton_kd", None, "zero_shot", "which trains nothing"),
        ("hinton_kd", None, "hinton_kd", "which needs a larger teacher itself"),
        ("std_cot", "skintern_critical", "std_cot", "which needs a critic"),
        ("hinton_kd", None, "skintern_critical", "which needs a critic"),
    ],
)
def test_a_budget_or_a_teacher_that_cannot_be_had_is_refused_before_anything_begins(
    make_cell: Callable[..., Cell], label: str, match: str | None, teacher: str, reason: str
) -> None:
    cell = make_cell(label, teacher=teacher, match=match)
    labels = [{"split": s, "label": n} for s in ("train", "dev", "test") for n in (0, 1)]
    told = planning._unmet(cell.track, cell.method, replace(cell.corpus, labels=labels))
    assert told is not None and reason in told


def test_a_change_of_the_matched_method_is_another_budget_for_those_it_is_matched_to(
    make_cell: Callable[..., Cell], monkeypatch: pytest.MonkeyPatch
) -> None:
    def keys() -> list[str]:
        return [make_cell("std_cot", match=match).train_key for match in (None, "skintern")]

    before, real = keys(), provenance.file_sha256
    monkeypatch.setattr(
        provenance,
        "file_sha256",
        lambda path: "edited" if path.name == "skintern.py" else real(path),
    )
    after = keys()
    assert after[0] == before[0] and after[1] != before[1]


def test_a_method_that_accepts_few_rows_reads_them_more_often(
    make_cell: Callable[..., Cell], toy_triples: Corpus
) -> None:
    """Three triples of people, and forty of a machine: the tokens of the many are the budget."""
    rows = [*toy_triples.rows[:3], *(r for r in toy_triples.rows if r["source"] == "machine")]
    few = replace(toy_triples, rows=rows)
    many, matched = (
        fitted(replace(make_cell(label, match=match, epochs=3), corpus=few))
        for label, match in (("comet_distil", None), ("comet", "comet_distil"))
    )
    assert (many.n_examples, matched.n_examples) == (len(rows) - 3, 3)
    assert matched.step > many.step
    assert abs(matched.tokens - many.tokens) <= max(many.lengths) * TRAINING.batch_size


def test_a_corpus_of_which_a_method_accepts_nothing_is_refused(
    make_cell: Callable[..., Cell], toy_triples: Corpus
) -> None:
    rows = [row for row in toy_triples.rows if row["source"] == "machine"]
    cell = replace(make_cell("comet"), corpus=replace(toy_triples, rows=rows))
    with pytest.raises(ConfigError, match="comet accepts no row of corpus 'toy'"):
        fitted(cell)
