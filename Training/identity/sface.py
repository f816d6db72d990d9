"""Writes Models/sface.xml, the graph of SFace (Zhong et al. 2021), from OpenCV Zoo's block-quantised ONNX file:
`python -m Training.identity.sface --file face_recognition_sface_2021dec_int8bq.onnx`.

Needed only where the graph is to change: it is committed, and set-up writes its weights (`deploy/models/sface.py`), which unpacks
what the file holds in blocks. The graph's input
is "image" [N, 3, 112, 112], RGB (value - 127.5) / 128; its output "embedding" [N, 128], not normalised.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import numpy as np
import openvino as ov
import openvino.opset13 as op

from .network import INPUT_SIZE

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "deploy" / "models"))
import onnx_tensors  # noqa: E402
import sface  # noqa: E402

LAYERS = 14
# Of these layers the 3x3 convolution moves by two pixels.
STRIDED = (3, 5, 7, 13)
EPSILON, LAST_EPSILON = 0.0010000000474974513, 1.9999999494757503e-05


class Graph:
    """SFace's layers over the tensors of its file."""

    def __init__(self, tensors: dict[str, onnx_tensors.Tensor]) -> None:
        self._tensors = sface.unpacked(tensors)

    def model(self) -> ov.Model:
        """The whole network."""
        image = op.parameter([-1, 3, INPUT_SIZE, INPUT_SIZE], np.float32, name="image")
        filters = self._constant("conv_1_conv2d_weight", [-1, 3, 3, 3])
        x = self._activated(op.convolution(image, filters, [1, 1], [1, 1], [1, 1], [1, 1]), "conv_1")
        for layer in range(2, LAYERS + 1):
            name, stride = f"conv_{layer}", 2 if layer in STRIDED else 1
            filters = self._constant(f"{name}_dw_conv2d_weight", [-1, 1, 1, 3, 3])
            x = op.group_convolution(x, filters, [stride, stride], [1, 1], [1, 1], [1, 1])
            x = self._activated(x, f"{name}_dw")
            x = op.convolution(x, self._constant(f"{name}_conv2d_weight"), [1, 1], [0, 0], [0, 0], [1, 1])
            x = self._activated(x, name)
        x = self._normalised(x, "bn1", LAST_EPSILON)
        # The dense layer as a convolution over all that is left of the picture.
        outputs = self._tensors["pre_fc1_weight"].shape[0]
        x = op.convolution(x, self._constant("pre_fc1_weight", [outputs, -1, 7, 7]), [1, 1], [0, 0], [0, 0], [1, 1])
        x = op.add(x, self._constant("pre_fc1_bias", [1, -1, 1, 1]))
        flatten = op.constant(np.array(sface.FLATTEN, np.int64))
        flatten.set_friendly_name("flatten")
        x = op.reshape(self._normalised(x, "fc1", LAST_EPSILON), flatten, True)
        image.output(0).set_names({"image"})
        model = ov.Model([op.result(x)], [image], "sface")
        model.outputs[0].set_names({"embedding"})
        return model

    def _constant(self, name: str, shape: list[int] | None = None) -> ov.Node:
        """A float32 tensor, in the file's shape or another."""
        tensor = self._tensors[name]
        node = op.constant(np.frombuffer(tensor.data, "<f4").reshape(tensor.shape if shape is None else shape))
        node.set_friendly_name(name)
        return node

    def _normalised(self, x: ov.Node, name: str, epsilon: float) -> ov.Node:
        statistics = (self._constant(f"{name}_{part}") for part in ("gamma", "beta", "moving_mean", "moving_var"))
        return op.batch_norm_inference(x, *statistics, epsilon)

    def _activated(self, x: ov.Node, name: str) -> ov.Node:
        slopes = self._constant(f"{name}_relu_gamma", [-1])
        return op.prelu(self._normalised(x, f"{name}_batchnorm", EPSILON), slopes)


def graph_over(model: ov.Model, offsets: dict[str, int]) -> bytes:
    """The IR's XML of a model whose constants begin at `offsets` of its weights, by their names."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "graph.xml")
        ov.save_model(model, path, compress_to_fp16=False)
        tree = ElementTree.parse(path)
    for layer in tree.iter("layer"):
        if layer.get("type") == "Const":
            layer.find("data").set("offset", str(offsets[layer.get("name")]))  # type: ignore[union-attr, arg-type]
    return ElementTree.tostring(tree.getroot(), xml_declaration=True, encoding="utf-8") + b"\n"


def main() -> None:
    """Command line entry."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--file", type=Path, required=True, help="OpenCV Zoo's ONNX file")
    parser.add_argument("--models", type=Path, default=Path("Models"))
    arguments = parser.parse_args()
    tensors = onnx_tensors.read_tensors(arguments.file.read_bytes())
    offsets, _ = sface.layout(tensors)
    (arguments.models / "sface.xml").write_bytes(graph_over(Graph(tensors).model(), offsets))


if __name__ == "__main__":
    main()
