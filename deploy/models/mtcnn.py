"""MTCNN's three networks (Zhang et al. 2016) from facenet-pytorch's weights, as graphs.

Input `image`: N x 3 x H x W, RGB, (value - 127.5) / 128. Outputs: `probability` (of not a face, of a face), `regression`
(the box's correction, in box sizes) and, of the third network, `landmarks` (five x, then five y, in box sizes).
"""

from openvino_ir import Graph


def proposal(state):
    """P-Net: any size from 12 x 12; one cell for every second pixel."""
    graph = Graph("proposal")
    x = graph.parameter("image", (-1, 3, -1, -1))
    x = _block(graph, state, x, "1")
    x = graph.max_pool("pool1", x, 2)
    x = _block(graph, state, x, "2")
    x = _block(graph, state, x, "3")
    scores = graph.convolution("conv4_1", x, state["conv4_1.weight"], state["conv4_1.bias"])
    graph.result("probability", graph.softmax("softmax4_1", scores))
    graph.result("regression", graph.convolution("conv4_2", x, state["conv4_2.weight"], state["conv4_2.bias"]))
    return graph


def refinement(state):
    """R-Net: 24 x 24."""
    graph = Graph("refinement")
    x = graph.parameter("image", (-1, 3, 24, 24))
    x = graph.max_pool("pool1", _block(graph, state, x, "1"), 3)
    x = graph.max_pool("pool2", _block(graph, state, x, "2"), 3)
    x = _block(graph, state, x, "3")
    x = graph.flatten_by_columns("flatten", x, 576)
    x = _dense(graph, state, x, "dense4", "prelu4")
    graph.result("probability", graph.softmax("softmax5_1", _linear(graph, state, x, "dense5_1")))
    graph.result("regression", _linear(graph, state, x, "dense5_2"))
    return graph


def output(state):
    """O-Net: 48 x 48."""
    graph = Graph("output")
    x = graph.parameter("image", (-1, 3, 48, 48))
    x = graph.max_pool("pool1", _block(graph, state, x, "1"), 3)
    x = graph.max_pool("pool2", _block(graph, state, x, "2"), 3)
    x = graph.max_pool("pool3", _block(graph, state, x, "3"), 2)
    x = _block(graph, state, x, "4")
    x = graph.flatten_by_columns("flatten", x, 1152)
    x = _dense(graph, state, x, "dense5", "prelu5")
    graph.result("probability", graph.softmax("softmax6_1", _linear(graph, state, x, "dense6_1")))
    graph.result("regression", _linear(graph, state, x, "dense6_2"))
    graph.result("landmarks", _linear(graph, state, x, "dense6_3"))
    return graph


def _block(graph, state, x, number):
    name = "conv" + number
    x = graph.convolution(name, x, state[name + ".weight"], state[name + ".bias"])
    return graph.prelu("prelu" + number, x, state[f"prelu{number}.weight"])


def _dense(graph, state, x, name, activation):
    return graph.prelu(activation, _linear(graph, state, x, name), state[activation + ".weight"])


def _linear(graph, state, x, name):
    return graph.linear(name, x, state[name + ".weight"], state[name + ".bias"])
