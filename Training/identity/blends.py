"""Faces that nobody has: `python -m Training.identity.blends --data DIR --out DIR --parts 16`.

A set of crops is soon learnt by heart; the teacher, though, has an opinion on any picture. Blends of two crops, whole or in
a rectangle, with the teacher's embeddings of the blend and of its mirror image, go on teaching its function where the
crops end (Beyer et al. 2022, "Knowledge distillation: a good teacher is patient and consistent").
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from ..muon import computes_bfloat16
from .data import decode, find_alike, make_targets, read_manifest, training_rows
from .network import EMBEDDING_WIDTH, INPUT_SIZE
from .teacher import Teacher, both_halves

PART = 8192


@dataclass(frozen=True)
class Blends:
    """Recipes of blends [N] and the teacher's targets for them [N, 512]: the second crop covers `boxes` (left, top, right,
    bottom) of the first one by `shares`. Blends 2i and 2i + 1 have the same first crop."""

    first: NDArray[np.int64]
    second: NDArray[np.int64]
    boxes: NDArray[np.int16]
    shares: NDArray[np.float32]
    targets: NDArray[np.float16]

    def __len__(self) -> int:
        return len(self.first)

    @staticmethod
    def draw(rows: NDArray[np.int64], alike: NDArray[np.int64], seed: int, count: int = PART) -> Blends:
        """Random recipes without targets: every first crop once with one that looks like it and once with any, half of
        them a mixture of the whole crops and half with a rectangle replaced."""
        generator = np.random.default_rng([seed, 1])
        chosen = generator.integers(0, len(rows), count // 2)
        similar = alike[chosen, generator.integers(0, alike.shape[1], len(chosen))]
        second = np.stack([similar, generator.choice(rows, len(chosen))], 1).ravel()
        sizes = generator.integers(INPUT_SIZE // 4, INPUT_SIZE * 3 // 4, (count, 2))
        corners = (generator.random((count, 2)) * (INPUT_SIZE + 1 - sizes)).astype(np.int64)
        whole = generator.random(count) < 0.5
        boxes = np.where(whole[:, None], [0, 0, INPUT_SIZE, INPUT_SIZE], np.concatenate([corners, corners + sizes], 1))
        shares = np.where(whole, generator.uniform(0.2, 0.8, count), 1)
        none = np.empty((0, EMBEDDING_WIDTH), np.float16)
        return Blends(rows[chosen].repeat(2), second, boxes.astype(np.int16), shares.astype(np.float32), none)

    def picture(self, images: NDArray[np.uint8], index: int) -> NDArray[np.uint8]:
        """A blend [112, 112, 3] of the crops in `images`."""
        picture = images[self.first[index]].copy()
        left, top, right, bottom = self.boxes[index]
        covered, other = picture[top:bottom, left:right], images[self.second[index]][top:bottom, left:right]
        covered[:] = np.rint(covered + self.shares[index] * (other.astype(np.float32) - covered))
        return picture

    @staticmethod
    def none() -> Blends:
        """No blend at all."""
        rows, boxes, shares = np.empty(0, np.int64), np.empty((0, 4), np.int16), np.empty(0, np.float32)
        return Blends(rows, rows, boxes, shares, np.empty((0, EMBEDDING_WIDTH), np.float16))

    @staticmethod
    def load(out: Path) -> Blends:
        """All parts in `out`/blends, or none."""
        parts = [np.load(path) for path in sorted((out / "blends").glob("*.npz"))]
        if not parts:
            return Blends.none()
        return Blends(*(np.concatenate([part[name] for part in parts]) for name in Blends.__dataclass_fields__))

    def save(self, path: Path) -> None:
        """Writes the part so that an interruption leaves none or all of it."""
        partial = path.with_suffix(".partial")
        with partial.open("wb") as file:
            np.savez(file, **{name: getattr(self, name) for name in Blends.__dataclass_fields__})
        partial.rename(path)


def main() -> None:
    """Command line entry: writes the parts that are not there yet."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder with the training data and the teacher")
    parser.add_argument("--out", type=Path, default=Path(".local/identity"), help="folder of the decoded data")
    parser.add_argument("--parts", type=int, default=16, help=f"how many parts of {PART} blends there shall be")
    parser.add_argument("--threads", type=int, default=0, help="threads of the teacher; 0 for all")
    arguments = parser.parse_args()
    crops = read_manifest(arguments.data)
    images, rows = decode(arguments.data, arguments.out, crops), training_rows(arguments.data, crops)
    alike = find_alike(arguments.out, make_targets(arguments.data, arguments.out, images), rows)
    precision = "bf16" if computes_bfloat16(torch.device("cpu")) else "f32"
    teacher = Teacher(arguments.data / "teacher", threads=arguments.threads, precision=precision)
    (arguments.out / "blends").mkdir(exist_ok=True)
    for part in range(arguments.parts):
        path = arguments.out / "blends" / f"{part:04}.npz"
        if path.exists():
            continue
        blends = Blends.draw(rows, alike, part)
        pictures = np.stack([blends.picture(images, index) for index in range(len(blends))])
        targets = both_halves(teacher.embed(pictures), teacher.embed(pictures, mirrored=True))
        Blends(blends.first, blends.second, blends.boxes, blends.shares, targets).save(path)
        print(f"{path.name}: {len(blends)} blends", flush=True)


if __name__ == "__main__":
    main()
