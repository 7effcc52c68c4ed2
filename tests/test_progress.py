"""What a run reports of itself: how much knowledge it showed, and its loss as a curve."""

import json
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from conftest import MUTE

from baselines._phrases import INVITATION
from bench import registry
from bench.batch import Tokens
from bench.corpora import attach
from bench.corpora.corpus import Corpus
from bench.costs.flops import FlopModel
from bench.run import measure
from bench.run.measure import curve
from bench.students.student import Student
from bench.track import Training
from bench.training.progress import Progress, Spent
from bench.training.schedule import order
from bench.training.train import train
from bench.types import Example

SEED = 1
TRAINING = Training(epochs=8, batch_size=6, learning_rate=1e-3)
TOTAL = 16


def shown_words(prompt: str) -> int:
    """Words of knowledge that stand in a prompt, read from its text alone."""
    _, invited, rest = prompt.partition(INVITATION)
    return len(rest.partition("\n\nQuestion:")[0].split()) if invited else 0


@pytest.fixture
def examples(toy_corpus: Corpus) -> Callable[[str], list[Example]]:
    return lambda label: attach.examples(toy_corpus, registry.configure_named(label).needs, SEED)


@pytest.fixture
def trained(
    examples: Callable[[str], list[Example]], make_student: Callable[..., Student], tmp_path: Path
) -> Callable[[str], Progress]:
    def trained(label: str) -> Progress:
        method = registry.configure_named(label)
        return train(
            method, examples(label), make_student("llama"), TRAINING, MUTE, seed=SEED,
            out=tmp_path / "out", total=TOTAL,
        )  # fmt: skip

    return trained


@pytest.mark.parametrize(
    "label",
    [
        "skintern",
        "skintern[examples=0]",
        "skintern[steps=7]",
        "skintern[summary=false]",
        "skintern[compression=random]",
        "skintern[compression=percentile]",
        "skintern[as_released=true]",
        "skintern[knowledge_loss=0.5]",
        "prompt_intern",
        "knowledge_train_only",
        "std_cot",
    ],
)
def test_the_words_that_a_pair_counts_as_shown_stand_in_its_prompt(
    label: str, examples: Callable[[str], list[Example]]
) -> None:
    method = registry.configure_named(label)
    for example in examples(label):
        for step in range(TOTAL):
            pair = method.pairs(example, step / TOTAL)[0]
            assert pair.n_shown == shown_words(pair.prompt)
            if pair.n_shown:
                assert example.knowledge is not None
                kept = Counter(pair.prompt.partition(INVITATION)[2].split()[: pair.n_shown])
                assert kept <= Counter(example.knowledge.text.split())


def test_skintern_shows_all_then_two_thirds_then_a_third_then_none(
    trained: Callable[[str], Progress], examples: Callable[[str], list[Example]]
) -> None:
    done = trained("skintern")
    shares = [shown / known for shown, known in zip(done.n_shown, done.n_known, strict=True)]
    assert shares == pytest.approx([1, 2 / 3, 1 / 3, 0], abs=0.02)
    assert shares[0] == 1 and shares[3] == 0
    method, rows = registry.configure_named("skintern"), examples("skintern")
    counted = [0] * 4
    for step in range(TOTAL):
        for example in order(rows, step, TRAINING.batch_size, SEED):
            (pair,) = method.pairs(example, step / TOTAL)
            counted[step * 4 // TOTAL] += shown_words(pair.prompt)
    assert done.n_shown == counted


@pytest.mark.parametrize(
    ("label", "ratios"),
    [
        ("skintern[steps=2,examples=0]", [1.0, 0.0]),
        ("knowledge_train_only", [1.0, 1.0, 1.0, 1.0]),
        ("knowledge_target", [0.0]),
        ("std_cot[restarts=3]", []),
    ],
)
def test_the_record_says_what_share_was_shown_between_restarts(
    label: str, ratios: list[float], trained: Callable[[str], Progress]
) -> None:
    """Nothing where there is no knowledge to show; fewer words of another part are fewer."""
    done = trained(label)
    method = registry.configure_named(label)
    spent = Spent(**vars(done), n_examples=12, teacher_flops=7)
    cell: Any = SimpleNamespace(
        method=method,
        corpus=SimpleNamespace(manifest={"teacher_tokens": {"rationale": 5, "knowledge": 2}}),
    )
    cost = measure._training_cost(cell, spent, FlopModel(0, 5, 0, 0, 0, 0, 5))
    assert cost.kept_ratio == ratios
    assert cost.teacher_flops == 7 and cost.tuning_trials == 0
    assert cost.n_steps == TOTAL and len(cost.loss_curve) == 10
    assert cost.final_loss == done.losses[-1] and cost.tokens == done.tokens
    assert cost.flops == 2 * 3 * 5 * done.tokens


def test_a_curve_is_the_mean_loss_of_each_tenth() -> None:
    assert curve([float(n) for n in range(20)]) == [2 * n + 0.5 for n in range(10)]
    assert curve([3.0, 1.0]) == [3.0, 1.0] and curve([]) == []
    uneven = curve([float(n) for n in range(37)])
    assert len(uneven) == 10 and uneven == sorted(uneven)
    assert curve([1.0] * 37) == [1.0] * 10


def test_what_was_spent_survives_as_plain_data_and_as_json() -> None:
    progress = Progress()
    rows = [Tokens([1, 2], [3], "solution", [1, 2, 4, 5], n_shown=2)] * 3
    progress.add(2.5, rows, 0.5)
    progress.add_known(2, [], rows)
    assert progress.n_shown == [0, 0, 6] and progress.n_known == [0, 0, 0]
    assert (
        progress.tokens == 9 and progress.lengths == {3: 3} and progress.teacher_lengths == {5: 3}
    )
    assert Progress.revived(progress.plain()) == progress
    listed = {
        k: sorted(v.items()) if isinstance(v, dict) else v for k, v in progress.plain().items()
    }
    assert Progress.revived(json.loads(json.dumps(listed))) == progress
    assert progress.final_loss == 2.5 and Progress().final_loss is None
