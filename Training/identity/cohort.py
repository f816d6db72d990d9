"""A cohort of nobody in particular, by which distances between faces are normalised.

To a network some faces lie close together: old ones, say, or those of a group that its training knew little of. There the
same distance says less. How alike a face is to the nearest of a fixed cohort measures that, and is added to the distance
(after the cohort normalisation of speaker verification: Auckenthaler, Carey and Lloyd-Thomas 2000, "Score normalization
for text-independent speaker verification systems").
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..manifest import digest
from .evaluate import Vectors
from .teacher import normalise

FILE = "identity-cohort.bin"
MEMBERS, NEAREST, WEIGHT = 512, 4, 0.3


@dataclass(frozen=True)
class Cohort:
    """Unit vectors [M, 512], each the mean direction of some training faces, so that none is a person's; and the usual
    crowding, at which a normalised distance is the cosine distance."""

    members: Vectors
    usual: float = 0.0

    def crowding(self, vectors: Vectors) -> NDArray[np.float32]:
        """The mean cosine of each face [N, 512] to the `NEAREST` members most alike."""
        return np.partition(vectors @ self.members.T, -NEAREST, axis=1)[:, -NEAREST:].mean(1)

    @staticmethod
    def of(vectors: Vectors, members: int = MEMBERS, rounds: int = 15) -> Cohort:
        """Spherical k-means over training faces [N, 512]."""
        centres = vectors[np.random.default_rng(1).permutation(len(vectors))[:members]].copy()
        for _ in range(rounds):
            nearest = (vectors @ centres.T).argmax(1)
            sums = np.zeros_like(centres)
            np.add.at(sums, nearest, vectors)
            centres = normalise(np.where(sums.any(1, keepdims=True), sums, centres))
        cohort = Cohort(centres)
        return Cohort(centres, float(cohort.crowding(vectors).mean()))

    def write(self, folder: Path) -> dict[str, Any]:
        """Saves the members as little-endian float32; what the manifest says of them."""
        path = folder / FILE
        path.write_bytes(self.members.astype("<f4").tobytes())
        return {
            "file": FILE,
            "sha256": digest(path),
            "nearest": NEAREST,
            "weight": WEIGHT,
            "usual": round(self.usual, 4),
        }


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

    def distances(self, others: Faces) -> NDArray[np.float32]:
        """Normalised distances [N, M]: 1 - cosine + weight * (both crowdings)."""
        return 1 - self.vectors @ others.vectors.T + WEIGHT * (self.crowding[:, None] + others.crowding)

    def nearest(
        self, others: Faces, without: NDArray[np.bool_] | None = None
    ) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        """As the service does: the one most alike by cosine, leaving out pairs of `without` [N, M], and the normalised
        distance to it."""
        cosines = self.vectors @ others.vectors.T
        rows = (cosines if without is None else np.where(without, -2, cosines)).argmax(1)
        best = cosines[np.arange(len(self)), rows]
        return rows, 1 - best + WEIGHT * (self.crowding + others.crowding[rows])
