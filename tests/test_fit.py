"""The training stage: which teacher of logits a cell has, what it costs, and when it is refused."""

import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import torch
from conftest import tiny_model
from torch import Tensor

from bench import registry
from bench.corpora.corpus import Corpus
from bench.costs.flops import FLOPS_PER_MAC, FlopModel, fit_flops
from bench.ground.places import home
from bench.run import fit, planning
from bench.run.cell import Cell
from bench.students import student as students
from bench.students.student import Student
from bench.track import ConfigError
from bench.training.progress import Spent
from leaderboard.store.record import Scope
from tasks.corpora import canonical


@dataclass
class Trained:
    """What a call of train() was given, and what became of its teacher."""

    label: str
    n_layers: int
    teacher: dict[str, Tensor] | None
    teacher_after: dict[str, Tensor] | None


def state(model: Any) -> dict[str, Tensor]:
    return {name: weight.clone() for name, weight in model.state_dict().items()}


@pytest.fixture
def trained(monkeypatch: pytest.MonkeyPatch) -> list[Trained]:
    """Every call of train(), in order."""
    calls, real = list[Trained](), fit.train

    def watched(method: Any, examples: Any, student: Student, *rest: Any, **options: Any) -> Any:
        teacher, n_layers = options["teacher"], student.model.config.num_hidden_layers
        assert teacher is None or not teacher.training
        before = None if teacher is None else state(teacher)
        progress = real(method, examples, student, *rest, **options)
        after = None if teacher is None else state(teacher)
        calls.append(Trained(method.label, n_layers, before, after))
        return progress

    monkeypatch.setattr(fit, "train", watched)
    return calls


@cache
def flops_of(n_layers: int) -> FlopModel:
    return fit_flops(tiny_model("llama", n_layers=n_layers))


