"""Quantise the exported networks to int8: `python -m Training.quantise --faces DIR --expressions DIR`.

Post-training quantisation by NNCF: symmetric weights, asymmetric activations, ranges from 1,000 training pictures. Writes
Models/int8, a folder of models of its own (`models.directory`): the two networks, the detector's entries unchanged.
"""

from __future__ import annotations

import argparse
import json
import logging
import os
from pathlib import Path

import nncf
import numpy as np
import openvino as ov
from numpy.typing import NDArray

from . import manifest
from .expression.data import training_split
from .identity import cohort
from .identity.data import decode, read_manifest, training_rows

SAMPLES = 1000
DETECTOR = ("proposal", "refinement", "output")
VERSION_SUFFIX = "-int8"


def identity_images(data: Path, out: Path) -> NDArray[np.float32]:
    """Aligned crops the identity network was trained on, as it takes them."""
    crops = read_manifest(data)
    rows = training_rows(data, crops)
    rows = rows[:: len(rows) // SAMPLES][:SAMPLES]
    return (decode(data, out, crops)[rows].transpose(0, 3, 1, 2).astype(np.float32) - 127.5) / 127.5


def expression_images(data: Path) -> NDArray[np.float32]:
    """Pictures the expression network was trained on, as it takes them."""
    training, _, _ = training_split(data)
    return training.images[:: len(training) // SAMPLES][:SAMPLES, None].astype(np.float32)


def quantise(graph: Path, images: NDArray[np.float32]) -> ov.Model:
    """The network with int8 convolutions. What follows the last one, small as it is, stays as it was."""
    model = ov.Core().read_model(graph)
    return nncf.quantize(
        model,
        nncf.Dataset([image[None] for image in images]),
        preset=nncf.QuantizationPreset.MIXED,
        subset_size=len(images),
        ignored_scope=nncf.IgnoredScope(types=["MatMul"]),
    )


def write(name: str, models: Path, out: Path, model: ov.Model | None = None) -> None:
    """Writes a network's entry; of a quantised `model` the graph too, and then version and checksums differ from the
    original's."""
    entry = json.loads((models / f"{name}.json").read_text())
    if model is not None:
        ov.save_model(model, out / f"{name}.xml", compress_to_fp16=True)
        for part in ("graph", "weights"):
            entry[part]["sha256"] = manifest.digest(out / entry[part]["file"])
        entry["version"] += VERSION_SUFFIX
    entry["card"] = f"../{entry['card']}"
    (out / f"{name}.json").write_text(json.dumps(entry, indent=2) + "\n")


def main() -> None:
    """Command line entry."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--faces", type=Path, required=True, help="folder of the identity network's training data")
    parser.add_argument("--expressions", type=Path, required=True, help="folder of the expression network's")
    parser.add_argument("--decoded", type=Path, default=Path(".local/identity"), help="folder of the decoded crops")
    parser.add_argument("--models", type=Path, default=Path("Models"))
    options = parser.parse_args()
    logging.getLogger("nncf").setLevel(logging.ERROR)
    out = options.models / "int8"
    out.mkdir(exist_ok=True)
    for name, images in (
        ("identity", identity_images(options.faces, options.decoded)),
        ("expression", expression_images(options.expressions)),
    ):
        write(name, options.models, out, quantise(options.models / f"{name}.xml", images))
    for name in DETECTOR:
        write(name, options.models, out)
    for name in ("third-party", cohort.FILE):
        if not (out / name).is_symlink():
            os.symlink(f"../{name}", out / name)
    (out / manifest.MANIFEST).write_text(json.dumps(manifest.assemble(out), indent=2) + "\n")


if __name__ == "__main__":
    main()
