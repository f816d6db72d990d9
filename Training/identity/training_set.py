"""What a run is trained on: crops, blends of crops, their targets, and in which order they come."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from .blends import Blends
from .data import decode, find_alike, make_targets, read_manifest, training_rows
from .network import EMBEDDING_WIDTH, INPUT_SIZE
from .vectors import normalise


@dataclass(frozen=True)
class TrainingSet:
    """Images with their targets, the rows of them that are trained on, which others each of those looks like [rows, N],
    the rows that are watched, and blends of rows that are trained on. Blend i is named by row number len(images) + i."""

    images: NDArray[np.uint8]
    targets: NDArray[np.float16]
    rows: NDArray[np.int64]
    alike: NDArray[np.int64]
    watched: NDArray[np.int64]
    blends: Blends

    def pictures(self, rows: NDArray[np.int64]) -> NDArray[np.uint8]:
        """Crops and blends [N, 112, 112, 3]."""
        count = len(self.images)
        return np.stack([self.images[i] if i < count else self.blends.picture(self.images, i - count) for i in rows])

    def answers(self, rows: NDArray[np.int64]) -> NDArray[np.float32]:
        """The teacher's targets [N, 512] for crops and blends."""
        count = len(self.images)
        answers = np.empty((len(rows), EMBEDDING_WIDTH), np.float32)
        answers[rows < count] = self.targets[rows[rows < count]]
        answers[rows >= count] = self.blends.targets[rows[rows >= count] - count]
        return answers

    @staticmethod
    def load(data: Path, out: Path) -> TrainingSet:
        """Decodes what is missing. A thousand of the LFW development crops are watched (the cosine to the teacher on
        faces that are not trained on)."""
        crops = read_manifest(data)
        images = decode(data, out, crops)
        targets = make_targets(data, out, images)
        development = np.array([i for i, crop in enumerate(crops) if crop.lfw_development == 1])
        rows = training_rows(data, crops)
        alike = find_alike(out, targets, rows)
        watched = development[:: max(1, len(development) // 1000)]
        return TrainingSet(images, targets, rows, alike, watched, Blends.load(out))

    @staticmethod
    def synthetic(count: int = 256) -> TrainingSet:
        """Pictures of two colours with targets that depend on them, to try the code without data."""
        generator = np.random.default_rng(0)
        colours = generator.integers(0, 256, (count, 2, 1, 3), dtype=np.uint8)
        images = np.kron(colours, np.ones((1, INPUT_SIZE // 2, INPUT_SIZE, 1), np.uint8))
        projection = generator.standard_normal((6, EMBEDDING_WIDTH // 2)).astype(np.float32)
        half = (colours.reshape(count, -1).astype(np.float32) - 127.5) @ projection
        targets = normalise(np.concatenate([half, half], 1))
        rows = np.arange(count * 3 // 4)
        alike = np.stack([(rows + step) % len(rows) for step in (1, 2)], 1)
        watched = np.arange(len(rows), count)
        return TrainingSet(images, targets.astype(np.float16), rows, alike, watched, Blends.none())


def paired(data: TrainingSet, batch: int, generator: np.random.Generator) -> Iterator[NDArray[np.int64]]:
    """Batches of rows without end, in pairs, one after another: every crop once an epoch and, half of the time, one that
    looks like it, otherwise any. Where there are blends, half of every batch is theirs: pairs with the same first crop."""
    blended = len(data.blends) // 2
    count = batch // 2 if not blended else batch // 4
    while True:
        order = generator.permutation(len(data.rows))
        for start in range(0, len(order) - count + 1, count):
            chosen = order[start : start + count]
            others = data.alike[chosen, generator.integers(0, data.alike.shape[1], len(chosen))]
            others = np.where(generator.random(len(chosen)) < 0.5, others, generator.choice(data.rows, len(chosen)))
            pairs = np.stack([data.rows[chosen], others], 1)
            if blended:
                first = len(data.images) + 2 * generator.integers(0, blended, batch // 2 - count)
                pairs = np.concatenate([pairs, np.stack([first, first + 1], 1)])
            yield generator.permutation(pairs).ravel()
