"""Critics: how well they tell true from false, and what a cut-off keeps."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import pytest

from bench import registry
from bench.corpora.corpus import Corpus
from bench.critics.quality import precision_at, quality, recalls_of
from bench.run import critic
from bench.run.cell import Cell
from bench.track import ConfigError, Critic, Scratch

SMALL = {
    "model_type": "bert", "hidden_size": 32, "intermediate_size": 32, "num_hidden_layers": 1,
    "num_attention_heads": 2, "max_position_embeddings": 64,
}  # fmt: skip
SPEC = Critic(scratch=Scratch(SMALL, 300), epochs=8, patience=8, batch_size=16, learning_rate=5e-3)
WORDS = [
    "happy",
    "glad",
    "proud",
    "calm",
    "quick",
    "lucky",
    "clever",
    "kind",
    "green",
    "young",
    "warm",
    "bold",
    "north",
    "seven",
    "salt",
    "under",
    "paper",
    "noon",
    "grey",
    "stone",
    "later",
    "brick",
    "ninth",
    "rust",
]
TRUE, FALSE = WORDS[::2], WORDS[1::2]


def labelled(n: int) -> list[dict[str, Any]]:
    """Triples that are true for every second word: nothing but the labels tells which."""
    rng, found = Random(0), list[dict[str, Any]]()
    for i in range(n):
        label = int(rng.random() < 0.6)
        tail = rng.choice(TRUE if label else FALSE)
        split = ("train", "train", "dev", "test")[i % 4]
        row = {"head": f"PersonX buys thing {i % 40}", "relation": "xReact", "phrase": "PersonX is"}
        found.append({**row, "tail": tail, "label": label, "split": split})
    return found


@pytest.fixture
def cell(make_cell: Callable[..., Cell]) -> Callable[..., Cell]:
    """A cell whose corpus people have judged."""
    labels = labelled(400)
    rows = [
        {"id": str(i), "task": r["relation"], "question": r["head"], "phrase": r["phrase"],
         "answer": r["tail"], "source": "machine"}
        for i, r in enumerate(labels)
    ]  # fmt: skip
    corpus = Corpus(rows, [], {"sha256": "judged", "teacher_tokens": {}}, labels)

    def make(label: str) -> Cell:
        plain = make_cell("std_cot")
        track = replace(plain.track, critic=SPEC)
        return replace(plain, track=track, method=registry.configure_named(label), corpus=corpus)

    return make


def test_quality_of_scores_that_are_known() -> None:
    found = quality([1, 1, 0, 0], np.array([0.9, 0.6, 0.7, 0.1]))
    assert found["auroc"] == 0.75 and found["share_true"] == 0.5
    assert found["average_precision"] == pytest.approx((1 + 2 / 3) / 2)
    assert found["precision_at_80_recall"] == pytest.approx(2 / 3)
    assert found["calibration_error"] == pytest.approx((0.1 + 0.4 + 0.7 + 0.1) / 4)


def test_precision_is_the_best_of_all_cuts_that_keep_enough() -> None:
    assert precision_at(0.5, [1, 1, 0, 0], np.array([0.9, 0.6, 0.7, 0.1])) == 1.0
    assert precision_at(1.0, [1, 0, 1, 1], np.array([0.9, 0.8, 0.7, 0.6])) == 0.75


def test_quality_of_triples_that_are_all_true_is_not_known() -> None:
    with pytest.raises(ValueError, match="true and false"):
        quality([1, 1], np.array([0.5, 0.6]))


def test_a_cut_at_a_score_keeps_that_share_of_the_true_ones() -> None:
    true = np.array([0.2, 0.4, 0.6, 0.8])
    assert recalls_of(np.array([0.9, 0.8, 0.5, 0.2, 0.1]), true) == [0.0, 0.25, 0.5, 1.0, 1.0]


def test_a_critic_learns_what_people_judged_and_one_with_shuffled_labels_does_not(
    cell: Callable[..., Cell], home: Path
) -> None:
    trained = cell("comet_distil[critic=high]")
    shuffled = cell("comet_distil[critic=high,judge=shuffled]")
    good, bad = critic.report(trained), critic.report(shuffled)
    assert good is not None and bad is not None
    assert good["auroc"] > 0.95 and good["judge"] == "trained"
    assert bad["auroc"] < 0.8 and bad["judge"] == "shuffled"
    judge = critic.of(trained)
    assert judge is not None
    rows = trained.corpus.rows
    recalls = judge([(row["question"], row["phrase"], row["answer"]) for row in rows])
    kept = [row for row, recall in zip(rows, recalls, strict=True) if recall <= 0.5]
    true = [row for row in kept if row["answer"] in TRUE]
    assert len(true) > 0.9 * len(kept) > 0
    n_true = sum(row["answer"] in TRUE for row in rows)
    assert 0.3 * n_true < len(true) < 0.7 * n_true


def test_it_is_taught_once_and_found_again(
    cell: Callable[..., Cell], monkeypatch: pytest.MonkeyPatch
) -> None:
    first = critic.report(cell("comet_distil[critic=low]"))
    monkeypatch.setattr(critic, "teach", lambda *_, **__: pytest.fail("taught again"))
    monkeypatch.setattr(critic, "_CRITICS", {})
    assert critic.report(cell("comet_distil[critic=high]")) == first


def test_who_needs_no_critic_gets_none_and_who_needs_one_is_told_where_there_is_none(
    cell: Callable[..., Cell],
) -> None:
    assert critic.of(cell("comet")) is None and critic.report(cell("comet")) is None
    wanting = cell("critical_teacher")
    without = replace(wanting, track=replace(wanting.track, critic=None))
    with pytest.raises(ConfigError, match="critical_teacher needs a critic"):
        critic.of(without)
