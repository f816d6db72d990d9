"""Made-up faces to try the training code on: no data set is needed."""

from __future__ import annotations

import numpy as np

from .data import Faces
from .labels import FER, FERPLUS


def synthetic_faces(count: int, seed: int = 0) -> Faces:
    """`count` pictures of bars, whose direction and pitch tell the emotion and whose contrast its strength."""
    random = np.random.default_rng(seed)
    emotion = random.integers(0, len(FERPLUS), count)
    strength = random.uniform(0.4, 1, count)
    y, x = np.mgrid[0:48, 0:48]
    angle = (emotion * np.pi / len(FERPLUS))[:, None, None]
    wave = np.sin((x * np.cos(angle) + y * np.sin(angle)) * (0.3 + 0.05 * emotion[:, None, None]))
    images = 128 + 70 * strength[:, None, None] * wave + random.normal(0, 10, (count, 48, 48))
    votes = np.zeros((count, len(FERPLUS)), np.float32)
    chosen = np.round(10 * strength)
    votes[np.arange(count), emotion] = chosen
    votes[:, 0] += 10 - chosen
    labels = np.zeros((count, len(FER)), np.float32)
    names = ["disgust" if FERPLUS[e] == "contempt" else FERPLUS[e] for e in emotion]
    labels[np.arange(count), [FER.index(name) for name in names]] = 1
    return Faces(
        files=np.array([f"synthetic/{i}.png" for i in range(count)]),
        images=images.clip(0, 255).astype(np.uint8),
        votes=votes,
        others=np.zeros(count, np.float32),
        labels=labels,
    )
