"""Identity vectors as the service makes them: the parts that a manifest entry names, side by side at their weights."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import openvino as ov
from numpy.typing import NDArray

from ..manifest import parts

Crops = NDArray[np.uint8]
Vectors = NDArray[np.float32]
BATCH = 16


def normalise(vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    """Rows scaled to unit length."""
    return vectors / np.maximum(np.linalg.norm(vectors, axis=-1, keepdims=True), 1e-12)


def side_by_side(vectors: list[Vectors], weights: list[float]) -> Vectors:
    """Unit vectors of several parts as one: each at its weight's length, all of it at length 1."""
    return normalise(np.concatenate([weight * part for part, weight in zip(vectors, weights, strict=True)], 1))


class Part:
    """A network of the identity vector: crops [N, 112, 112, 3] uint8 RGB to its unit vectors."""

    def __init__(self, models: Path, entry: dict[str, Any], threads: int = 1) -> None:
        self.weight = float(entry.get("weight", 1))
        self.width = int(entry["outputs"]["embedding"])
        self.weights = models / entry["weights"]["file"]
        # Whose vectors a file of them holds: a version changes with its weights.
        self.name = f"{entry['version']}-{entry['graph']['sha256'][:8]}"
        self._mean = np.array(entry["input"]["mean"], np.float32)
        self._deviation = np.array(entry["input"]["deviation"], np.float32)
        options = {"INFERENCE_PRECISION_HINT": "f32", "INFERENCE_NUM_THREADS": threads}
        core = ov.Core()
        model = core.read_model(models / entry["graph"]["file"], self.weights)
        self._request = core.compile_model(model, "CPU", options).create_infer_request()

    def embed(self, crops: Crops) -> Vectors:
        """Unit vectors, one view a crop."""
        rows = [np.empty((0, self.width), np.float32)]
        for start in range(0, len(crops), BATCH):
            images = (crops[start : start + BATCH].astype(np.float32) - self._mean) / self._deviation
            self._request.infer({0: np.ascontiguousarray(images.transpose(0, 3, 1, 2))})
            rows.append(self._request.get_output_tensor(0).data.copy())
        return normalise(np.concatenate(rows))


class Embedder:
    """The identity vectors of a folder of models."""

    def __init__(self, models: Path, threads: int = 1) -> None:
        entry = json.loads((models / "identity.json").read_text())
        self.parts = [Part(models, part, threads) for part in parts(entry)]

    def embed(self, crops: Crops) -> Vectors:
        """Unit vectors [N, 512], one view a crop."""
        return side_by_side([part.embed(crops) for part in self.parts], [part.weight for part in self.parts])


class KeptVectors:
    """A part's vectors of all crops in the manifest's order: made as they are asked for and kept in a file, since that takes
    longer than all that is done with them."""

    def __init__(self, part: Part, images: Crops, folder: Path) -> None:
        self.part, self._images = part, images
        path = folder / f"vectors-{part.name}.npy"
        if not path.exists():
            np.lib.format.open_memmap(path, "w+", np.float32, (len(images), part.width))
        self._kept = np.load(path, mmap_mode="r+")

    def __getitem__(self, rows: NDArray[np.int64]) -> Vectors:
        # A row that has not been made is all zeros, as a new file is.
        missing = rows[~self._kept[rows].any(1)]
        for start in range(0, len(missing), 64 * BATCH):
            some = np.sort(missing[start : start + 64 * BATCH])
            self._kept[some] = self.part.embed(self._images[some])
            self._kept.flush()
        return np.array(self._kept[rows])
