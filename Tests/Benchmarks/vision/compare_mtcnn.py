#!/usr/bin/env python3
"""Compares the faces that `vision detect` finds with facenet-pytorch's, photo by photo.

    compare_mtcnn.py --vision .build/release/vision --facenet FOLDER PHOTO...

Exits with 1 when a photo has another number of faces, or a box overlaps its twin by less than 0.9 (IoU), or `--largest`
finds another face than facenet-pytorch's largest.
"""

import argparse
import json
import subprocess
import sys

import numpy as np
import paper_stack
import torch
from PIL import Image


def overlap(a, b):
    width = min(a[2], b[2]) - max(a[0], b[0])
    height = min(a[3], b[3]) - max(a[1], b[1])
    shared = max(width, 0) * max(height, 0)
    return shared / ((a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]) - shared)


def detect(options, *flags):
    command = [options.vision, "detect", "--models", options.models, "--smallest", str(options.smallest)]
    run = subprocess.run(command + list(flags) + options.photos, capture_output=True, text=True)
    if run.returncode != 0:
        sys.exit(f"vision detect failed: {run.stderr.strip()}")
    return [json.loads(line) for line in run.stdout.splitlines()]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--vision", default=".build/release/vision")
    parser.add_argument("--models", default="Models")
    parser.add_argument("--facenet", required=True, help="where facenet-pytorch's wheel was unpacked")
    parser.add_argument("--smallest", type=int, default=20)
    parser.add_argument("photos", nargs="+")
    options = parser.parse_args()
    torch.set_num_threads(1)
    mtcnn = paper_stack.load(options.facenet).MTCNN(keep_all=True, min_face_size=options.smallest)

    worst, failed = 1.0, 0
    for ours, largest in zip(detect(options), detect(options, "--largest")):
        picture = Image.open(ours["photo"]).convert("RGB")
        boxes, _, points = mtcnn.detect(picture, landmarks=True)
        boxes, points = ([], []) if boxes is None else (list(boxes), list(points))
        overlaps = [max((overlap(box, other) for other in ours["boxes"]), default=0) for box in boxes]
        moved = [
            min((np.abs(np.array(mine) - theirs).max() for mine in ours["landmarks"]), default=float("inf"))
            for theirs in points
        ]
        first = overlap(boxes[0], largest["boxes"][0]) if boxes and largest["boxes"] else float(len(boxes) == 0)
        good = len(boxes) == len(ours["boxes"]) and min(overlaps, default=1) >= 0.9 and first >= 0.9
        worst = min([worst, first] + overlaps)
        failed += not good
        print(
            f"{'same ' if good else 'OTHER'} {ours['photo']}: {len(ours['boxes'])} faces, theirs {len(boxes)}; "
            f"least IoU {min(overlaps, default=1):.4f}, landmarks within {max(moved, default=0):.3f} px; "
            f"largest alone IoU {first:.4f}"
        )
    print(f"{len(options.photos) - failed} of {len(options.photos)} photos the same, least IoU {worst:.4f}")
    sys.exit(failed > 0)


if __name__ == "__main__":
    main()
