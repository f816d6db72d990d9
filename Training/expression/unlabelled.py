"""Faces without labels: the aligned crops that the identity network learns from, cut anew as FER2013's pictures are.

The network learns from them to say the same of a distorted view as its own running average says of the plain one
(Tarvainen and Valpola, "Mean teachers are better role models", 2017): they show it ages, origins and cameras that
FER2013 lacks.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from ..identity.data import decode, read_manifest, training_rows
from ..identity.thresholds import read_landmarks
from .augmentation import augment
from .geometry import crop
from .network import SIZE, Outputs


def read_unlabelled(data: Path, out: Path) -> np.ndarray:
    """Grey crops [N, 48, 48] uint8 of the identity network's training faces, from `out`/unlabelled.npy or made there."""
    path = out / "unlabelled.npy"
    if not path.exists():
        crops, landmarks = read_manifest(data), read_landmarks(data)
        images = decode(data, out, crops)
        faces = np.stack([
            np.asarray(crop(Image.fromarray(images[row]), landmarks[crops[row].file], SIZE))
            for row in training_rows(data, crops)
        ])  # fmt: skip
        np.save(path, faces)
    return np.load(path, mmap_mode="r")


class UnlabelledBatches:
    """Endless batches of faces: each as it is and in a random view."""

    def __init__(self, faces: np.ndarray, size: int, seed: int) -> None:
        self.faces, self.size = faces, size
        self.random = np.random.default_rng(seed)

    def next(self, device: str) -> tuple[Tensor, Tensor]:
        """Plain images and their views, both [B, 1, 48, 48] in 0...255."""
        rows = np.sort(self.random.integers(0, len(self.faces), self.size))
        plain = torch.from_numpy(self.faces[rows]).to(device).float().unsqueeze(1)
        return plain, augment(plain).contiguous(memory_format=torch.channels_last)


def consistency(view: Outputs, plain: Outputs) -> Tensor:
    """Cross-entropy of both heads to what the average says of the plain faces, and 1 - cosine of the expressions."""
    votes = -(plain.ferplus.softmax(1) * view.ferplus.log_softmax(1)).sum(1).mean()
    labels = -(plain.fer.softmax(1) * view.fer.log_softmax(1)).sum(1).mean()
    return votes + labels + 1 - torch.cosine_similarity(view.expression, plain.expression, dim=1).mean()
