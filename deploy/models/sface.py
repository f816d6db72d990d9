"""SFace (Zhong et al. 2021) from OpenCV Zoo's block-quantised ONNX file, as Models/sface.xml reads it.

The file's tensors one after another in its order, each beginning at a multiple of 64 bytes; last, the shape that the graph needs
beside them. What is packed in blocks (int8 minus a zero point, times a scale) is unpacked here: OpenVINO 2026.4 unpacks it wrongly
where a graph is loaded for several streams. `layout` says where each begins, for whoever writes that graph
(Training/identity/sface.py).
"""

import struct
from array import array

from onnx_tensors import Tensor

ALIGNMENT = 64
PACKED = ("_quantized", "_scales", "_zero_point", "_shape")
# 0 is "as many as there are", -1 "all the others".
FLATTEN = (0, -1)


def unpacked(tensors):
    """The file's tensors by name, with a float32 one in place of each that is packed in blocks."""
    result = {}
    for name, tensor in tensors.items():
        stem = next((name.removesuffix(part) for part in PACKED if name.endswith(part)), None)
        if stem is None or f"{stem}_quantized" not in tensors:
            result[name] = tensor
        elif name.endswith("_quantized"):
            result[stem] = _unpack(tensors, stem)
    return result


def _unpack(tensors, name):
    """Blocks lie one after another and are equally long; there is a scale and a zero point for each."""
    values = array("b", tensors[f"{name}_quantized"].data)
    zeros = array("b", tensors[f"{name}_zero_point"].data)
    scales = struct.unpack(f"<{len(zeros)}f", tensors[f"{name}_scales"].data)
    length = len(values) // len(zeros)
    numbers = []
    for block, (scale, zero) in enumerate(zip(scales, zeros)):
        numbers += [(value - zero) * scale for value in values[block * length : (block + 1) * length]]
    shape = tensors[f"{name}_quantized"].shape
    if f"{name}_shape" in tensors:
        data = tensors[f"{name}_shape"].data
        shape = struct.unpack(f"<{len(data) // 8}q", data)
    return Tensor(shape, struct.pack(f"<{len(numbers)}f", *numbers))


def _parts(tensors):
    flatten = struct.pack(f"<{len(FLATTEN)}q", *FLATTEN)
    return {name: tensor.data for name, tensor in unpacked(tensors).items()} | {"flatten": flatten}


def _offsets(parts):
    offsets, end = {}, 0
    for name, data in parts.items():
        offsets[name] = -(-end // ALIGNMENT) * ALIGNMENT
        end = offsets[name] + len(data)
    return offsets, end


def layout(tensors):
    """Where each tensor begins (name -> offset), and the size of it all."""
    return _offsets(_parts(tensors))


def weights(tensors):
    """The bytes that Models/sface.xml reads, given the file's tensors by name."""
    parts = _parts(tensors)
    offsets, size = _offsets(parts)
    weights = bytearray(size)
    for name, data in parts.items():
        weights[offsets[name] : offsets[name] + len(data)] = data
    return bytes(weights)
