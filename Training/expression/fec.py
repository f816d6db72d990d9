"""Google's Facial Expression Comparison set (FEC; Vemulapalli and Agarwala, CVPR 2019), for whoever has it.

FEC is a CSV without a header: for each of three pictures its URL and the face's box (left, right, top, bottom, as
shares of width and height); the triplet's type (ONE_, TWO_ or THREE_CLASS_TRIPLET); then an annotator's name and
answer by turns. An answer of 1, 2 or 3 names the picture whose expression is least like the other two. The pictures
have to be fetched by URL beforehand: they are looked for in one folder by the last part of their URL's path.
"""

from __future__ import annotations

import csv
from collections import Counter
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from urllib.parse import urlsplit

import numpy as np
import torch
from PIL import Image
from torch import Tensor
from torch.nn import functional

from .augmentation import augment
from .network import SIZE

TYPES = ("ONE_CLASS_TRIPLET", "TWO_CLASS_TRIPLET", "THREE_CLASS_TRIPLET")
WIDENING = 1.15
"""Side of the crop by the longer side of FEC's box; FER2013 pictures show about that much round a face."""


@dataclass(frozen=True)
class Face:
    """A face in a picture; left, right, top and bottom are shares of the picture's width and height."""

    url: str
    box: tuple[float, float, float, float]

    @property
    def file(self) -> str:
        """Name of the picture's file: the last part of the URL's path."""
        return PurePosixPath(urlsplit(self.url).path).name


@dataclass(frozen=True)
class Triplet:
    """Three faces, and the one most annotators found least like the others."""

    faces: tuple[Face, Face, Face]
    kind: str
    odd: int
    """0, 1 or 2."""
    agreement: float
    """Share of the annotators who chose it."""


def read_triplet(fields: list[str]) -> Triplet:
    """The triplet of one line; ValueError if the line is not one."""
    if len(fields) < 18:
        raise ValueError(f"expected at least 18 fields, found {len(fields)}")
    faces = []
    for start in (0, 5, 10):
        left, right, top, bottom = (float(field) for field in fields[start + 1 : start + 5])
        if not (left < right and top < bottom):
            raise ValueError(f"empty box for {fields[start]}")
        faces.append(Face(fields[start], (left, right, top, bottom)))
    kind = fields[15]
    if kind not in TYPES:
        raise ValueError(f"unknown type of triplet {kind!r}")
    answers = [int(field) for field in fields[17::2] if field != ""]
    if not answers or not set(answers) <= {1, 2, 3}:
        raise ValueError(f"answers must be 1, 2 or 3, found {answers}")
    choice, votes = Counter(answers).most_common(1)[0]
    return Triplet((faces[0], faces[1], faces[2]), kind, choice - 1, votes / len(answers))


def read_triplets(path: Path, agreement: float = 0.6) -> list[Triplet]:
    """Triplets of an FEC list of which at least that share of annotators agree; ValueError names a bad line."""
    triplets = []
    with path.open(newline="") as file:
        for number, fields in enumerate(csv.reader(file), 1):
            if not fields:
                continue
            try:
                triplet = read_triplet(fields)
            except ValueError as error:
                raise ValueError(f"{path.name}, line {number}: {error}") from error
            if triplet.agreement >= agreement:
                triplets.append(triplet)
    return triplets


def read_face(path: Path, face: Face) -> np.ndarray:
    """The grey 48 x 48 crop round a face's box; what lies outside the picture is black."""
    with Image.open(path) as picture:
        grey = picture.convert("L")
    left, right, top, bottom = face.box
    width, height = grey.size
    side = WIDENING * max((right - left) * width, (bottom - top) * height)
    x, y = (left + right) / 2 * width, (top + bottom) / 2 * height
    corners = (round(x - side / 2), round(y - side / 2), round(x + side / 2), round(y + side / 2))
    return np.asarray(grey.crop(corners).resize((SIZE, SIZE), Image.Resampling.BOX), np.uint8)


class FECBatches:
    """Endless batches of augmented triplets of which all three pictures are there."""

    def __init__(self, triplets: list[Triplet], pictures: Path, size: int = 32, seed: int = 0) -> None:
        row_of: dict[Face, int] = {}
        crops: list[np.ndarray] = []
        there = {path.name for path in pictures.iterdir()}
        rows, odd = [], []
        for triplet in triplets:
            if not all(face.file in there for face in triplet.faces):
                continue
            for face in triplet.faces:
                if face not in row_of:
                    row_of[face] = len(crops)
                    crops.append(read_face(pictures / face.file, face))
            rows.append([row_of[face] for face in triplet.faces])
            odd.append(triplet.odd)
        if not rows:
            raise ValueError(f"{pictures} holds the three pictures of none of {len(triplets)} triplets")
        self.images = torch.from_numpy(np.stack(crops))
        self.rows = torch.tensor(rows)
        self.odd = torch.tensor(odd)
        self.size = size
        self.generator = torch.Generator().manual_seed(seed)

    def __len__(self) -> int:
        return len(self.rows)

    def next(self, device: str = "cpu") -> tuple[Tensor, Tensor]:
        """Images [3 T, 1, 48, 48], the three of a triplet one after another, and the odd one out [T]."""
        chosen = torch.randint(0, len(self.rows), (self.size,), generator=self.generator)
        images = self.images[self.rows[chosen].flatten()].to(device).float().unsqueeze(1)
        return augment(images), self.odd[chosen].to(device)


def triplet_loss(vectors: Tensor, odd: Tensor, temperature: float = 0.1) -> Tensor:
    """Cross-entropy of naming the odd one out [T] by the distances between expression vectors [3 T, D]."""
    a, b, c = functional.normalize(vectors, dim=1).view(-1, 3, vectors.shape[1]).unbind(1)
    apart = torch.stack([(b - c).norm(dim=1), (a - c).norm(dim=1), (a - b).norm(dim=1)], 1)
    return functional.cross_entropy(-apart / temperature, odd)
