"""SFace (Zhong et al. 2021) from OpenCV Zoo's block-quantised ONNX file, as Models/sface.xml reads it.

The file's tensors one after another in its order, value for value, each beginning at a multiple of 64 bytes; last, the shapes that
the graph needs beside them. The graph unpacks the blocks (int8 minus a zero point, times a scale) when it is loaded. `layout`
says where each begins, for whoever writes that graph (Training/identity/sface.py).
"""

import struct

ALIGNMENT = 64
# 0 is "as many as there are", -1 "all the others".
SHAPES = {"dense_filters": (0, -1, 7, 7), "dense_bias": (1, -1, 1, 1), "flatten": (0, -1)}


def _with_shapes(tensors):
    shapes = {name: struct.pack(f"<{len(shape)}q", *shape) for name, shape in SHAPES.items()}
    return {name: tensor.data for name, tensor in tensors.items()} | shapes


def layout(tensors):
    """Where each tensor begins (name -> offset), and the size of it all."""
    offsets, end = {}, 0
    for name, data in _with_shapes(tensors).items():
        offsets[name] = -(-end // ALIGNMENT) * ALIGNMENT
        end = offsets[name] + len(data)
    return offsets, end


def weights(tensors):
    """The bytes that Models/sface.xml reads, given the file's tensors by name."""
    offsets, size = layout(tensors)
    weights = bytearray(size)
    for name, data in _with_shapes(tensors).items():
        weights[offsets[name] : offsets[name] + len(data)] = data
    return bytes(weights)
