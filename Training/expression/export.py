"""Export a checkpoint: OpenVINO IR with the calibration inside, and the network's manifest entry.

    python -m Training.expression.export --data DIR --checkpoint .local/expression/checkpoint.pt --models Models
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

import numpy as np
import openvino
import torch
from torch import Tensor, nn

from ..manifest import digest
from . import reaction
from .calibration import Calibration, fit_heads
from .data import Faces, training_split
from .geometry import read_template
from .labels import FER, FERPLUS, MOODS
from .network import DIMENSIONS, SIZE, WIDTHS, ExpressionNetwork, Outputs

OUTPUTS = {"ferplus": len(FERPLUS), "fer": len(FER), "expression": DIMENSIONS}


class CalibratedNetwork(nn.Module):
    """The network as the service runs it: probabilities calibrated, and if `mirrored` the picture and its mirror image
    averaged."""

    def __init__(self, network: ExpressionNetwork, mirrored: bool = True) -> None:
        super().__init__()
        self.network, self.mirrored = network, mirrored
        self.ferplus = Calibration(len(FERPLUS))
        self.fer = Calibration(len(FER))

    def logits(self, image: Tensor) -> Outputs:
        """Outputs, averaged over the picture and its mirror image if the network is to be."""
        if not self.mirrored:
            return self.network(image)
        count = image.shape[0]
        both = self.network(torch.cat([image, image.flip(3)]))
        return Outputs(*((output[:count] + output[count:]) / 2 for output in both))

    def forward(self, image: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Probabilities [N, 8] and [N, 7], expression [N, 16] of grey images [N, 1, 48, 48] in 0...255."""
        outputs = self.logits(image)
        return self.ferplus(outputs.ferplus), self.fer(outputs.fer), outputs.expression


@torch.no_grad()
def logits(model: CalibratedNetwork, faces: Faces, batch: int = 128) -> Outputs:
    """Averaged logits and expressions of all faces."""
    images = torch.from_numpy(faces.images).unsqueeze(1)
    parts = [model.logits(images[i : i + batch].float()) for i in range(0, len(images), batch)]
    return Outputs(*(torch.cat(column) for column in zip(*parts, strict=True)))


def calibrate(model: CalibratedNetwork, faces: Faces) -> None:
    """Fit both calibrations on faces the network was not trained on."""
    model.ferplus, model.fer = fit_heads(logits(model, faces), faces)


def read_network(checkpoint: Path) -> ExpressionNetwork:
    """The averaged weights of a checkpoint, which names the network's widths where they are not the usual ones."""
    stored = torch.load(checkpoint, map_location="cpu", weights_only=True)
    network = ExpressionNetwork(widths=tuple(stored.get("widths", WIDTHS)))
    network.load_state_dict(stored["average"])
    return network.eval()


def convert(model: CalibratedNetwork, path: Path) -> None:
    """Write `path` and its .bin: weights in fp16, the number of images free."""
    example = torch.rand(2, 1, SIZE, SIZE) * 255
    shape = openvino.PartialShape([-1, 1, SIZE, SIZE])
    graph = openvino.convert_model(model.eval(), example_input=example, input=[("image", shape)])
    graph.inputs[0].tensor.set_names({"image"})
    for output, name in zip(graph.outputs, OUTPUTS, strict=True):
        output.tensor.set_names({name})
    openvino.save_model(graph, path, compress_to_fp16=True)


def run(path: Path, images: np.ndarray, batch: int = 64) -> dict[str, np.ndarray]:
    """Outputs of an exported network, in f32, for images [N, 48, 48]."""
    core = openvino.Core()
    compiled = core.compile_model(path, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    parts = []
    for start in range(0, len(images), batch):
        result = compiled(images[start : start + batch, None].astype(np.float32))
        parts.append({name: result[name] for name in OUTPUTS})
    return {name: np.concatenate([part[name] for part in parts]) for name in OUTPUTS}


def fit_reaction(graph: Path, training: Faces, held: Faces) -> dict[str, Any]:
    """The reference expressions of an exported network, from the training faces, and tau, from the calibration faces."""
    defining = training[np.unique(np.concatenate(list(reaction.reference_rows(training).values())))]
    anchors = reaction.references(defining, run(graph, defining.images)["expression"])
    tau = reaction.choose_tau(reaction.distance(run(graph, held.images)["expression"], anchors), held)
    vectors = {name: [round(float(value), 6) for value in vector] for name, vector in anchors.items()}
    return {"tau": tau, "references": [{"name": name, "vector": vector} for name, vector in vectors.items()]}


def entry(graph: Path, version: str, enjoyment: dict[str, Any]) -> dict[str, Any]:
    """The network's entry in the models' manifest; `enjoyment` is what `fit_reaction` gives."""
    weights = graph.with_suffix(".bin")
    return {
        "version": version,
        "graph": {"file": graph.name, "sha256": digest(graph)},
        "weights": {"file": weights.name, "sha256": digest(weights)},
        "input": {
            "name": "image",
            "width": SIZE,
            "height": SIZE,
            "colour": "grey",
            "mean": [0],
            "deviation": [1],
            "template": read_template().tolist(),
        },
        "outputs": OUTPUTS,
        "labels": {"ferplus": list(FERPLUS), "fer": list(FER)},
        "moods": {mood: list(emotions) for mood, emotions in MOODS.items()},
        "reaction": enjoyment,
        "licence": "Apache-2.0 for the weights as such; trained on FER2013 (research use) with FER+ votes (MIT)",
        "source": "Training/expression",
        "card": "expression.md",
    }


def main() -> None:
    """Export, with references from the training faces and everything fitted from the calibration faces."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--checkpoint", type=Path, default=Path(".local/expression/checkpoint.pt"))
    parser.add_argument("--models", type=Path, default=Path("Models"))
    parser.add_argument("--version", required=True, help="name of these weights, such as expression-1")
    parser.add_argument("--single-view", action="store_true", help="the picture alone, not its mirror image beside it")
    options = parser.parse_args()
    torch.set_num_threads(1)
    training, held, _ = training_split(options.data)
    model = CalibratedNetwork(read_network(options.checkpoint), mirrored=not options.single_view)
    calibrate(model, held)
    graph = options.models / "expression.xml"
    convert(model, graph)

    fragment = json.dumps(entry(graph, options.version, fit_reaction(graph, training, held)), indent=2)
    (options.models / "expression.json").write_text(fragment + "\n")


if __name__ == "__main__":
    main()
