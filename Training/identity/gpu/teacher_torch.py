"""The teachers in PyTorch, so that they can run where OpenVINO is not: their graphs as lists of operations.

`convert` (needs OpenVINO) reads an IR and keeps operations and constants; `TorchTeacher` (PyTorch only) computes them.
Nothing of a network is written down here: whatever IR of these few operations is given is computed.
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ..geometry import TO_TEACHER

SIZE, WIDTH = 128, 256


def convert(graph: Path, weights: Path | None = None) -> list[dict[str, Any]]:
    """The IR's operations in order with their constants; its weights lie beside the graph unless they are named."""
    import numpy as np
    import openvino as ov
    from openvino.passes import ConstantFolding, Manager

    operations: list[dict[str, Any]] = []
    names: dict[str, int] = {}
    constants: dict[str, Tensor] = {}
    model = ov.Core().read_model(graph, weights or graph.with_suffix(".bin"))
    manager = Manager()
    manager.register_pass(ConstantFolding())
    manager.run_passes(model)
    for node in model.get_ordered_ops():
        kind, name = node.get_type_name(), node.get_friendly_name()
        if kind == "Constant":
            constants[name] = torch.from_numpy(np.array(node.data, dtype=np.float32))
            continue
        inputs = [value.get_node().get_friendly_name() for value in node.input_values()]
        if kind == "Convert":
            constants[name] = constants[inputs[0]]
            continue
        if kind == "Result":
            operations.append({"kind": kind, "inputs": [names[inputs[0]]]})
            continue
        attributes = node.get_attributes()
        if kind == "BatchNormInference":
            gamma, beta, mean, variance = (constants[i].view(1, -1, *[1] * (len(node.get_output_partial_shape(0)) - 2)) for i in inputs[1:])
            factor = gamma / (variance + attributes["epsilon"]).sqrt()
            operations.append({"kind": "Multiply", "inputs": [names[inputs[0]]], "constant": factor})
            operations.append({"kind": "Add", "inputs": [len(operations) - 1], "constant": beta - mean * factor})
            names[name] = len(operations) - 1
            continue
        operation: dict[str, Any] = {"kind": kind, "inputs": [names[i] for i in inputs if i in names]}
        values = [constants[i] for i in inputs if i in constants]
        if len(values) > 1 or len(values) + len(operation["inputs"]) != len(inputs):
            raise ValueError(f"{name}: {kind} with {inputs} is not known.")
        if values:
            operation["constant"] = values[0]
        if kind in ("Convolution", "GroupConvolution"):
            if attributes["pads_begin"] != attributes["pads_end"] or set(attributes["dilations"]) != {1}:
                raise ValueError(f"{name}: uneven padding or dilation.")
            operation |= {"stride": list(attributes["strides"]), "padding": list(attributes["pads_begin"])}
        elif kind == "AvgPool":
            operation["kernel"] = list(attributes["kernel"])
        elif kind == "MatMul":
            if attributes["transpose_a"]:
                raise ValueError(f"{name}: transposed.")
            if attributes["transpose_b"]:
                operation["constant"] = operation["constant"].T.contiguous()
        elif kind in ("Reshape", "Flatten"):
            del operation["constant"]
        elif kind not in ("Parameter", "Multiply", "Add", "Subtract", "PRelu", "Sigmoid"):
            raise ValueError(f"{name}: {kind} is not known.")
        names[name] = len(operations)
        operations.append(operation)
    return operations


