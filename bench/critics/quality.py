"""How well scores tell true triples from false ones."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import (  # pyright: ignore[reportMissingTypeStubs]
    average_precision_score,
    precision_recall_curve,
    roc_auc_score,
)

Scores = NDArray[np.float64]
N_BINS = 10


def quality(
    labels: Sequence[int], scores: Scores, *, probabilities: bool = True
) -> dict[str, float | None]:
    """AUROC, average precision, precision at 80 % recall, expected calibration error.

    The last asks for scores that are `probabilities` of the label 1. ValueError unless both labels
    occur.
    """
    if len(set(labels)) != 2:
        raise ValueError("quality needs true and false triples")
    marks = np.array(labels)
    return {
        "n": len(labels),
        "share_true": float(marks.mean()),
        "auroc": float(roc_auc_score(marks, scores)),
        "average_precision": float(average_precision_score(marks, scores)),
        "precision_at_80_recall": precision_at(0.8, labels, scores),
        "calibration_error": _calibration_error(marks, scores) if probabilities else None,
    }


def precision_at(recall: float, labels: Sequence[int], scores: Scores) -> float:
    """The best precision of a cut that keeps at least that share of the true triples."""
    curve: Any = precision_recall_curve(labels, scores)
    precisions, recalls, _ = curve
    return float(precisions[recalls >= recall].max())


def _calibration_error(labels: NDArray[Any], scores: Scores) -> float:
    """Mean distance of score and truth over equal bins, by their numbers (Guo et al. 2017)."""
    bins = np.minimum((scores * N_BINS).astype(int), N_BINS - 1)
    gaps = [abs((scores - labels)[bins == b].sum()) for b in range(N_BINS)]
    return float(sum(gaps) / len(labels))


def recalls_of(scores: Scores, true_scores: Scores) -> list[float]:
    """For each score the recall of a cut there: the share of `true_scores` that are as high."""
    below = np.searchsorted(np.sort(true_scores), scores, side="left")
    return [float(share) for share in 1 - below / len(true_scores)]
