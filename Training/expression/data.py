"""FER2013 pictures with FER labels and FER+ votes, joined, cleaned and split.

The manifest has one row a picture: `file, usage, fer_label, fp_neutral ... fp_NF, dup_vote_ambiguous,
same_picture_in_heldout, blank`. The pictures themselves are 48 x 48 grey JPEGs.
"""

from __future__ import annotations

import csv
import hashlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from .labels import FER, FER_NAMES, FERPLUS

MANIFEST = "fer2013-dev.manifest.csv"
VOTERS = 10
CALIBRATION_SHARE = 0.04
"""Share of the Training pictures kept from training, on which the temperatures are fitted."""


@dataclass(frozen=True)
class Faces:
    """N faces with their labels; row i of every array is the same picture."""

    files: np.ndarray
    """[N] path of the picture as in the manifest."""
    images: np.ndarray
    """[N, 48, 48] uint8 grey."""
    votes: np.ndarray
    """[N, 8] FER+ votes for the eight emotions; all zero where nobody chose one."""
    others: np.ndarray
    """[N] FER+ votes for unknown or no face."""
    labels: np.ndarray
    """[N, 7] shares of the FER labels: one 1, or several parts where copies of a picture disagree."""

    def __len__(self) -> int:
        return len(self.files)

    def __getitem__(self, rows: np.ndarray) -> Faces:
        return Faces(self.files[rows], self.images[rows], self.votes[rows], self.others[rows], self.labels[rows])

    @property
    def shares(self) -> np.ndarray:
        """[N, 8] vote shares; zero rows where there are no votes."""
        return (self.votes / np.maximum(self.votes.sum(1, keepdims=True), 1)).astype(np.float32)

    @property
    def majority(self) -> np.ndarray:
        """[N] bool: one emotion has more than half of all votes, unknown and no face included."""
        return self.votes.max(1) * 2 > self.votes.sum(1) + self.others


def read_manifest(path: Path) -> list[dict[str, str]]:
    """Rows of the manifest without blank pictures and those that are also in the part held back."""
    with path.open(newline="") as file:
        rows = list(csv.DictReader(file))
    return [row for row in rows if row["same_picture_in_heldout"] == "0" and row["blank"] == "0"]


def read_faces(images: Path, manifest: Path) -> dict[str, Faces]:
    """All pictures of the manifest by usage ("Training", "PublicTest"), `images` being the root of their paths."""
    rows = read_manifest(manifest)
    emotions = [f"fp_{name}" for name in FERPLUS]
    labels = np.zeros((len(rows), len(FER)), np.float32)
    labels[np.arange(len(rows)), [FER.index(FER_NAMES[row["fer_label"]]) for row in rows]] = 1
    faces = Faces(
        files=np.array([row["file"] for row in rows]),
        images=np.stack([read_image(images / row["file"]) for row in rows]),
        votes=np.array([[int(row[name] or 0) for name in emotions] for row in rows], np.float32),
        others=np.array([int(row["fp_unknown"] or 0) + int(row["fp_NF"] or 0) for row in rows], np.float32),
        labels=labels,
    )
    usage = np.array([row["usage"] for row in rows])
    return {name: faces[np.flatnonzero(usage == name)] for name in ("Training", "PublicTest")}


def read_image(path: Path) -> np.ndarray:
    """A 48 x 48 grey picture as uint8."""
    with Image.open(path) as image:
        grey = image.convert("L")
        if grey.size != (48, 48):
            grey = grey.resize((48, 48), Image.Resampling.BOX)
        return np.asarray(grey, np.uint8)


def digests(faces: Faces) -> np.ndarray:
    """A digest of each picture's pixels, equal for exact copies."""
    return np.array([hashlib.blake2b(image.tobytes(), digest_size=8).hexdigest() for image in faces.images])


def merge_copies(faces: Faces, without: Faces) -> Faces:
    """One row for each different picture, its copies' votes and labels averaged; pictures of `without` left out."""
    known = set(digests(without))
    names, first, group = np.unique(digests(faces), return_index=True, return_inverse=True)
    count = np.bincount(group)

    def mean(values: np.ndarray) -> np.ndarray:
        total = np.zeros((len(names), *values.shape[1:]), np.float64)
        np.add.at(total, group, values)
        return (total / count.reshape(-1, *[1] * (values.ndim - 1))).astype(np.float32)

    merged = Faces(faces.files[first], faces.images[first], mean(faces.votes), mean(faces.others), mean(faces.labels))
    return merged[np.array([i for i, name in enumerate(names) if name not in known])]


def training_split(data: Path) -> tuple[Faces, Faces, Faces]:
    """Faces to train on, to calibrate on and to select on (PublicTest).

    `data` holds the manifest and the unpacked `fer2013` folder, or a cache of both made here at the first call. Copies
    in Training are merged, those of PublicTest pictures dropped, and so is what most voters saw no emotion in. The
    calibration faces are chosen by the digest of their pixels, so the split does not change between runs.
    """
    cache = data / "fer2013-faces.npz"
    if cache.exists():
        stored = np.load(cache)
        fields = Faces.__annotations__
        faces = {use: Faces(**{f: stored[f"{use}_{f}"] for f in fields}) for use in ("Training", "PublicTest")}
    else:
        faces = read_faces(data, data / MANIFEST)
        np.savez(cache, **{f"{use}_{f}": v for use, part in faces.items() for f, v in vars(part).items()})
    public = faces["PublicTest"]
    merged = merge_copies(faces["Training"], without=public)
    merged = merged[np.flatnonzero(merged.others * 2 <= VOTERS)]
    bucket = np.array([int(digest[:8], 16) for digest in digests(merged)]) / 2**32
    held = bucket < CALIBRATION_SHARE
    return merged[np.flatnonzero(~held)], merged[np.flatnonzero(held)], public
