"""The crop geometry: where MTCNN finds the landmarks of FER2013 Training faces, in their 48 x 48 pixels.

FER2013 pictures come as loose crops, so the service has to cut photos as those were cut. The mean landmarks measured
here are the template to which it aligns a face. MTCNN is facenet-pytorch's: unpack its wheel somewhere (it pins old
versions of torch and torchvision, so it is not installed) and run

    python -m Training.expression.geometry --data DIR --wheel UNPACKED_WHEEL
"""

from __future__ import annotations

import argparse
import json
import sys
import types
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from .data import training_split

TEMPLATE = Path(__file__).with_name("template.json")
"""Left eye, right eye, nose, left and right mouth corner, [x, y] in pixels of the 48 x 48 crop."""

ENLARGEMENT = 4
MARGIN = 48
"""Grey border around the enlarged picture: FER faces often touch its edges."""


def read_template() -> np.ndarray:
    """The stored template, [5, 2]."""
    return np.array(json.loads(TEMPLATE.read_text())["landmarks"])


def similarity(source: np.ndarray, target: np.ndarray) -> np.ndarray:
    """Least-squares similarity [2, 3] that takes points [N, 2] of `source` to those of `target` (Umeyama 1991)."""
    a, b = source - source.mean(0), target - target.mean(0)
    spread = (a**2).sum()
    cos, sin = (a * b).sum() / spread, (a[:, 0] * b[:, 1] - a[:, 1] * b[:, 0]).sum() / spread
    turn = np.array([[cos, -sin], [sin, cos]])
    return np.column_stack([turn, target.mean(0) - turn @ source.mean(0)])


def crop(image: Image.Image, landmarks: np.ndarray, side: int = 48) -> Image.Image:
    """The grey crop of a face aligned to the template; averaged over pixels where it shrinks the photo."""
    template = read_template() * side / 48
    scale = np.linalg.norm(similarity(landmarks, template)[:, 0])
    oversampling = max(1, int(np.ceil(1 / scale)))
    inverse = similarity((template + 0.5) * oversampling, landmarks + 0.5)
    size = (side * oversampling, side * oversampling)
    large = image.convert("L").transform(size, Image.Transform.AFFINE, inverse.ravel(), Image.Resampling.BILINEAR)
    return large.reduce(oversampling)


def load_mtcnn(wheel: Path):
    """facenet-pytorch's MTCNN from the unpacked wheel, with stand-ins for what it takes from torchvision."""

    def batched_nms(boxes: torch.Tensor, scores: torch.Tensor, groups: torch.Tensor, limit: float) -> torch.Tensor:
        kept, order = [], scores.argsort(descending=True)
        while len(order):
            best, rest = order[0], order[1:]
            kept.append(best)
            corner, end = boxes[rest, :2].maximum(boxes[best, :2]), boxes[rest, 2:].minimum(boxes[best, 2:])
            both = (end - corner).clamp(min=0).prod(1)
            areas = (boxes[:, 2:] - boxes[:, :2]).prod(1)
            overlap = both / (areas[rest] + areas[best] - both)
            order = rest[(overlap <= limit) | (groups[rest] != groups[best])]
        return torch.stack(kept) if kept else torch.empty(0, dtype=torch.long)

    names = ("torchvision", "torchvision.transforms", "torchvision.transforms.functional", "torchvision.ops")
    for name in (*names, "torchvision.ops.boxes"):
        sys.modules.setdefault(name, types.ModuleType(name))
    sys.modules["torchvision.transforms"].functional = sys.modules["torchvision.transforms.functional"]
    sys.modules["torchvision.ops.boxes"].batched_nms = batched_nms
    package = types.ModuleType("facenet_pytorch")
    package.__path__ = [str(wheel / "facenet_pytorch")]
    sys.modules["facenet_pytorch"] = package
    from facenet_pytorch.models.mtcnn import MTCNN

    return MTCNN(keep_all=False, select_largest=True, min_face_size=20)


def landmarks_of(mtcnn, image: Image.Image, certainty: float = 0.95) -> np.ndarray | None:
    """Landmarks [5, 2] of the largest face, or None where MTCNN is not sure of one."""
    boxes, probabilities, points = mtcnn.detect(image, landmarks=True)
    if boxes is None or probabilities[0] < certainty:
        return None
    return np.asarray(points[0], np.float64)


def measure(faces: np.ndarray, mtcnn) -> tuple[np.ndarray, np.ndarray, int]:
    """Trimmed mean and deviation [5, 2] of the landmarks in faces [N, 48, 48], and the number of faces found."""
    found = []
    for face in faces:
        side = 48 * ENLARGEMENT
        large = Image.fromarray(face).resize((side, side), Image.Resampling.BICUBIC)
        canvas = Image.new("L", (side + 2 * MARGIN, side + 2 * MARGIN), int(face.mean()))
        canvas.paste(large, (MARGIN, MARGIN))
        points = landmarks_of(mtcnn, canvas.convert("RGB"))
        if points is not None:
            # Pixel centres: pixel i of the small picture covers ENLARGEMENT pixels of the large one.
            found.append((points - MARGIN + 0.5) / ENLARGEMENT - 0.5)
    ranked = np.sort(np.array(found), axis=0)
    trim = len(ranked) // 10
    kept = ranked[trim : len(ranked) - trim]
    return kept.mean(0), np.array(found).std(0), len(found)


def main() -> None:
    """Measure the template and store it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--wheel", type=Path, required=True, help="folder of the unpacked facenet-pytorch wheel")
    parser.add_argument("--count", type=int, default=1500)
    options = parser.parse_args()
    torch.set_num_threads(1)
    training, _, _ = training_split(options.data)
    chosen = np.random.default_rng(0).permutation(len(training))[: options.count]
    mean, deviation, found = measure(training.images[chosen], load_mtcnn(options.wheel))
    record = {
        "landmarks": mean.round(3).tolist(),
        "deviation": deviation.round(3).tolist(),
        "faces": found,
        "pictures": len(chosen),
    }
    TEMPLATE.write_text(json.dumps(record, indent=1) + "\n")
    print(json.dumps(record))


if __name__ == "__main__":
    main()
