"""Triplets of faces from FER+ votes: two that look alike and an odd one out."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np

from .data import Faces


def read_triplets(path: Path, faces: Faces) -> tuple[np.ndarray, np.ndarray]:
    """Rows [T, 3] of `faces` and the odd one out [T] of a triplet list; triplets with pictures left out are dropped."""
    row_of = {file: row for row, file in enumerate(faces.files)}
    triplets, odd = [], []
    with path.open(newline="") as file:
        for line in csv.DictReader(file):
            rows = [row_of.get(line[name]) for name in ("first", "second", "third")]
            if None not in rows:
                triplets.append(rows)
                odd.append(int(line["odd_one_out"]))
    return np.array(triplets), np.array(odd)


def within_emotion(faces: Faces, count: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Up to `count` triplets [T, 3] whose pictures share their largest emotion, and the odd one out [T].

    The rule is that of the development list: Hellinger distances of the votes, the closest pair at most half as far
    apart as the next, the next at least 0.35. Emotions take turns, so happiness does not outweigh the rest more than
    it must.
    """
    random = np.random.default_rng(seed)
    roots = np.sqrt(faces.shares)
    top = np.where(faces.votes.sum(1) > 0, faces.votes.argmax(1), -1)
    members = [np.flatnonzero(top == emotion) for emotion in range(faces.votes.shape[1])]
    found: list[np.ndarray] = []
    for rows in members:
        if len(rows) < 30:
            continue
        drawn = rows[random.integers(0, len(rows), (40 * count // len(members), 3))]
        a, b, c = (roots[drawn[:, i]] for i in range(3))
        apart = np.stack([np.linalg.norm(x - y, axis=1) for x, y in ((b, c), (a, c), (a, b))], 1) / np.sqrt(2)
        ranked = np.sort(apart, 1)
        distinct = (drawn[:, 0] != drawn[:, 1]) & (drawn[:, 1] != drawn[:, 2]) & (drawn[:, 0] != drawn[:, 2])
        clear = distinct & (ranked[:, 0] <= 0.5 * ranked[:, 1]) & (ranked[:, 1] >= 0.35)
        kept = np.flatnonzero(clear)[: count // len(members)]
        found.append(np.column_stack([drawn[kept], apart[kept].argmin(1)]))
    listed = np.concatenate(found)
    return listed[:, :3], listed[:, 3]
