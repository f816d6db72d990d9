"""The distance that the service decides by: how unlike two faces are, by what that says where they lie.

distance = (1 - cosine) * exp(cohort weight * (both cohort scores above the usual) + impostors weight * (likeness of the impostors above
the usual)). Rivals are the known faces that come after the nearest: who is somebody known is much more like them than like
anybody else, a stranger is like several a little. So the same thresholds do among few faces and among many, and where
all are of one group (the same thought as Lowe's ratio test, 2004, "Distinctive image features from scale-invariant keypoints").
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .cohort import Cohort
from .vectors import Vectors

# How many of the faces that come after the nearest are impostors.
IMPOSTORS = 4


@dataclass(frozen=True)
class Normalisation:
    """How much the cohort scores and impostors count. Each kind of vectors has its own: `thresholds.py --choose` compares some hundred."""

    cohort: float = 0.9
    impostors: float = 1.2
    usual: float = 0.2

    @staticmethod
    def of(entry: dict[str, Any]) -> Normalisation:
        """What a manifest entry says, or where it doesn't, what did best so far."""
        by = Normalisation()
        identification = entry.get("identification", {})
        if "cohort" in identification:
            by = replace(by, cohort=identification["cohort"]["weight"])
        if "rivals" in identification:
            by = replace(by, impostors=identification["rivals"]["weight"], usual=identification["rivals"]["usual"])
        return by

    def factor(self, cohort_score: NDArray[np.float32], likeness: NDArray[np.float32] | None = None) -> NDArray[np.float32]:
        """What a cosine distance is multiplied by: from both faces' cohort scores above the usual, and the impostors' likeness."""
        excess = 0 if likeness is None else np.maximum(likeness - self.usual, 0)
        return np.exp(self.cohort * cohort_score + self.impostors * excess)


@dataclass(frozen=True)
class Faces:
    """Unit vectors [N, 512] and how much more crowded than usual each one's surroundings are."""

    vectors: Vectors
    cohort_score: NDArray[np.float32]

    @staticmethod
    def seen_by(cohort: Cohort, vectors: Vectors) -> Faces:
        """Faces with the scores that a cohort gives."""
        return Faces(vectors, cohort.scores(vectors) - cohort.usual)

    def __len__(self) -> int:
        return len(self.vectors)

    def __getitem__(self, rows: NDArray[Any]) -> Faces:
        return Faces(self.vectors[rows], self.cohort_score[rows])

    def __add__(self, others: Faces) -> Faces:
        return Faces(np.concatenate([self.vectors, others.vectors]), np.concatenate([self.cohort_score, others.cohort_score]))

    def distances(self, others: Faces, by: Normalisation) -> NDArray[np.float32]:
        """Distances of pairs [N, M] when nobody else is known."""
        return (1 - self.vectors @ others.vectors.T) * by.factor(self.cohort_score[:, None] + others.cohort_score)

    def nearest(self, others: Faces, without: NDArray[np.bool_] | None = None) -> Nearest:
        """As the service does: the one most alike by cosine, leaving out pairs of `without` [N, M]."""
        cosines = self.vectors @ others.vectors.T
        if without is not None:
            cosines[without] = -1
        rows = cosines.argmax(1)
        cosine = 1 - cosines[np.arange(len(self)), rows]
        return Nearest(rows, cosine, self.cohort_score + others.cohort_score[rows], impostor_likeness(cosines))


@dataclass(frozen=True)
class Nearest:
    """Of N faces, which known one is nearest, the cosine distance to it, and what normalises that: both cohort scores together
    and the impostors' likeness."""

    rows: NDArray[np.int64]
    cosine: NDArray[np.float32]
    cohort_score: NDArray[np.float32]
    likeness: NDArray[np.float32]

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, which: NDArray[Any]) -> Nearest:
        return Nearest(*(getattr(self, name)[which] for name in Nearest.__annotations__))

    def normalised(self, by: Normalisation) -> NDArray[np.float32]:
        """The distances that the service decides by."""
        return self.cosine * by.factor(self.cohort_score, self.likeness)

    @staticmethod
    def together(parts: list[Nearest]) -> Nearest:
        """All of several galleries; rows are each one's own."""
        return Nearest(*(np.concatenate([getattr(part, name) for part in parts]) for name in Nearest.__annotations__))


def impostor_likeness(cosines: NDArray[np.float32]) -> NDArray[np.float32]:
    """The mean cosine, of all the known faces [N, M], to those that come after the nearest; -1 where they are too few."""
    if cosines.shape[1] <= IMPOSTORS:
        return np.full(len(cosines), -1, np.float32)
    return np.sort(np.partition(cosines, -IMPOSTORS - 1, axis=1)[:, -IMPOSTORS - 1 :], axis=1)[:, :-1].mean(1)
