"""Quantise the exported networks to int8: `python -m Training.quantise --faces DIR [--expressions DIR]`.

Post-training quantisation by NNCF: symmetric weights, asymmetric activations, ranges from 1,000 training pictures. Writes
Models/int8, a folder of models of its own (`models.directory`): expression and each part of identity, the detector's entries
unchanged.
"""

from __future__ import annotations

import argparse
import json
import logging
from pathlib import Path
from typing import Any

import nncf
import numpy as np
import openvino as ov
from numpy.typing import NDArray
from openvino.passes import ConstantFolding, Manager

from . import manifest
from .expression.data import training_split
from .expression.export import fit_reaction
from .identity import cohort
from .identity.data import decode, read_manifest, training_rows

SAMPLES = 1000
SMALL = 1_000_000
DETECTOR = ("proposal", "refinement", "output")
VERSION_SUFFIX = "-int8"


def identity_images(data: Path, out: Path) -> NDArray[np.uint8]:
    """Aligned crops the identity network was trained on."""
    crops = read_manifest(data)
    rows = training_rows(data, crops)
    rows = rows[:: len(rows) // SAMPLES][:SAMPLES]
    return decode(data, out, crops)[rows]


def replace_expression(entry: dict[str, Any], models: Path, out: Path, data: Path) -> dict[str, Any]:
    """The entry of the expression network, quantised by pictures it was trained on. Its vectors lie a little elsewhere, so its
    reference expressions and tau are its own."""
    training, held, _ = training_split(data)
    images = training.images[:: len(training) // SAMPLES][:SAMPLES, None].astype(np.float32)
    replaced = replace(entry, models, out, images)
    return {**replaced, "reaction": fit_reaction(out / replaced["graph"]["file"], training, held)}


def normalised(images: NDArray[np.uint8], part: dict[str, Any]) -> NDArray[np.float32]:
    """Pictures [N, 112, 112, 3] as a part of the identity vector takes them."""
    mean, deviation = (np.array(part["input"][key], np.float32) for key in ("mean", "deviation"))
    return ((images.astype(np.float32) - mean) / deviation).transpose(0, 3, 1, 2)


def quantise(graph: Path, weights: Path, images: NDArray[np.float32]) -> ov.Model:
    """The network with int8 layers, but for small products of matrices, which stay as they were."""
    model = ov.Core().read_model(graph, weights)
    unpack = Manager()
    unpack.register_pass(ConstantFolding())  # weights that come in blocks of int8
    unpack.run_passes(model)
    small = [
        node.get_friendly_name()
        for node in model.get_ops()
        if node.get_type_name() == "MatMul" and np.prod(node.input_value(1).get_shape()) < SMALL
    ]
    return nncf.quantize(
        model,
        nncf.Dataset([image[None] for image in images]),
        preset=nncf.QuantizationPreset.MIXED,
        subset_size=len(images),
        ignored_scope=nncf.IgnoredScope(names=small),
    )


def replace(part: dict[str, Any], models: Path, out: Path, images: NDArray[np.float32]) -> dict[str, Any]:
    """The entry of a network, or of a part, quantised: other files, other checksums, a version of its own."""
    graph, weights = (models / part[kind]["file"] for kind in ("graph", "weights"))
    saved = out / graph.name
    ov.save_model(quantise(graph, weights, images), saved, compress_to_fp16=True)
    files = {"graph": saved, "weights": saved.with_suffix(".bin")}
    digests = {kind: {"file": path.name, "sha256": manifest.digest(path)} for kind, path in files.items()}
    return {**part, **digests, "version": part["version"] + VERSION_SUFFIX}


def main() -> None:
    """Command line entry."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--faces", type=Path, required=True, help="folder of the identity network's training data")
    parser.add_argument("--expressions", type=Path, help="folder of the expression network's; without it that one stays as it is")
    parser.add_argument("--decoded", type=Path, default=Path(".local/identity"), help="folder of the decoded crops")
    parser.add_argument("--models", type=Path, default=Path("Models"))
    options = parser.parse_args()
    logging.getLogger("nncf").setLevel(logging.ERROR)
    out = options.models / "int8"
    out.mkdir(exist_ok=True)
    models = options.models
    entries = {name: json.loads((models / f"{name}.json").read_text()) for name in ("identity", "expression", *DETECTOR)}
    if options.expressions is None:
        del entries["expression"]
    else:
        entries["expression"] = replace_expression(entries["expression"], models, out, options.expressions)
    identity, faces = entries["identity"], identity_images(options.faces, options.decoded)
    identity["parts"] = [replace(part, models, out, normalised(faces, part)) for part in identity["parts"]]
    identity["version"] += VERSION_SUFFIX
    for name, entry in entries.items():
        manifest.save(out / f"{name}.json", manifest.within(entry))
    for name in ("third-party", cohort.FILE):
        manifest.link(models, out, name)
    manifest.save(out / manifest.MANIFEST, manifest.assemble(out))


if __name__ == "__main__":
    main()
