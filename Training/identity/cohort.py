"""A cohort of nobody in particular, by which distances between faces are normalised.

To a network some faces lie close together: old ones, say, or those of a group that its training knew little of. There the
same distance says less. How alike a face is to the nearest of a fixed cohort measures that (after the cohort normalisation
of speaker verification: Auckenthaler, Carey and Lloyd-Thomas 2000, "Score normalization for text-independent speaker
verification systems").
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..manifest import digest
from .vectors import Vectors, normalise

FILE = "identity-cohort.bin"
MEMBERS, NEAREST = 512, 4


@dataclass(frozen=True)
class Cohort:
    """Unit vectors [M, 512], each the mean direction of some training faces, so that none is a person's; and the usual
    cohort score, at which a normalised distance is the cosine distance."""

    members: Vectors
    usual: float = 0.0

    def scores(self, vectors: Vectors) -> NDArray[np.float32]:
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
        return Cohort(centres, float(cohort.scores(vectors).mean()))

    def write(self, folder: Path, weight: float) -> dict[str, Any]:
        """Saves the members as little-endian float32; what the manifest says of them, and how much they count."""
        path = folder / FILE
        path.write_bytes(self.members.astype("<f4").tobytes())
        return {
            "file": FILE,
            "sha256": digest(path),
            "nearest": NEAREST,
            "weight": weight,
            "usual": round(self.usual, 4),
        }