@pytest.fixture(autouse=True)
def traced_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tracing a model takes a second, and says the same of every model of its shape."""
    monkeypatch.setattr(fit, "fit_flops", lambda model: flops_of(model.config.num_hidden_layers))


def fresh(cell: Cell) -> Student:
    return students.load(cell.track.student, texts=(), home=home(), seed=cell.seed)


def fitted(cell: Cell) -> Spent:
    return fit.fit(cell, fresh(cell))


def same(one: dict[str, Tensor], other: dict[str, Tensor]) -> bool:
    return one.keys() == other.keys() and all(torch.equal(one[k], other[k]) for k in one)


# ------------------------------------------------------------ trained once


def test_rows_that_are_trained_alike_share_the_student_but_not_the_record(
    make_cell: Callable[..., Cell], trained: list[Trained]
) -> None:
    direct, cot = make_cell("mt_cot"), make_cell("mt_cot[inference=cot]")
    assert fitted(direct) == fitted(cot)
    assert [each.label for each in trained] == ["mt_cot"]
    assert direct.key != cot.key and direct.record_path != cot.record_path
    fitted(make_cell("mt_cot[answer_weight=0.5,inference=cot]"))
    assert len(trained) == 2


# ------------------------------------------------------------ the larger teacher


def test_the_larger_teacher_is_trained_once_and_found_by_every_method_that_needs_it(
    make_cell: Callable[..., Cell], trained: list[Trained]
) -> None:
    cell = make_cell("hinton_kd")
    first = fitted(cell)
    assert [(t.label, t.n_layers) for t in trained] == [("std_cot", 3), ("hinton_kd", 2)]
    assert cell.teacher is not None and (cell.teacher.folder / "weights").is_dir()
    shutil.rmtree(cell.folder)
    again = fitted(cell)
    fitted(make_cell("hinton_kd[temperature=1.0]"))
    assert [t.label for t in trained[2:]] == ["hinton_kd", "hinton_kd[temperature=1.0]"]
    measured = {"seconds": 0.0, "peak_memory_bytes": 0}
    assert replace(first, **measured) == replace(again, **measured)


def test_a_stage_that_is_done_is_read_and_not_done_again(
    make_cell: Callable[..., Cell], trained: list[Trained]
) -> None:
    cell = make_cell("hinton_kd", epochs=1)
    first = fitted(cell)
    n_calls = len(trained)
    assert fitted(cell) == first and len(trained) == n_calls
    assert first.step == len(first.losses) == 3
    assert sum(n * times for n, times in first.lengths.items()) == first.tokens


def test_its_logits_are_those_of_the_trained_checkpoint_and_training_leaves_it_as_it_was(
    make_cell: Callable[..., Cell], trained: list[Trained]
) -> None:
    cell = make_cell("hinton_kd")
    fitted(cell)
    own = cell.teacher
    assert own is not None
    expected = state(students.restore(fresh(own), own.folder / "weights").model)
    before, after = trained[-1].teacher, trained[-1].teacher_after
    assert before is not None and after is not None
    assert same(before, expected) and same(before, after)
    assert not same(before, state(fresh(own).model)), "trained, not as it came"


def test_another_teacher_or_another_recipe_of_it_is_another_training(
    make_cell: Callable[..., Cell], tmp_path: Path
) -> None:
    key = make_cell("hinton_kd").train_key
    assert make_cell("hinton_kd", teacher="answer_only").train_key != key
    plain = make_cell("std_cot").train_key
    tiny_model("llama", n_layers=3, seed=5).save_pretrained(tmp_path / "larger")
    assert make_cell("hinton_kd").train_key != key
    assert make_cell("std_cot").train_key == plain, "it has no teacher of logits"


def test_a_teacher_that_reads_other_tokens_is_refused(
    make_cell: Callable[..., Cell], trained: list[Trained], tmp_path: Path
) -> None:
    cell = make_cell("hinton_kd")
    path = tmp_path / "larger" / "tokenizer.json"
    table = json.loads(path.read_text())
    vocabulary = table["model"]["vocab"]
    one, other = sorted(vocabulary, key=vocabulary.get)[-2:]
    vocabulary[one], vocabulary[other] = vocabulary[other], vocabulary[one]
    path.write_text(json.dumps(table))
    with pytest.raises(ConfigError, match="larger: its tokenizer is not the student's"):
        fitted(cell)
    assert trained == []


# ------------------------------------------------------------ the frozen teacher


@pytest.mark.parametrize("rank", [None, 4], ids=["full", "lora"])
def test_the_frozen_teacher_is_the_untrained_student_to_the_end(
    rank: int | None, make_cell: Callable[..., Cell], trained: list[Trained]
) -> None:
    cell = make_cell("context_distillation", lora_rank=rank)
    fitted(cell)
    (call,) = trained
    untrained = state(fresh(cell).model)
    assert call.teacher is not None and call.teacher_after is not None
    assert same(call.teacher, untrained) and same(call.teacher_after, untrained)
    learnt = students.restore(fresh(cell), cell.folder / "weights").model
    assert not same(state(learnt), untrained)


def test_a_method_without_a_teacher_is_given_none(
    make_cell: Callable[..., Cell], trained: list[Trained]
) -> None:
    assert fitted(make_cell("std_cot", epochs=1)).teacher_flops == 0
    assert [call.teacher for call in trained] == [None]


# ------------------------------------------------------------ what a teacher costs


def forward_flops(model: FlopModel, lengths: dict[int, int]) -> int:
    """Forward passes with the logits of every position."""
    return sum(
        times * (model.prefill_flops(n) + FLOPS_PER_MAC * model.head_per_token * (n - 1))
        for n, times in lengths.items()
    )


def test_the_larger_teacher_costs_its_training_and_its_forward_passes(
    make_cell: Callable[..., Cell],
) -> None:
    cell = make_cell("hinton_kd")
    spent = fitted(cell)
    assert cell.teacher is not None
    own = fit.reported(cell.teacher.folder)
    larger = flops_of(3)
    read = dict(spent.lengths)
    expected = 3 * forward_flops(larger, dict(own.lengths)) + forward_flops(larger, read)
    assert spent.teacher_flops == expected > 0


def test_the_frozen_teacher_costs_forward_passes_over_the_longer_prompts_that_it_reads(
    make_cell: Callable[..., Cell],
) -> None:
    spent = fitted(make_cell("context_distillation"))
    model = flops_of(2)
    assert spent.teacher_flops == forward_flops(model, dict(spent.teacher_lengths))
    assert spent.teacher_flops > forward_flops(model, dict(spent.lengths))
    assert spent.teacher_lengths.total() == spent.lengths.total()


# ------------------------------------------------------------ the plan


@pytest.fixture
def plan(
    make_cell: Callable[..., Cell], toy_corpus: Corpus, tmp_path: Path
) -> Callable[..., list[str]]:
    """The labels that would run on a track with or without a larger teacher."""
    path = tmp_path / "toy.jsonl"
    path.write_bytes(canonical(toy_corpus.rows))

    def plan(spec: str, *, with_teacher: bool, taught_by: str = "std_cot") -> list[str]:
        track = replace(make_cell("std_cot").track, corpus=str(path))
        assert track.logit_teacher is not None
        larger = replace(track.logit_teacher, method=taught_by) if with_teacher else None
        track = replace(track, logit_teacher=larger)
        methods, was_all = planning.select(track, spec, [], None)
        methods = [m for m in methods if m.needs.passages == 0]
        cells = planning.plan(
            track, methods, [0], Scope(), skip_unmet=was_all, data=None, origin=(track.name,)
        )
        return [cell.method.label for cell in cells]

    return plan


def test_without_a_larger_teacher_a_method_that_needs_one_is_refused_and_skipped_under_all(
    plan: Callable[..., list[str]], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(ConfigError) as caught:
        plan("std_cot,hinton_kd", with_teacher=False)
    assert str(caught.value) == (
        "hinton_kd cannot run on track 'toy': it needs a larger teacher of logits: add"
        " [logit_teacher] path and method to the track"
    )
    assert capsys.readouterr().err == ""
    left = plan("all", with_teacher=False)
    assert "skipping hinton_kd" in capsys.readouterr().err
    assert plan("all", with_teacher=True) == sorted({*left, "hinton_kd", "on_policy_kd"})
    assert "context_distillation" in left, "the frozen student is always there"


def test_a_teacher_whose_own_method_lacks_something_is_refused_before_it_trains(
    plan: Callable[..., list[str]],
) -> None:
    with pytest.raises(ConfigError, match="it learns from kard, which needs passages, and the"):
        plan("hinton_kd", with_teacher=True, taught_by="kard")


def test_the_teacher_is_a_cell_of_the_same_seed_with_a_folder_of_its_own(
    make_cell: Callable[..., Cell],
) -> None:
    one, other = (make_cell("hinton_kd", seed=seed).teacher for seed in (0, 1))
    assert one is not None and other is not None
    assert (one.seed, other.seed) == (0, 1) and one.folder != other.folder
    assert one.method == registry.configure_named("std_cot") and one.teacher is None
    assert one.folder != make_cell("std_cot").folder
