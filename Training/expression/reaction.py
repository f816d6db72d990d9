"""The rating function's references and threshold.

A face enjoys what it sees when its unit expression vector lies within tau of the nearest reference (happy,
interested, amused). The references come from the training faces' votes, tau from the calibration faces.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .data import Faces
from .labels import FERPLUS
from .metrics import area, normalise, roc

PAPER_TAU = 0.9
ENJOYING = 0.5
"""Share of happiness votes from which a face counts as enjoying."""


def reference_rows(faces: Faces) -> dict[str, np.ndarray]:
    """Which faces define each reference, by their vote shares.

    happy: at least 0.9 happiness. amused: happiness and surprise together at least 0.9, each at least 0.2.
    interested: happiness and neutral together at least 0.9, happiness 0.4 to 0.7: the faint smile.
    """
    share = {name: faces.shares[:, column] for column, name in enumerate(FERPLUS)}
    happiness, surprise, neutral = share["happiness"], share["surprise"], share["neutral"]
    chosen = {
        "happy": happiness >= 0.9,
        "interested": (happiness + neutral >= 0.9) & (happiness >= 0.4) & (happiness <= 0.7),
        "amused": (happiness + surprise >= 0.9) & (happiness >= 0.2) & (surprise >= 0.2),
    }
    return {name: np.flatnonzero(rows) for name, rows in chosen.items()}


def references(faces: Faces, vectors: np.ndarray) -> dict[str, np.ndarray]:
    """Unit centroids of the unit vectors [N, 16] of the faces that define each reference."""
    unit = normalise(vectors)
    return {name: normalise(unit[rows].mean(0, keepdims=True))[0] for name, rows in reference_rows(faces).items()}


def distance(vectors: np.ndarray, anchors: dict[str, np.ndarray]) -> np.ndarray:
    """Euclidean distance (0...2) of each unit vector to the nearest reference."""
    unit = normalise(vectors)
    return np.min([np.linalg.norm(unit - anchor, axis=1) for anchor in anchors.values()], axis=0)


@dataclass(frozen=True)
class Rate:
    """How the rating function does at one tau."""

    tau: float
    true_positive: float
    false_positive: float


def rates(distances: np.ndarray, faces: Faces, taus: list[float]) -> tuple[list[Rate], float]:
    """True and false positive rates of "enjoying" at each tau, and the area under the ROC, of faces with votes."""
    voted = faces.votes.sum(1) > 0
    enjoys = faces.shares[voted][:, FERPLUS.index("happiness")] >= ENJOYING
    near = distances[voted]
    _, false, true = roc(-near, enjoys)
    table = [Rate(tau, float((near[enjoys] <= tau).mean()), float((near[~enjoys] <= tau).mean())) for tau in taus]
    return table, area(false, true)


def choose_tau(distances: np.ndarray, faces: Faces) -> float:
    """The tau with the largest true minus false positive rate (Youden), to two decimals."""
    taus = [round(tau, 2) for tau in np.arange(0.05, 1.9, 0.01)]
    table, _ = rates(distances, faces, taus)
    best = max(rate.true_positive - rate.false_positive for rate in table)
    near = [rate.tau for rate in table if rate.true_positive - rate.false_positive >= best - 0.001]
    return round(float(np.median(near)), 2)
