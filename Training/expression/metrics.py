"""Figures of merit on NumPy arrays: accuracies, calibration, odd one out, ROC."""

from __future__ import annotations

import numpy as np

from .data import Faces
from .labels import FER, FERPLUS, MOODS, mood_of


def moods(probabilities: np.ndarray, emotions: tuple[str, ...]) -> np.ndarray:
    """Probabilities [N, K] of emotions added up to those of the four moods [N, 4]."""
    summed = np.zeros((len(probabilities), len(MOODS)), probabilities.dtype)
    for column, mood in enumerate(mood_of(emotions)):
        summed[:, mood] += probabilities[:, column]
    return summed


def calibration_error(probabilities: np.ndarray, truth: np.ndarray, bins: int = 15) -> float:
    """Expected calibration error of the predicted class over equal bins of confidence."""
    confidence = probabilities.max(1)
    correct = probabilities.argmax(1) == truth
    bin_of = np.minimum((confidence * bins).astype(int), bins - 1)
    gaps = [abs(confidence[bin_of == b].sum() - correct[bin_of == b].sum()) for b in range(bins)]
    return float(sum(gaps) / len(truth))


def confusion(predicted: np.ndarray, truth: np.ndarray, classes: int) -> np.ndarray:
    """Counts [truth, predicted]."""
    return np.bincount(truth * classes + predicted, minlength=classes * classes).reshape(classes, classes)


def accuracies(faces: Faces, ferplus: np.ndarray, fer: np.ndarray) -> dict[str, float | int]:
    """What `vision evaluate fer` prints, from calibrated probabilities [N, 8] and [N, 7].

    `accuracy7` and `accuracy4` measure the label head against FER labels; the others the vote head on the images where
    one emotion has more than half of all votes. `ece4` is the vote head's calibration over moods on the same images;
    `ece4_labels` the label head's on all.
    """
    rows = faces.majority
    label, vote = faces.labels.argmax(1), faces.votes[rows].argmax(1)
    label4, vote4 = np.array(mood_of(FER))[label], np.array(mood_of(FERPLUS))[vote]
    fer4, ferplus4 = moods(fer, FER), moods(ferplus[rows], FERPLUS)
    return {
        "accuracy4": float((fer4.argmax(1) == label4).mean()),
        "accuracy7": float((fer.argmax(1) == label).mean()),
        "accuracy8_ferplus": float((ferplus[rows].argmax(1) == vote).mean()),
        "accuracy4_ferplus": float((ferplus4.argmax(1) == vote4).mean()),
        "ece4": calibration_error(ferplus4, vote4),
        "ece4_labels": calibration_error(fer4, label4),
        "images": len(faces),
        "majority_images": int(rows.sum()),
    }


def normalise(vectors: np.ndarray) -> np.ndarray:
    """Rows scaled to unit length."""
    return vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12)


def odd_one_out(features: np.ndarray, triplets: np.ndarray) -> np.ndarray:
    """Index (0...2) of the one left when the closest two of each triplet [T, 3] of rows are paired."""
    a, b, c = (features[triplets[:, i]] for i in range(3))
    return np.stack([((x - y) ** 2).sum(1) for x, y in ((b, c), (a, c), (a, b))], 1).argmin(1)


def roc(scores: np.ndarray, positive: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Thresholds (descending) with the false and true positive rates of scores >= threshold."""
    order = np.argsort(-scores, kind="stable")
    hits = positive[order]
    true = np.cumsum(hits) / max(1, hits.sum())
    false = np.cumsum(~hits) / max(1, (~hits).sum())
    last = np.append(np.diff(scores[order]) != 0, True)
    return scores[order][last], false[last], true[last]


def area(false: np.ndarray, true: np.ndarray) -> float:
    """Area under a ROC curve."""
    return float(np.trapezoid(np.append(0, true), np.append(0, false)))
