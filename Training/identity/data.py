"""Training crops, their manifest and the teacher's targets, decoded once into arrays that are mapped from disk."""

from __future__ import annotations

import csv
import gzip
import io
import sys
import time
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from .network import EMBEDDING_WIDTH, INPUT_SIZE
from .teacher import Teacher, normalise


@dataclass(frozen=True)
class Crop:
    """One line of the manifest. `lfw_development` is 1 for people of LFW's folds 1-5 and 2 for pictures of other sets
    that look like one of them."""

    file: str
    source: str
    person: str
    lfw_development: int

    @property
    def stem(self) -> str:
        """File name without folder and ending."""
        return Path(self.file).stem


def read_manifest(data: Path) -> list[Crop]:
    """All crops in the manifest's order, which is the order of every array here."""
    with gzip.open(data / "faces-train-112.manifest.csv.gz", "rt", newline="") as lines:
        return [
            Crop(row["file"], row["source_set"], row["person"], int(row["in_lfw_dev"])) for row in csv.DictReader(lines)
        ]


def training_rows(data: Path, crops: list[Crop]) -> NDArray[np.int64]:
    """Rows to train on: no one of LFW's development folds, nobody alike, and none of the excluded files."""
    excluded = set((data / "faces-train-112.exclude.txt").read_text().split())
    return np.array([i for i, crop in enumerate(crops) if crop.lfw_development == 0 and crop.file not in excluded])


def decode(data: Path, out: Path, crops: list[Crop]) -> NDArray[np.uint8]:
    """Crops as [N, 112, 112, 3] uint8 RGB, decoded into `out`/crops.npy unless it is there."""
    path = out / "crops.npy"
    if not path.exists():
        out.mkdir(parents=True, exist_ok=True)
        partial = path.with_suffix(".partial")
        shape = (len(crops), INPUT_SIZE, INPUT_SIZE, 3)
        images = np.lib.format.open_memmap(partial, "w+", np.uint8, shape)
        with zipfile.ZipFile(data / "faces-train-112.zip") as archive:
            for i, crop in enumerate(crops):
                images[i] = np.asarray(Image.open(io.BytesIO(archive.read(crop.file))).convert("RGB"))
        images.flush()
        partial.rename(path)
    return np.load(path, mmap_mode="r")


def make_targets(data: Path, out: Path, images: NDArray[np.uint8]) -> NDArray[np.float16]:
    """The teacher's unit embeddings of crop and mirrored crop side by side, [N, 512] of unit length, from
    `out`/targets.npy or computed there. The data has the first half; the mirrored one is run here."""
    path = out / "targets.npy"
    if not path.exists():
        stored = np.load(data / "teacher-embeddings-train.npz")
        straight = normalise(stored["q"].astype(np.float32) * stored["scale"][:, None])
        teacher, mirrored, begin = Teacher(data / "teacher"), [], time.monotonic()
        for start in range(0, len(images), 1024):
            mirrored.append(teacher.embed(images[start : start + 1024], mirrored=True))
            seconds = time.monotonic() - begin
            print(f"\rteacher: {start} of {len(images)}, {seconds:.0f} s", end="", file=sys.stderr, flush=True)
        print(file=sys.stderr)
        targets = np.concatenate([straight, np.concatenate(mirrored)], 1) / np.sqrt(2)
        partial = path.with_suffix(".partial.npy")
        np.save(partial, targets.astype(np.float16))
        partial.rename(path)
    return np.load(path)


def find_alike(out: Path, targets: NDArray[np.float16], rows: NDArray[np.int64], count: int = 8) -> NDArray[np.int64]:
    """For each of `rows` the `count` other ones whose targets are nearest, from `out`/alike.npy or computed there."""
    path = out / "alike.npy"
    if not path.exists():
        vectors = targets[rows].astype(np.float32)
        alike = np.empty((len(rows), count), np.int64)
        for start in range(0, len(rows), 512):
            cosines = vectors[start : start + 512] @ vectors.T
            cosines[np.arange(len(cosines)), np.arange(start, start + len(cosines))] = -1
            alike[start : start + 512] = rows[np.argpartition(-cosines, count, axis=1)[:, :count]]
        np.save(path, alike)
    return np.load(path)


@dataclass(frozen=True)
class TrainingSet:
    """Images with their targets, the rows of them that are trained on, which others each of those looks like [rows, N],
    and the rows that are watched."""

    images: NDArray[np.uint8]
    targets: NDArray[np.float16]
    rows: NDArray[np.int64]
    alike: NDArray[np.int64]
    watched: NDArray[np.int64]

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
        return TrainingSet(images, targets, rows, alike, development[:: max(1, len(development) // 1000)])

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
        return TrainingSet(images, targets.astype(np.float16), rows, alike, np.arange(len(rows), count))


def paired(data: TrainingSet, batch: int, generator: np.random.Generator) -> Iterator[NDArray[np.int64]]:
    """Batches of rows without end: pairs, one after another, of every row once an epoch and, half of the time, one that
    looks like it, otherwise any."""
    while True:
        order = generator.permutation(len(data.rows))
        for start in range(0, len(order) - batch // 2 + 1, batch // 2):
            chosen = order[start : start + batch // 2]
            others = data.alike[chosen, generator.integers(0, data.alike.shape[1], len(chosen))]
            others = np.where(generator.random(len(chosen)) < 0.5, others, generator.choice(data.rows, len(chosen)))
            yield np.stack([data.rows[chosen], others], 1).ravel()
