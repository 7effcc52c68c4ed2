"""The published loss bands against real training: healthy is inside, a shifted mask is not."""

from pathlib import Path
from typing import Any

import pytest

from bench import registry, track
from bench.batch import Batch
from bench.corpora import attach, corpus
from bench.run.measure import curve
from bench.students import student
from bench.training import train as training
from bench.training.schedule import n_steps
from bench.types import Needs
from leaderboard.rows.bands import outside
from leaderboard.store.board import PUBLISHED, load, of_label, suite

LABEL = "std_cot"


class CutOffError(Exception):
    """The first tenth is trained."""


def first_tenth(home: Path, monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Mean loss of the first tenth of a real run on pocket, which is then cut off."""
    chosen = track.load("pocket")
    rows = attach.examples(corpus.obtain("pocket", home, world=0, data_dir=None), Needs(), 0)
    total = n_steps(len(rows), chosen.training)
    real, losses = training._Loop.step, list[float]()

    def step(loop: Any, at: int, sequences: Any) -> float:
        if at == total // 10:
            raise CutOffError
        losses.append(real(loop, at, sequences))
        return losses[-1]

    monkeypatch.setattr(training._Loop, "step", step)
    with pytest.raises(CutOffError):
        training.train(
            registry.configure_named(LABEL),
            rows,
            student.load(chosen.student, texts=(), home=home, seed=0),
            chosen.training,
            chosen.decoding,
            seed=0,
            out=home / "out",
            total=total,
        )
    return [sum(losses) / len(losses)]


@pytest.fixture
def published() -> list[list[float]]:
    """The loss curves of the published runs."""
    return [
        record.training.loss_curve
        for record in of_label(load("pocket", suite(PUBLISHED, "pocket")), LABEL)
    ]


def test_a_healthy_run_lies_inside_the_published_band(
    home: Path, monkeypatch: pytest.MonkeyPatch, published: list[list[float]]
) -> None:
    assert outside(first_tenth(home, monkeypatch), published) == []


@pytest.mark.parametrize("by", [1, -1])
def test_a_loss_mask_shifted_by_one_leaves_the_band_in_its_first_tenth(
    by: int, home: Path, monkeypatch: pytest.MonkeyPatch, published: list[list[float]]
) -> None:
    real = training.micro_batches

    def shifted(*arguments: Any, **options: Any) -> list[Batch]:
        batches = real(*arguments, **options)
        for batch in batches:
            batch.scored.copy_(batch.scored.roll(by, dims=1))
        return batches

    monkeypatch.setattr(training, "micro_batches", shifted)
    assert outside(first_tenth(home, monkeypatch), published) == [0]


def test_a_curve_has_ten_points_that_average_to_the_mean_of_its_losses() -> None:
    losses = [float(i) for i in range(160)]
    points = curve(losses)
    assert len(points) == 10
    assert sum(points) / 10 == pytest.approx(sum(losses) / 160)
