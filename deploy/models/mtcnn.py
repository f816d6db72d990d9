"""MTCNN's three networks (Zhang et al. 2016) from facenet-pytorch's weights, as vision reads them.

Little-endian float32, layer after layer: weights (outputs x inputs x rows x columns), biases, and PReLU's slopes where one
follows. A dense layer becomes a convolution as large as what it sees; the last ones, side by side, one with all outputs:
scores (not a face, a face), the box's correction, and of the third network five x and five y, all in box sizes.
"""

from array import array

# The layers' names, with the slopes' where a PReLU follows. Several names are one layer with all their outputs.
LAYERS = {
    "proposal": [("conv1", "prelu1"), ("conv2", "prelu2"), ("conv3", "prelu3"), ("conv4_1+conv4_2", None)],
    "refinement": [
        ("conv1", "prelu1"), ("conv2", "prelu2"), ("conv3", "prelu3"), ("dense4", "prelu4"), ("dense5_1+dense5_2", None),
    ],
    "output": [
        ("conv1", "prelu1"), ("conv2", "prelu2"), ("conv3", "prelu3"), ("conv4", "prelu4"), ("dense5", "prelu5"),
        ("dense6_1+dense6_2+dense6_3", None),
    ],
}  # fmt: skip

# The first dense layers see 3 x 3 values of each channel, in the order of Caffe's MATLAB port: column, row, channel.
FLATTENED = {"dense4": 3, "dense5": 3}


def weights(network, state):
    """The weights of one of the three, given the tensors of facenet-pytorch's file by name."""
    data = bytearray()
    for names, slopes in LAYERS[network]:
        parts = names.split("+")
        for name in parts:
            tensor = state[name + ".weight"]
            data += _as_convolution(tensor, FLATTENED[name]) if name in FLATTENED else tensor.data
        for name in parts:
            data += state[name + ".bias"].data
        if slopes:
            data += state[slopes + ".weight"].data
    return bytes(data)


def _as_convolution(tensor, side):
    """A dense layer's weights, outputs x (columns · rows · channels), as outputs x channels x rows x columns."""
    outputs, inputs = tensor.shape
    channels = inputs // (side * side)
    values = memoryview(tensor.data).cast("I")
    return array("I", (
        values[output * inputs + (x * side + y) * channels + channel]
        for output in range(outputs) for channel in range(channels) for y in range(side) for x in range(side)
    )).tobytes()  # fmt: skip
