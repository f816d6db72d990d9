"""Training crops, their manifest and the teacher's targets, decoded once into arrays that are mapped from disk."""

from __future__ import annotations

import csv
import gzip
import io
import sys
import time
import zipfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from .network import INPUT_SIZE
from .teacher import Teacher, both_halves
from .vectors import normalise


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
        partial = path.with_suffix(".partial.npy")
        np.save(partial, both_halves(straight, np.concatenate(mirrored)))
        partial.rename(path)
    return np.load(path)


def find_alike(out: Path, targets: NDArray[np.float16], rows: NDArray[np.int64], count: int = 8) -> NDArray[np.int64]:
    """For each of `rows` the `count` other ones whose targets are nearest, from `out`/alike.npz or computed there."""
    path = out / "alike.npz"
    if not path.exists() or not np.array_equal(np.load(path)["rows"], rows):
        vectors = targets[rows].astype(np.float32)
        alike = np.empty((len(rows), count), np.int64)
        for start in range(0, len(rows), 512):
            cosines = vectors[start : start + 512] @ vectors.T
            cosines[np.arange(len(cosines)), np.arange(start, start + len(cosines))] = -1
            alike[start : start + 512] = rows[np.argpartition(-cosines, count, axis=1)[:, :count]]
        np.savez(path, rows=rows, alike=alike)
    return np.load(path)["alike"]