class TorchTeacher(nn.Module):
    """Pictures [N, 3, 112, 112] RGB 0...1 to unit embeddings: [N, 256] of the Open Model Zoo's network, which sees its own
    crop in BGR, or, not `warped`, [N, 128] of SFace, which sees the 112 x 112 crop in RGB, (value - 127.5) / 128."""

    def __init__(self, operations: list[dict[str, Any]], warped: bool = True) -> None:
        super().__init__()
        self.warped = warped
        self.operations = [{k: v for k, v in operation.items() if k != "constant"} for operation in operations]
        for index, operation in enumerate(operations):
            if (value := operation.get("constant")) is not None:
                value = value.float()
                if operation["kind"] == "GroupConvolution":
                    self.operations[index]["groups"] = value.shape[0]
                    value = value.flatten(0, 1)
                if operation["kind"] in ("Convolution", "GroupConvolution"):
                    value = value.contiguous(memory_format=torch.channels_last)
                self.register_buffer(f"constant{index}", value)
        a, b, c = TO_TEACHER[0]
        d, e, f = TO_TEACHER[1]
        determinant = a * e - b * d
        inverse = torch.tensor([[e, -b, b * f - c * e], [-d, a, d * c - a * f]], dtype=torch.float64) / determinant
        y, x = torch.meshgrid(torch.arange(SIZE), torch.arange(SIZE), indexing="ij")
        source = torch.stack([x, y, torch.ones_like(x)], -1).double() @ inverse.T
        self.register_buffer("grid", (source / 111 * 2 - 1).float()[None])

    def forward(self, pictures: Tensor) -> Tensor:
        image = pictures.float() * 255
        if self.warped:
            grid = self.grid.expand(pictures.shape[0], -1, -1, -1)
            image = F.grid_sample(image, grid, "bilinear", "zeros", align_corners=True).flip(1)
        else:
            image = (image - 127.5) / 128
        weight = next(v for n, v in self.named_buffers() if n.startswith("constant") and v.ndim == 4 and len(v) > 3)
        values: list[Tensor | None] = []
        result: Tensor | None = None
        for index, operation in enumerate(self.operations):
            kind = operation["kind"]
            constant = getattr(self, f"constant{index}", None)
            inputs = [values[i] for i in operation["inputs"]]
            if kind == "Parameter":
                value = image.to(weight.dtype).contiguous(memory_format=torch.channels_last)
            elif kind == "Result":
                result = inputs[0]
                continue
            elif kind == "Add":
                value = inputs[0] + (constant if constant is not None else inputs[1])
            elif kind == "Multiply":
                value = inputs[0] * (constant if constant is not None else inputs[1])
            elif kind == "Subtract":
                value = inputs[0] - (constant if constant is not None else inputs[1])
            elif kind == "MatMul":
                value = inputs[0] @ constant
            elif kind in ("Reshape", "Flatten"):
                value = inputs[0].flatten(1)
            elif kind == "PRelu":
                value = F.prelu(inputs[0], constant.flatten())
            elif kind == "Sigmoid":
                value = inputs[0].sigmoid()
            elif kind == "AvgPool":
                value = inputs[0].mean((2, 3), keepdim=True)
                assert list(inputs[0].shape[2:]) == operation["kernel"]
            else:
                value = F.conv2d(
                    inputs[0], constant, None, operation["stride"], operation["padding"], 1, operation.get("groups", 1)
                )
            values.append(value)
        assert result is not None
        return F.normalize(result.float().flatten(1))

    def both(self, pictures: Tensor) -> Tensor:
        """The student's target [N, 512]: embeddings of picture and mirrored picture, together of unit length."""
        return torch.cat([self(pictures), self(pictures.flip(3))], 1) * math.sqrt(0.5)


class TwoTeachers(nn.Module):
    """The Open Model Zoo's network and SFace together: targets [N, 512] whose cosine is the mean of both networks' cosines,
    256 + 128 + 128 (SFace's answers to picture and mirrored picture)."""

    def __init__(self, first: TorchTeacher, second: TorchTeacher) -> None:
        super().__init__()
        self.first, self.second = first, second

    def both(self, pictures: Tensor) -> Tensor:
        """Targets of the pictures."""
        mirrored = pictures.flip(3)
        parts = [self.first(pictures) * math.sqrt(0.5), self.second(pictures) / 2, self.second(mirrored) / 2]
        return torch.cat(parts, 1)


def load(path: Path, device: torch.device, dtype: torch.dtype, warped: bool = True) -> TorchTeacher:
    """A converted teacher, ready to be asked."""
    teacher = TorchTeacher(torch.load(path, map_location="cpu", weights_only=True), warped).to(device)
    for name, buffer in teacher.named_buffers():
        if name.startswith("constant"):
            setattr(teacher, name, buffer.to(dtype))
    return teacher.eval()
