"""Writes Models/identity.xml and .bin, and their entry in Models/alone, from a checkpoint:
`python -m Training.identity.export --checkpoint FILE`. `compose.py` then puts SFace beside it. The thresholds are preliminary
until `thresholds.py` has chosen them.

OpenVINO IR with fp16-compressed weights: input "image" [N, 3, 112, 112] f32 with dynamic N, output "embedding"
[N, 512], not normalised. Batch normalisation is folded into the convolutions first.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import numpy as np
import openvino as ov
import torch
from torch import nn

from ..manifest import digest, save
from .geometry import TEMPLATE
from .network import EMBEDDING_WIDTH, INPUT_SIZE, IdentityNetwork


def load_checkpoint(path: Path) -> IdentityNetwork:
    """The network with the averaged weights of a checkpoint, ready to be evaluated."""
    state = torch.load(path, map_location="cpu", weights_only=True)["averaged"]
    network = IdentityNetwork()
    network.load_state_dict({key.removeprefix("module."): state[key] for key in state if key.startswith("module.")})
    return network.eval()


def to_openvino(network: nn.Module) -> ov.Model:
    """The network as an OpenVINO graph with the names and shapes that the service expects."""
    example = torch.zeros(1, 3, INPUT_SIZE, INPUT_SIZE)
    model = ov.convert_model(network.eval(), example_input=example, input=[-1, 3, INPUT_SIZE, INPUT_SIZE])
    model.inputs[0].set_names({"image"})
    model.inputs[0].get_node().set_friendly_name("image")
    model.outputs[0].set_names({"embedding"})
    model.get_results()[0].set_friendly_name("embedding")
    return model


def write(model: ov.Model, folder: Path, entry_folder: Path, manifest: dict[str, Any]) -> None:
    """Saves graph and weights in `folder` and their manifest entry, which gets the files' digests."""
    ov.save_model(model, folder / "identity.xml", compress_to_fp16=True)
    for key, name in (("graph", "identity.xml"), ("weights", "identity.bin")):
        manifest[key] = {"file": name, "sha256": digest(folder / name)}
    entry_folder.mkdir(exist_ok=True)
    save(entry_folder / "identity.json", manifest)


def manifest_entry(version: str, identification: dict[str, float]) -> dict[str, Any]:
    """What the service must know of the network; digests are filled in by `write`."""
    return {
        "version": version,
        "graph": {},
        "weights": {},
        "input": {
            "name": "image",
            "width": INPUT_SIZE,
            "height": INPUT_SIZE,
            "colour": "rgb",
            "mean": [127.5] * 3,
            "deviation": [127.5] * 3,
            "template": TEMPLATE,
        },
        "outputs": {"embedding": EMBEDDING_WIDTH},
        "identification": identification,
        "licence": "research use: trained on research data, see the card",
        "source": "Training/identity",
        "card": "../identity.md",
    }


def main() -> None:
    """Command line entry; fails where the exported network is not the trained one."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--checkpoint", type=Path, default=Path(".local/identity/checkpoint.pt"))
    parser.add_argument("--models", type=Path, default=Path("Models"))
    parser.add_argument("--version", required=True, help="any change of weights needs a new one")
    arguments = parser.parse_args()
    network = load_checkpoint(arguments.checkpoint)
    preliminary = {"match": 0.45, "enrol": 0.6, "minimumFace": 40, "minimumSharpness": 0.0, "maximumYaw": 1.0}
    entry = manifest_entry(arguments.version, preliminary)
    write(to_openvino(network), arguments.models, arguments.models / "alone", entry)
    images = torch.randn(3, 3, INPUT_SIZE, INPUT_SIZE, generator=torch.Generator().manual_seed(0)).clamp(-1, 1)
    options = {"INFERENCE_PRECISION_HINT": "f32"}
    compiled = ov.Core().compile_model(arguments.models / "identity.xml", "CPU", options)
    exported = compiled({"image": images.numpy()})["embedding"]
    with torch.no_grad():
        expected = network(images).numpy()
    cosine = (exported * expected).sum(1) / np.linalg.norm(exported, axis=1) / np.linalg.norm(expected, axis=1)
    if cosine.min() < 0.9999:
        raise SystemExit(f"The exported network differs from the trained one: cosine {cosine.min():.6f}.")
    print(f"{arguments.version}: cosine to PyTorch at least {cosine.min():.6f}")


if __name__ == "__main__":
    main()
