"""Sheets of real faces by what the network says of them, to be looked at: what FER2013's own figures can't show.

    python -m Training.expression.sheet --faces faces-train-112.zip --out .local/sheets

Writes one picture a mood, `--count` faces in each, spread evenly over the network's confidence from the least sure to the
surest; below each its confidence and the second mood. `faces.csv` holds the scores of all of the sample, and which sheet and
place shows one. The faces are crops aligned to five points.
"""

from __future__ import annotations

import argparse
import csv
import io
import zipfile
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

from ..identity.geometry import TEMPLATE
from . import geometry
from .export import run
from .labels import FERPLUS, MOODS
from .metrics import moods

SIDE, CAPTION, ACROSS = 112, 14, 10


def spread(scores: np.ndarray, mood: int, count: int) -> np.ndarray:
    """Of the faces whose first mood it is, `count` at even distances in the order of its score (0...1, [N, 4])."""
    rows = np.flatnonzero(scores.argmax(1) == mood)
    ranked = rows[scores[rows, mood].argsort()]
    return ranked[np.linspace(0, len(ranked) - 1, min(count, len(ranked))).round().astype(int)]


def sheet(faces: list[Image.Image], captions: list[str]) -> Image.Image:
    """The faces in rows, each with its caption below."""
    lines = -(-len(faces) // ACROSS)
    drawn = Image.new("RGB", (ACROSS * SIDE, lines * (SIDE + CAPTION)), "white")
    pen = ImageDraw.Draw(drawn)
    for number, (face, caption) in enumerate(zip(faces, captions, strict=True)):
        x, y = number % ACROSS * SIDE, number // ACROSS * (SIDE + CAPTION)
        drawn.paste(face, (x, y))
        pen.text((x + 2, y + SIDE + 1), caption, "black")
    return drawn


def main() -> None:
    """Command line entry."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--faces", type=Path, required=True, help="archive of 112 x 112 crops")
    parser.add_argument("--models", type=Path, default=Path("Models"))
    parser.add_argument("--out", type=Path, default=Path(".local/sheets"))
    parser.add_argument("--count", type=int, default=50, help="faces a mood")
    parser.add_argument("--sample", type=int, default=8000, help="faces to choose from")
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(options.faces) as archive:
        names = np.array(sorted(name for name in archive.namelist() if name.endswith(".webp")))
        names = np.random.default_rng(0).permutation(names)[: options.sample]
        pictures = [Image.open(io.BytesIO(archive.read(name))).convert("RGB") for name in names]
    grey = np.stack([np.asarray(geometry.crop(picture, np.array(TEMPLATE))) for picture in pictures])
    scores = moods(run(options.models / "expression.xml", grey)["ferplus"], FERPLUS)
    order = tuple(MOODS)
    shown: dict[int, tuple[str, int]] = {}
    for mood, name in enumerate(order):
        chosen = spread(scores, mood, options.count)
        shown |= {int(row): (name, place) for place, row in enumerate(chosen, 1)}
        second = [order[index] for index in np.argsort(scores[chosen], 1)[:, -2]]
        captions = [f"{scores[row, mood]:.2f} {other}" for row, other in zip(chosen, second, strict=True)]
        sheet([pictures[row] for row in chosen], captions).save(options.out / f"{name}.png")
    with (options.out / "faces.csv").open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["file", *order, "sheet", "place"])
        rows.writerows([names[row], *scores[row].round(3), *shown.get(row, ("", ""))] for row in range(len(names)))
    shares = np.bincount(scores.argmax(1), minlength=len(order)) / len(scores)
    print({name: f"{share:.3f}" for name, share in zip(order, shares, strict=True)}, options.out)


if __name__ == "__main__":
    main()
