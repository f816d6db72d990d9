"""Verification on LFW's development folds from the given aligned crops: `python -m Training.identity.evaluate`.

Prints one JSON object a condition. The shipped figures come from `vision evaluate lfw`, which detects and aligns for
itself; this shows how far a network is without the service, and what distorted pictures cost.
"""

from __future__ import annotations

import argparse
import io
import json
import tarfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from .data import decode, read_manifest
from .vectors import Embedder, Vectors

Distortion = Callable[[Image.Image], Image.Image]


def small(image: Image.Image) -> Image.Image:
    """A crop in which the face is about 28 pixels wide, enlarged again."""
    return image.resize((32, 32), Image.Resampling.BOX).resize(image.size, Image.Resampling.BILINEAR)


def jpeg(image: Image.Image) -> Image.Image:
    """JPEG at quality 30."""
    encoded = io.BytesIO()
    image.save(encoded, "JPEG", quality=30)
    return Image.open(encoded).convert("RGB")


CONDITIONS: dict[str, Distortion | None] = {
    "plain": None,
    "28-pixel face": small,
    "rotated 20 degrees": lambda image: image.rotate(20, Image.Resampling.BILINEAR),
    "rotated -20 degrees": lambda image: image.rotate(-20, Image.Resampling.BILINEAR),
    "JPEG quality 30": jpeg,
    "half brightness": lambda image: image.point([value // 2 for value in range(256)] * 3),
}


def read_pairs(data: Path) -> list[list[tuple[str, str, bool]]]:
    """Folds of (image, image, same person) from LFW's pairs file in lfw-dev.tar.gz; images by name without ending."""
    with tarfile.open(data / "lfw-dev.tar.gz") as archive:
        file = archive.extractfile("pairs-dev.txt")
        assert file is not None
        lines = file.read().decode().splitlines()
    folds, count = (int(field) for field in lines[0].split())
    pairs = []
    for line in lines[1:]:
        fields = line.split()
        first, second = (fields[0], fields[0]) if len(fields) == 3 else (fields[0], fields[2])
        numbers = int(fields[1]), int(fields[-1])
        pairs.append((f"{first}_{numbers[0]:04d}", f"{second}_{numbers[1]:04d}", len(fields) == 3))
    return [pairs[fold * 2 * count : (fold + 1) * 2 * count] for fold in range(folds)]


def best_threshold(scores: NDArray[np.float64], same: NDArray[np.bool_]) -> float:
    """The cosine at or above which "same" is right most often."""
    order = np.argsort(-scores)
    right = np.cumsum(np.where(same[order], 1, -1))
    best = int(np.argmax(right))
    following = scores[order[best + 1]] if best + 1 < len(order) else -1.0
    return float((scores[order[best]] + following) / 2)


def fold_accuracy(folds: list[tuple[NDArray[np.float64], NDArray[np.bool_]]]) -> float:
    """Mean accuracy over folds, each at the threshold that is best on the others."""
    accuracies = []
    for i, (scores, same) in enumerate(folds):
        others = [fold for j, fold in enumerate(folds) if j != i]
        threshold = best_threshold(np.concatenate([o[0] for o in others]), np.concatenate([o[1] for o in others]))
        accuracies.append(np.mean((scores >= threshold) == same))
    return float(np.mean(accuracies))


def cross_pairs(vectors: Vectors, people: NDArray[np.int64]) -> tuple[Vectors, Vectors]:
    """Cosines of all pairs of the same person and of all pairs of different people."""
    upper = np.triu_indices(len(vectors), 1)
    cosines = (vectors @ vectors.T)[upper]
    same = people[upper[0]] == people[upper[1]]
    return cosines[same], cosines[~same]


def verify(vectors: Vectors, names: list[str], folds: list[list[tuple[str, str, bool]]]) -> dict[str, float]:
    """LFW accuracy on the pairs of which both crops are there, and TAR at FAR 1e-3 and 1e-5 over all cross pairs."""
    row = {name: i for i, name in enumerate(names)}
    scored, missing = [], 0
    for fold in folds:
        known = [(row[a], row[b], same) for a, b, same in fold if a in row and b in row]
        missing += len(fold) - len(known)
        first, second, same = (np.array(column) for column in zip(*known, strict=True))
        scored.append(((vectors[first] * vectors[second]).sum(1).astype(np.float64), same.astype(bool)))
    listed = sorted({row[name] for fold in folds for pair in fold for name in pair[:2] if name in row})
    _, people = np.unique([names[i].rsplit("_", 1)[0] for i in listed], return_inverse=True)
    genuine, impostor = cross_pairs(vectors[listed], people)
    everything = np.concatenate([s for s, _ in scored]), np.concatenate([s for _, s in scored])
    return {
        "accuracy": round(fold_accuracy(scored), 5),
        "tar_at_far_1e3": round(float((genuine > np.quantile(impostor, 1 - 1e-3)).mean()), 5),
        "tar_at_far_1e5": round(float((genuine > np.quantile(impostor, 1 - 1e-5)).mean()), 5),
        "threshold": round(best_threshold(*everything), 4),
        "pairs": sum(len(s) for s, _ in scored),
        "pairs_without_crop": missing,
    }


def main() -> None:
    """Command line entry."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--out", type=Path, default=Path(".local/identity"), help="folder of the decoded crops")
    parser.add_argument("--models", type=Path, default=Path("Models"), help="folder of the exported network")
    parser.add_argument("--folds", type=int, default=5, help="only the first so many folds")
    parser.add_argument("--conditions", nargs="*", choices=list(CONDITIONS), default=list(CONDITIONS))
    arguments = parser.parse_args()
    manifest = read_manifest(arguments.data)
    images = decode(arguments.data, arguments.out, manifest)
    folds = read_pairs(arguments.data)[: arguments.folds]
    listed = {name for fold in folds for pair in fold for name in pair[:2]}
    rows = [i for i, crop in enumerate(manifest) if crop.source == "lfw" and crop.stem in listed]
    names = [manifest[i].stem for i in rows]
    embedder = Embedder(arguments.models)
    plain = images[rows]
    for name in arguments.conditions:
        distortion = CONDITIONS[name]
        crops = plain
        if distortion is not None:
            crops = np.stack([np.asarray(distortion(Image.fromarray(crop))) for crop in plain])
        print(json.dumps({"condition": name, **verify(embedder.embed(crops), names, folds)}), flush=True)


if __name__ == "__main__":
    main()
