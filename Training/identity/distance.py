"""The distance that the service decides by: how unlike two faces are, by what that says where they lie.

distance = (1 - cosine) * exp(cohort weight * (both crowdings above the usual) + rivals weight * (likeness of the rivals above
the usual)). Rivals are the known faces that come after the nearest: who is somebody known is much more like them than like
anybody else, a stranger is like several a little. So the same thresholds do among few faces and among many, and where
all are of one group (the same thought as Lowe's ratio test, 2004, "Distinctive image features from scale-invariant keypoints").
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .cohort import WEIGHT, Cohort
from .evaluate import Vectors

RIVALS, RIVALS_WEIGHT, RIVALS_USUAL = 4, 1.2, 0.2


@dataclass(frozen=True)
class Faces:
    """Unit vectors [N, 512] and how much more crowded than usual each one's surroundings are."""

    vectors: Vectors
    crowding: NDArray[np.float32]

    @staticmethod
    def seen_by(cohort: Cohort, vectors: Vectors) -> Faces:
        """Faces with the crowding that a cohort finds."""
        return Faces(vectors, cohort.crowding(vectors) - cohort.usual)

    def __len__(self) -> int:
        return len(self.vectors)

    def __getitem__(self, rows: NDArray[Any]) -> Faces:
        return Faces(self.vectors[rows], self.crowding[rows])

    def __add__(self, others: Faces) -> Faces:
        return Faces(np.concatenate([self.vectors, others.vectors]), np.concatenate([self.crowding, others.crowding]))

    def distances(self, others: Faces) -> NDArray[np.float32]:
        """Distances of pairs [N, M] when nobody else is known."""
        return (1 - self.vectors @ others.vectors.T) * np.exp(WEIGHT * (self.crowding[:, None] + others.crowding))

    def nearest(self, others: Faces, without: NDArray[np.bool_] | None = None) -> Nearest:
        """As the service does: the one most alike by cosine, leaving out pairs of `without` [N, M]."""
        cosines = self.vectors @ others.vectors.T
        if without is not None:
            cosines[without] = -1
        rows = cosines.argmax(1)
        cosine = 1 - cosines[np.arange(len(self)), rows]
        excess = WEIGHT * (self.crowding + others.crowding[rows]) + RIVALS_WEIGHT * rivalry(cosines)
        return Nearest(rows, cosine, cosine * np.exp(excess))


@dataclass(frozen=True)
class Nearest:
    """Of N faces, which known one is nearest, the cosine distance to it and the normalised one."""

    rows: NDArray[np.int64]
    cosine: NDArray[np.float32]
    normalised: NDArray[np.float32]

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, which: NDArray[Any]) -> Nearest:
        return Nearest(self.rows[which], self.cosine[which], self.normalised[which])

    @staticmethod
    def together(parts: list[Nearest]) -> Nearest:
        """All of several galleries; rows are each one's own."""
        return Nearest(*(np.concatenate([getattr(part, name) for part in parts]) for name in Nearest.__annotations__))


def rivalry(cosines: NDArray[np.float32]) -> NDArray[np.float32]:
    """How much more alike than usual, of all the known faces [N, M], those are that come after the nearest; 0 where they are
    less, or too few."""
    if cosines.shape[1] <= RIVALS:
        return np.zeros(len(cosines), np.float32)
    likeness = np.sort(np.partition(cosines, -RIVALS - 1, axis=1)[:, -RIVALS - 1 :], axis=1)[:, :-1].mean(1)
    return np.maximum(likeness - RIVALS_USUAL, 0)
