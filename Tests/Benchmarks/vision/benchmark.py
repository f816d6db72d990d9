#!/usr/bin/env python3
"""Times vision against the paper's stack, taking turns photo by photo in one run.

    benchmark.py --facenet FOLDER [--vision .build/release/vision] [--models Models] [--precision f32|bf16] [--rounds 7]

The paper's stack, PyTorch on one thread: decode, facenet-pytorch's MTCNN (faces from 20 pixels), InceptionResnetV1 twice
at 160 x 160 and torchvision's DenseNet-121 at 224 x 224, all with random weights but MTCNN. Ours, one thread: decode,
detect, align, identity and expression; `all` looks for every face as MTCNN does, `largest` for the largest, as the service.
Both networks compute in what vision chooses on this processor, or in --precision. Prints medians as a table, the ratios,
and the processor they were taken on; the last line is the medians as JSON.
"""

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import paper_stack
import torch
from PIL import Image, ImageFilter

PHOTOS = Path(__file__).resolve().parent.parent.parent / "VisionTests" / "Photos"
SIZE = (1280, 720)


def plain(folder):
    """A portrait before an even wall."""
    picture = Image.new("RGB", SIZE, (176, 170, 160))
    picture.paste(Image.open(PHOTOS / "obama.jpg").convert("RGB"), (400, 120))
    path = folder / "plain.jpg"
    picture.save(path, quality=90)
    return path


def textured(folder):
    """The same portrait before foliage-like noise, in which P-Net sees faces everywhere."""
    noise = np.random.default_rng(1).integers(0, 256, (SIZE[1] // 4, SIZE[0] // 4, 3), dtype=np.uint8)
    picture = Image.fromarray(noise).resize(SIZE, Image.BICUBIC).filter(ImageFilter.GaussianBlur(1))
    picture.paste(Image.open(PHOTOS / "obama.jpg").convert("RGB"), (400, 120))
    path = folder / "textured.jpg"
    picture.save(path, quality=90)
    return path


class Paper:
    """One pass of the paper's networks over a batch of one photo, in seconds."""

    def __init__(self, facenet):
        from torchvision.models import densenet121

        package = paper_stack.load(facenet)
        self.mtcnn = package.MTCNN(image_size=160, min_face_size=20)
        # As facenet-pytorch builds it where no weights are asked for.
        self.recognisers = [package.InceptionResnetV1(pretrained=None, classify=False).eval() for _ in range(2)]
        self.densenet = densenet121(weights=None).eval()

    @torch.no_grad()
    def __call__(self, photo, batch):
        start = time.perf_counter()
        faces = []
        for _ in range(batch):
            picture = Image.open(photo).convert("RGB")
            faces.append(self.mtcnn(picture))
        faces = torch.stack(faces)
        for recogniser in self.recognisers:
            recogniser(faces)
        self.densenet(torch.nn.functional.interpolate(faces, size=(224, 224), mode="bilinear"))
        return time.perf_counter() - start


class Ours:
    """`vision time`, which waits for its turn."""

    def __init__(self, vision, models, precision):
        command = [vision, "time", "--threads", "1", "--models", models]
        if precision:
            command += ["--precision", precision]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1)
        self.precision = self.answer()

    def answer(self):
        line = self.process.stdout.readline()
        if not line:
            sys.exit("vision time stopped.")
        return json.loads(line)

    def __call__(self, mode, photo, batch):
        self.process.stdin.write(f"{mode} {batch} 1 {photo}\n")
        self.process.stdin.flush()
        return self.answer() / 1000

    def close(self):
        self.process.stdin.close()
        self.process.wait()


def processor():
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    return next((line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), "unknown")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--vision", default=".build/release/vision")
    parser.add_argument("--models", default="Models")
    parser.add_argument("--precision", choices=("f32", "bf16"))
    parser.add_argument("--facenet", required=True, help="where facenet-pytorch's wheel was unpacked")
    parser.add_argument("--rounds", type=int, default=7)
    options = parser.parse_args()
    torch.set_num_threads(1)
    paper, ours = Paper(options.facenet), Ours(options.vision, options.models, options.precision)

    print(
        f"{processor()}; one thread; torch {torch.__version__} in f32, ours in {ours.precision}; "
        f"median of {options.rounds} rounds; ms a picture"
    )
    print(f"{'photo':<12}{'batch':>6}{'paper':>10}{'all':>10}{'ratio':>8}{'largest':>10}{'ratio':>8}")
    results = []
    with tempfile.TemporaryDirectory() as folder:
        for photo in (plain(Path(folder)), textured(Path(folder))):
            for batch in (1, 4):
                times = {"paper": [], "all": [], "largest": []}
                for turn in range(options.rounds + 1):
                    taken = {
                        "paper": paper(photo, batch),
                        "all": ours("all", photo, batch),
                        "largest": ours("largest", photo, batch),
                    }
                    if turn > 0:  # the first is to warm up
                        for name, seconds in taken.items():
                            times[name].append(1000 * seconds / batch)
                medians = {name: statistics.median(taken) for name, taken in times.items()}
                paper_ms, all_ms, largest_ms = medians.values()
                results.append({"photo": photo.stem, "batch": batch, **medians})
                print(
                    f"{photo.stem:<12}{batch:>6}{paper_ms:>10.1f}{all_ms:>10.1f}{paper_ms / all_ms:>8.1f}"
                    f"{largest_ms:>10.1f}{paper_ms / largest_ms:>8.1f}",
                    flush=True,
                )
    ours.close()
    print(json.dumps({"processor": processor(), "precision": ours.precision, "milliseconds": results}))


if __name__ == "__main__":
    main()
