"""The training loop: it learns, starts afresh where asked, and goes on after a kill as if none."""

import gc
import json
import math
import weakref
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import count, pairwise
from pathlib import Path
from typing import Any

import pytest
import torch
from conftest import MUTE, tiny_model
from torch import Tensor

from bench import registry
from bench.batch import Batch
from bench.corpora import attach
from bench.corpora.corpus import Corpus
from bench.method import Method
from bench.students import student as students
from bench.students.student import Student
from bench.track import Training
from bench.training import train as training_module
from bench.training.progress import Progress
from bench.training.schedule import learning_rate, n_steps, order, segments
from bench.training.train import TrainingError, fitted, train
from bench.training.tree import Tree
from bench.types import Demo, Example, Needs, Pair, Question

SEED = 3
FULL = Training(epochs=4, batch_size=4, learning_rate=1e-2, checkpoint_steps=3)
LENIENT = replace(MUTE, overflow="wrong")
LORA = replace(FULL, lora_rank=4, lora_alpha=8)


class Killed(BaseException):
    """As a kill -9: nothing in the loop may catch it."""


@dataclass(frozen=True)
class Plain(Method):
    """Question in, answer out, with demos in front; starts afresh where it is told."""

    source = "a test"
    points: tuple[float, ...] = ()
    weight: float = 1.0
    kept: bool = False

    @property
    def restart_points(self) -> tuple[float, ...]:
        return self.points

    @property
    def keeps_moments(self) -> bool:
        return self.kept

    @property
    def objectives(self) -> Mapping[str, float]:
        return {"solution": self.weight}

    def pairs(self, example: Example, progress: float) -> Sequence[Pair]:
        demos = "".join(f" {demo.question}" for demo in example.demos)
        return (Pair(f"{demos}\n\nQuestion: {example.text}\nAnswer:", f" {example.rationale}"),)

    def prompt(self, question: Question) -> str:
        return f"\n\nQuestion: {question.text}\nAnswer:"


@pytest.fixture
def examples(toy_corpus: Corpus) -> list[Example]:
    return attach.examples(toy_corpus, Needs(), SEED)


Run = Callable[..., Progress]


@pytest.fixture
def run(examples: list[Example], make_student: Callable[..., Student], tmp_path: Path) -> Run:
    """Train a fresh student, as a new process would: the only things shared are the files."""

    def run(
        out: str = "out",
        training: Training = FULL,
        method: Method | None = None,
        chosen: Sequence[Example] = (),
        family: str = "lfm2",
        **changes: Any,
    ) -> Progress:
        rows = chosen or examples
        whole = n_steps(len(rows), training)
        return train(
            method or Plain(),
            rows,
            make_student(family),
            training,
            changes.pop("decoding", MUTE),
            seed=changes.pop("seed", SEED),
            total=min(whole, changes.pop("limit", whole)),
            out=tmp_path / out,
            **changes,
        )

    return run


def log(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder / "train.jsonl").read_text().splitlines()]


def weights(folder: Path) -> bytes:
    (path,) = (folder / "weights").glob("*.safetensors")
    return path.read_bytes()


def dies_at(step: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Make the process die in the middle of an optimizer step."""
    real = training_module._Loop.step

    def deadly(loop: Any, at: int, sequences: Any) -> float:
        if at == step:
            raise Killed
        return real(loop, at, sequences)

    monkeypatch.setattr(training_module._Loop, "step", deadly)


@pytest.fixture
def after_steps(monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[[Any, int], None]], None]:
    """Have a function called after each optimizer step, with the loop and the step's number."""
    real = training_module._Loop.step

    def watch(seen: Callable[[Any, int], None]) -> None:
        def step(loop: Any, at: int, sequences: Any) -> float:
            loss = real(loop, at, sequences)
            seen(loop, at)
            return loss

        monkeypatch.setattr(training_module._Loop, "step", step)

    return watch


def ages_of(loop: Any) -> set[int]:
    """Steps that the optimizer has behind it, by its state for each weight."""
    return {int(state["step"]) for state in loop._optimizer.state.values()}


# ------------------------------------------------------------ learning


@pytest.mark.parametrize("training", [FULL, LORA], ids=["full", "lora"])
def test_the_loss_falls(training: Training, run: Run, tmp_path: Path) -> None:
    done = run(training=replace(training, epochs=10), family="llama")
    losses = [line["loss"] for line in log(tmp_path / "out")]
    n = 3
    assert len(losses) == 30 == done.step and done.final_loss == losses[-1]
    assert sum(losses[-n:]) < (0.75 if training is FULL else 0.97) * sum(losses[:n])


def test_every_method_learns_the_toy_corpus(
    run: Run, toy_corpus: Corpus, toy_triples: Corpus, tmp_path: Path
) -> None:
    """Each against its own first loss, over the same examples in the same stage of a curriculum."""
    for name, method in registry.discover().items():
        if not method.trains:
            continue
        corpus = toy_triples if method.needs.phrase else toy_corpus
        chosen = attach.examples(corpus, method.needs, SEED)
        teacher = None if method.needs.logits == "none" else tiny_model("lfm2", spread=0.3, seed=1)
        done = run(name, replace(FULL, epochs=2), method, chosen, teacher=teacher)
        losses = [line["loss"] for line in log(tmp_path / name)]
        assert done.skipped_examples == done.dropped_demos == 0
        assert losses[-1] < losses[0]


def test_tokens_steps_and_lengths_are_counted(
    run: Run, examples: list[Example], tokenizer: Any, tmp_path: Path
) -> None:
    done = run()
    lengths = []
    for example in examples:
        (pair,) = Plain().pairs(example, 0.0)
        lengths.append(len(tokenizer(pair.prompt + pair.target).input_ids) + 1)
    assert done.tokens == FULL.epochs * sum(lengths)
    assert done.lengths == {n: FULL.epochs * lengths.count(n) for n in lengths}
    assert sum(line["tokens"] for line in log(tmp_path / "out")) == done.tokens
    assert [line["step"] for line in log(tmp_path / "out")] == list(range(12))


def test_a_limit_ends_training_after_as_many_steps(run: Run, tmp_path: Path) -> None:
    assert run(limit=2).step == 2 == len(log(tmp_path / "out"))


def test_an_epoch_shows_every_example_once_in_an_order_of_its_own(
    examples: list[Example],
) -> None:
    def epoch(number: int, seed: int = SEED) -> list[str]:
        steps = range(number * 3, number * 3 + 3)
        return [e.id for step in steps for e in order(examples, step, 5, seed)]

    assert sorted(epoch(0)) == sorted(epoch(1)) == sorted(e.id for e in examples)
    assert epoch(0) == epoch(0) != epoch(1)
    assert epoch(0) != epoch(0, seed=SEED + 1)


def test_an_objective_without_weight_teaches_nothing(
    run: Run, make_student: Callable[..., Student], tmp_path: Path
) -> None:
    run(method=Plain(weight=0.0), training=replace(FULL, epochs=1))
    trained = students.restore(make_student(), tmp_path / "out" / "weights").model.state_dict()
    for name, weight in make_student().model.state_dict().items():
        assert torch.equal(weight, trained[name])


# ------------------------------------------------------------ schedule and restarts


def test_the_learning_rate_warms_up_and_falls_along_a_cosine() -> None:
    training = Training(epochs=1, batch_size=1, learning_rate=2.0, warmup=0.2, final_lr_ratio=0.1)
    rates = [learning_rate(step, [0, 10], training) for step in range(10)]
    assert rates[:3] == pytest.approx([1.0, 2.0, 2.0])
    assert rates[6] == pytest.approx(2.0 * (0.1 + 0.9 / 2))
    assert rates[9] == pytest.approx(2.0 * (0.1 + 0.9 * (1 + math.cos(math.pi * 7 / 8)) / 2))
    assert rates[2:] == sorted(rates[2:], reverse=True) and rates[9] > 0.2


def test_each_segment_has_the_schedule_of_a_run_of_its_own_length() -> None:
    starts = segments((0.25, 0.5, 0.75), 40)
    assert starts == [0, 10, 20, 30, 40]
    alone = [learning_rate(step, [0, 10], FULL) for step in range(10)]
    assert [learning_rate(step, starts, FULL) for step in range(40)] == alone * 4


def test_a_restart_resets_the_learning_rate_and_the_optimizer_state(
    run: Run, after_steps: Callable[..., None], tmp_path: Path
) -> None:
    ages = list[set[int]]()
    after_steps(lambda loop, _: ages.append(ages_of(loop)))
    training = replace(FULL, epochs=4, warmup=0.5)
    run(method=Plain(points=(0.5,)), training=training)
    assert ages == [{n} for n in (*range(1, 7), *range(1, 7))]
    rates = [line["lr"] for line in log(tmp_path / "out")]
    assert rates[:6] == rates[6:] == [learning_rate(s, [0, 6], training) for s in range(6)]
    assert rates[5] < rates[2] > rates[0]


def test_a_restart_keeps_nothing_of_the_optimizer_before_it(
    run: Run, after_steps: Callable[..., None]
) -> None:
    alive, counts = weakref.WeakSet[Any](), list[int]()

    def seen(loop: Any, _: int) -> None:
        alive.add(loop._optimizer)
        gc.collect()
        counts.append(len(alive))

    after_steps(seen)
    run(method=Plain(points=(0.25, 0.5, 0.75)))
    assert set(counts) == {1}


def test_a_schedule_may_restart_alone(
    run: Run, after_steps: Callable[..., None], tmp_path: Path
) -> None:
    ages = list[set[int]]()
    after_steps(lambda loop, _: ages.append(ages_of(loop)))
    run(method=Plain(points=(0.5,), kept=True))
    assert ages == [{n} for n in range(1, 13)], "the optimizer goes on"
    rates = [line["lr"] for line in log(tmp_path / "out")]
    assert rates[:6] == rates[6:]


def test_without_a_restart_the_optimizer_keeps_its_state(
    run: Run, after_steps: Callable[..., None]
) -> None:
    ages = list[set[int]]()
    after_steps(lambda loop, _: ages.append(ages_of(loop)))
    run()
    assert ages == [{n} for n in range(1, 13)]


def test_the_optimizer_is_given_the_rate_that_is_logged(
    run: Run, after_steps: Callable[..., None], tmp_path: Path
) -> None:
    rates = list[float]()
    after_steps(lambda loop, _: rates.append(loop._optimizer.param_groups[0]["lr"]))
    run(method=Plain(points=(0.5,)))
    assert rates == [line["lr"] for line in log(tmp_path / "out")]


def test_micro_batches_do_not_change_what_is_learnt(run: Run, tmp_path: Path) -> None:
    for name, room in (("one", 1), ("all", 10**6)):
        run(name, replace(FULL, epochs=1, micro_batch_tokens=room), family="llama")
    one, whole = log(tmp_path / "one"), log(tmp_path / "all")
    assert [x["loss"] for x in one] == pytest.approx([x["loss"] for x in whole], rel=1e-4)


def starved(monkeypatch: pytest.MonkeyPatch, most: int) -> list[int]:
    """A device that has memory for `most` tokens at once; the sizes that were asked of it."""
    real, asked = training_module.target_logits, list[int]()

    def scored(model: Any, batch: Batch) -> Tensor:
        n_tokens = len(Tree.of([s.prompt + s.target for s in batch.sequences]).ids)
        asked.append(n_tokens)
        if n_tokens > most:
            raise torch.OutOfMemoryError
        return real(model, batch)

    monkeypatch.setattr(training_module, "target_logits", scored)
    return asked


def test_where_memory_is_too_small_batches_are_halved_and_the_loss_is_the_same(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    run("rich", replace(FULL, epochs=1), family="llama")
    asked = starved(monkeypatch, 60)
    run("poor", replace(FULL, epochs=1), family="llama")
    rich, poor = log(tmp_path / "rich"), log(tmp_path / "poor")
    assert [x["loss"] for x in poor] == pytest.approx([x["loss"] for x in rich], rel=1e-4)
    n_refused = sum(n > 60 for n in asked)
    assert capsys.readouterr().err.count("out of memory: micro-batches of") == n_refused > 0
    assert max(asked[len(asked) // 2 :]) <= 60, "it does not try the larger ones again"


def test_what_was_accumulated_before_memory_ran_out_is_dropped(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    training = replace(FULL, epochs=1, micro_batch_tokens=100)
    run("rich", training, family="llama")
    real, n = training_module.target_logits, count()

    def scored(*given: Any) -> Tensor:
        if next(n) == 1:
            raise torch.OutOfMemoryError
        return real(*given)

    monkeypatch.setattr(training_module, "target_logits", scored)
    run("poor", training, family="llama")
    rich, poor = log(tmp_path / "rich"), log(tmp_path / "poor")
    assert [x["loss"] for x in poor] == pytest.approx([x["loss"] for x in rich], rel=1e-4)


def test_a_sequence_that_memory_cannot_hold_is_told(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    starved(monkeypatch, 5)
    with pytest.raises(TrainingError, match="the memory is too small for one sequence of"):
        run()


# ------------------------------------------------------------ resume


@pytest.mark.parametrize("training", [FULL, LORA], ids=["full", "lora"])
@pytest.mark.parametrize("died_at", [1, 3, 8, 11])
def test_a_killed_run_goes_on_to_the_very_same_weights_and_log(
    training: Training,
    died_at: int,
    run: Run,
    after_steps: Callable[..., None],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    """Checkpoints lie at 3, 6, 9; the optimizer starts afresh at 6."""
    method = Plain(points=(0.5,))
    whole = run("whole", training, method)
    with monkeypatch.context() as patch:
        dies_at(died_at, patch)
        with pytest.raises(Killed):
            run("killed", training, method)
    steps = list[int]()
    after_steps(lambda _, at: steps.append(at))
    again = run("killed", training, method)
    assert steps == list(range(died_at // 3 * 3, 12))
    assert weights(tmp_path / "killed") == weights(tmp_path / "whole")
    assert log(tmp_path / "killed") == log(tmp_path / "whole")
    assert replace(again, seconds=0.0) == replace(whole, seconds=0.0)


def test_a_run_killed_while_it_writes_a_checkpoint_keeps_the_one_before(
    run: Run, after_steps: Callable[..., None], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    run("whole")
    real = torch.save

    def torn(saved: Any, path: Path) -> None:
        if saved["progress"]["step"] == 6:
            path.write_bytes(b"half a checkpoint")
            raise Killed
        real(saved, path)

    with monkeypatch.context() as patch:
        patch.setattr(torch, "save", torn)
        with pytest.raises(Killed):
            run("killed")
    steps = list[int]()
    after_steps(lambda _, at: steps.append(at))
    run("killed")
    assert steps == list(range(3, 12))
    assert weights(tmp_path / "killed") == weights(tmp_path / "whole")
    assert log(tmp_path / "killed") == log(tmp_path / "whole")


@pytest.mark.parametrize("training", [FULL, LORA], ids=["full", "lora"])
def test_a_run_killed_between_its_weights_and_its_report_can_be_run_again(
    training: Training, run: Run, tmp_path: Path
) -> None:
    """The weights are there, but whoever asked for them was killed before noting it."""
    run("killed", training)
    before = weights(tmp_path / "killed")
    again = run("killed", training)
    assert weights(tmp_path / "killed") == before and again.step == 12
    assert len(log(tmp_path / "killed")) == 12


def test_a_run_killed_while_its_weights_are_written_can_be_run_again(
    run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    run("whole")

    def torn(student: Student, folder: Path) -> None:
        part = folder.with_name(f"{folder.name}.part")
        part.mkdir()
        (part / "model.safetensors").write_bytes(b"half")
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(students, "save", torn)
        with pytest.raises(Killed):
            run("killed")
    assert not (tmp_path / "killed" / "weights").exists()
    run("killed")
    assert weights(tmp_path / "killed") == weights(tmp_path / "whole")


# ------------------------------------------------------------ failures and fitting


def test_a_loss_that_is_not_finite_stops_with_step_and_examples(
    examples: list[Example], make_student: Callable[..., Student], tmp_path: Path
) -> None:
    steps, student = count(), make_student()

    class Diverging(Plain):
        def loss(self, student_logits: Tensor, batch: Batch) -> Tensor:
            factor = math.nan if next(steps) == 2 else 1.0
            return super().loss(student_logits, batch) * factor

    with pytest.raises(TrainingError) as caught:
        train(Diverging(), examples, student, FULL, MUTE, seed=SEED, out=tmp_path / "out", total=9)
    chosen = order(examples, 2, FULL.batch_size, SEED)
    assert "nan at step 2;" in str(caught.value)
    for example in examples:
        assert (example.id in str(caught.value)) == (example in chosen)
    assert not (tmp_path / "out" / "weights").exists()
    assert all(weight.isfinite().all() for weight in student.model.parameters())


def test_demos_are_dropped_the_least_similar_first_and_counted(
    run: Run, examples: list[Example], tokenizer: Any
) -> None:
    demos = tuple(Demo(f"start {n}", "", "") for n in range(1, 5))
    example = replace(examples[0], demos=demos)
    (bare,), _ = fitted(Plain(), examples[0], 0.0, tokenizer, 1000)
    sequences, dropped = fitted(Plain(), example, 0.0, tokenizer, len(bare) + 5)
    assert dropped == 2 and len(sequences[0]) == len(bare) + 4
    assert tokenizer.decode(sequences[0].prompt).startswith(" start 1 start 2\n\nQuestion:")
    chosen = [replace(e, demos=demos) for e in examples]
    longest = max(len(fitted(Plain(), e, 0.0, tokenizer, 1000)[0][0]) for e in examples)
    done = run(chosen=chosen, training=replace(FULL, epochs=1, max_tokens=longest))
    expected = [fitted(Plain(), e, 0.0, tokenizer, longest)[1] for e in chosen]
    assert done.dropped_demos == sum(expected) > 0 and done.skipped_examples == 0


def test_a_target_is_never_cut(examples: list[Example], tokenizer: Any) -> None:
    (whole,), _ = fitted(Plain(), examples[0], 0.0, tokenizer, 1000)
    assert fitted(Plain(), examples[0], 0.0, tokenizer, len(whole)) == ([whole], 0)
    assert fitted(Plain(), examples[0], 0.0, tokenizer, len(whole) - 1)[0] is None


def test_an_example_that_does_not_fit_is_named(run: Run, examples: list[Example]) -> None:
    long = replace(examples[5], rationales=(" ".join(["red"] * 300),))
    chosen = [*examples[:5], long, *examples[6:]]
    with pytest.raises(TrainingError, match=f"example {long.id} does not fit 200 tokens"):
        run(chosen=chosen, training=replace(FULL, max_tokens=200))


def test_an_example_that_does_not_fit_is_skipped_and_counted_where_the_track_says_so(
    run: Run, examples: list[Example], tmp_path: Path
) -> None:
    long = replace(examples[5], rationales=(" ".join(["red"] * 300),))
    chosen = [*examples[:5], long, *examples[6:]]
    training = replace(FULL, max_tokens=200)
    done = run(chosen=chosen, training=training, decoding=LENIENT)
    assert done.skipped_examples == FULL.epochs and done.step == 12
    assert max(done.lengths) <= 200


def test_a_step_of_which_no_example_fits_is_survived(run: Run, examples: list[Example]) -> None:
    long = replace(examples[5], rationales=(" ".join(["red"] * 300),))
    training = replace(FULL, max_tokens=200, batch_size=1, epochs=1)
    done = run(chosen=[examples[0], long, examples[1]], training=training, decoding=LENIENT)
    assert done.skipped_examples == 1 and done.step == 3 and done.tokens > 0


# ------------------------------------------------------------ saving


@pytest.mark.parametrize("training", [FULL, LORA], ids=["full", "lora"])
def test_a_restored_student_is_the_trained_one(
    training: Training,
    family: str,
    run: Run,
    make_student: Callable[..., Student],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    trained: list[Any] = []
    real = students.save

    def seen(student: Student, folder: Path) -> None:
        trained.append(student.model.eval())
        real(student, folder)

    monkeypatch.setattr(students, "save", seen)
    run(training=training, family=family)
    ids = torch.arange(5, 45)[None]
    restored = [
        students.restore(make_student(family), tmp_path / "out" / "weights").model.eval()
        for _ in range(2)
    ]
    with torch.inference_mode():
        expected = trained[0](ids).logits
        found, again = (model(ids).logits for model in restored)
        untrained = make_student(family).model(ids).logits
    assert torch.equal(found, again)
    assert type(restored[0]) is type(make_student(family).model), "an adapter costs time and FLOPs"
    if training.lora_rank is None:
        assert torch.equal(found, expected)
    assert torch.allclose(found, expected, rtol=1e-4, atol=1e-5)
    assert not torch.allclose(found, untrained, rtol=1e-2, atol=1e-2)


def test_the_seed_decides_the_adapter_and_nothing_before_it_does(
    make_student: Callable[..., Student],
) -> None:
    def adapter(seed: int, n_drawn_before: int) -> list[Tensor]:
        student = make_student()
        torch.rand(n_drawn_before)
        model = students.adapt(student, 4, 8, seed).model
        return [weight for name, weight in model.named_parameters() if "lora_A" in name]

    one, same, other = adapter(1, 0), adapter(1, 5), adapter(2, 0)
    assert one and all(torch.equal(a, b) for a, b in zip(one, same, strict=True))
    assert not any(torch.equal(a, b) for a, b in zip(one, other, strict=True))


def test_the_same_seed_ends_in_the_same_weights(run: Run, tmp_path: Path) -> None:
    training = replace(LORA, epochs=1)
    run("one", training)
    run("same", training)
    run("other", training, seed=SEED + 1)
    assert weights(tmp_path / "one") == weights(tmp_path / "same")
    assert weights(tmp_path / "one") != weights(tmp_path / "other")


def test_only_the_adapter_is_written_for_lora_and_all_weights_without(
    run: Run, tmp_path: Path
) -> None:
    for name, training in (("full", FULL), ("lora", LORA)):
        run(name, replace(training, epochs=1))
    lora, full = tmp_path / "lora" / "weights", tmp_path / "full" / "weights"
    assert (lora / "adapter_config.json").is_file() and not (lora / "config.json").exists()
    assert (full / "config.json").is_file() and not (full / "adapter_config.json").exists()


# ------------------------------------------------------------ snapshots

QUARTERS = (0.25, 0.5, 0.75, 1.0)
SNAPSHOTS = ("weights-0.25", "weights-0.5", "weights-0.75", "weights-1")


def files_of(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


@pytest.mark.parametrize("training", [FULL, LORA], ids=["full", "lora"])
def test_weights_are_kept_at_each_quarter_and_keeping_them_changes_nothing(
    training: Training, run: Run, tmp_path: Path
) -> None:
    method = Plain(points=(0.5,))
    plain = run("plain", training, method)
    kept = run("kept", training, method, snapshots=QUARTERS)
    assert replace(kept, seconds=0.0) == replace(plain, seconds=0.0)
    assert weights(tmp_path / "kept") == weights(tmp_path / "plain")
    assert log(tmp_path / "kept") == log(tmp_path / "plain")
    folders = sorted(p.name for p in (tmp_path / "kept").glob("weights*"))
    assert folders == sorted(["weights", *SNAPSHOTS])
    assert files_of(tmp_path / "kept" / "weights-1") == files_of(tmp_path / "kept" / "weights")
    found = [files_of(tmp_path / "kept" / name) for name in SNAPSHOTS]
    for one, other in pairwise(found):
        assert one.keys() == other.keys() and one != other


def test_a_snapshot_holds_the_weights_of_its_step_and_can_be_restored(
    run: Run, make_student: Callable[..., Student], after_steps: Callable[..., None], tmp_path: Path
) -> None:
    states = dict[int, dict[str, Tensor]]()

    def kept(loop: Any, at: int) -> None:
        states[at + 1] = {k: v.clone() for k, v in loop._model.state_dict().items()}

    after_steps(kept)
    run(snapshots=QUARTERS, family="llama")
    for step, name in zip((3, 6, 9, 12), SNAPSHOTS, strict=True):
        model = students.restore(make_student("llama"), tmp_path / "out" / name).model
        assert all(torch.equal(v, states[step][k]) for k, v in model.state_dict().items())


def test_a_killed_run_goes_on_to_the_same_snapshots(
    run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    run("whole", LORA, snapshots=QUARTERS)
    with monkeypatch.context() as patch:
        dies_at(8, patch)
        with pytest.raises(Killed):
            run("killed", LORA, snapshots=QUARTERS)
    run("killed", LORA, snapshots=QUARTERS)
    for name in SNAPSHOTS:
        whole, killed = (files_of(tmp_path / out / name) for out in ("whole", "killed"))
        assert whole == killed
