"""Writes small networks as OpenVINO IR (version 11), byte for byte the same each time, without OpenVINO."""

import struct
from xml.sax.saxutils import quoteattr


class Output:
    """The one output of a layer: which layer, which port, and the shape (-1 where it varies)."""

    def __init__(self, layer, port, shape):
        self.layer, self.port, self.shape = layer, port, shape


class Graph:
    """A network under construction. Methods add a layer and return its output; all values are float32."""

    def __init__(self, name):
        self.name = name
        self.layers = []
        self.edges = []
        self.weights = bytearray()

    def _add(self, name, kind, attributes, inputs, shape, version="opset1", precision="FP32", tensor=None):
        number = len(self.layers)
        for port, source in enumerate(inputs):
            self.edges.append((source.layer, source.port, number, port))
        result = None if shape is None else Output(number, len(inputs), tuple(shape))
        lines = [f"\t\t<layer id=\"{number}\" name={quoteattr(name)} type=\"{kind}\" version=\"{version}\">"]
        if attributes:
            lines.append("\t\t\t<data " + " ".join(f"{k}={quoteattr(v)}" for k, v in attributes.items()) + "/>")
        if inputs:
            lines.append("\t\t\t<input>")
            for port, source in enumerate(inputs):
                lines += _port(port, source.shape, getattr(source, "precision", "FP32"), None)
            lines.append("\t\t\t</input>")
        if result:
            result.precision = precision
            lines.append("\t\t\t<output>")
            lines += _port(result.port, result.shape, precision, tensor)
            lines.append("\t\t\t</output>")
        lines.append("\t\t</layer>")
        self.layers.append(lines)
        return result

    def parameter(self, name, shape):
        text = ",".join("?" if size < 0 else str(size) for size in shape)
        return self._add(name, "Parameter", {"shape": text, "element_type": "f32"}, [], shape, tensor=name)

    def constant(self, name, shape, data, element="f32"):
        offset = len(self.weights)
        self.weights += data
        attributes = {
            "element_type": element,
            "shape": ", ".join(map(str, shape)),
            "offset": str(offset),
            "size": str(len(data)),
        }
        return self._add(name, "Const", attributes, [], shape, precision={"f32": "FP32", "i64": "I64"}[element])

    def integers(self, name, values):
        return self.constant(name, (len(values),), struct.pack(f"<{len(values)}q", *values), "i64")

    def convolution(self, name, source, weight, bias):
        """A valid convolution of stride 1; `weight` is output x input x height x width."""
        attributes = {
            "strides": "1, 1", "dilations": "1, 1", "pads_begin": "0, 0", "pads_end": "0, 0", "auto_pad": "explicit",
        }  # fmt: skip
        kernel = self.constant(name + "/weight", weight.shape, weight.data)
        shape = (source.shape[0], weight.shape[0], -1, -1)
        result = self._add(name, "Convolution", attributes, [source, kernel], shape)
        offset = self.constant(name + "/bias", (1, weight.shape[0], 1, 1), bias.data)
        return self._add(name + "/sum", "Add", {"auto_broadcast": "numpy"}, [result, offset], shape)

    def linear(self, name, source, weight, bias):
        """source · weightᵀ + bias; `weight` is output x input."""
        kernel = self.constant(name + "/weight", weight.shape, weight.data)
        shape = (source.shape[0], weight.shape[0])
        attributes = {"transpose_a": "false", "transpose_b": "true"}
        result = self._add(name, "MatMul", attributes, [source, kernel], shape)
        offset = self.constant(name + "/bias", (1, weight.shape[0]), bias.data)
        return self._add(name + "/sum", "Add", {"auto_broadcast": "numpy"}, [result, offset], shape)

    def prelu(self, name, source, slope):
        return self._add(
            name, "PReLU", {}, [source, self.constant(name + "/slope", slope.shape, slope.data)], source.shape
        )

    def max_pool(self, name, source, kernel):
        """Stride 2, and a last window that is cut off rather than dropped."""
        attributes = {
            "strides": "2, 2", "pads_begin": "0, 0", "pads_end": "0, 0", "kernel": f"{kernel}, {kernel}",
            "rounding_type": "ceil", "auto_pad": "explicit",
        }  # fmt: skip
        return self._add(name, "MaxPool", attributes, [source], source.shape)

    def softmax(self, name, source):
        return self._add(name, "SoftMax", {"axis": "1"}, [source], source.shape)

    def flatten_by_columns(self, name, source, width):
        """N x C x H x W as N x (W · H · C): the order in which Caffe's MATLAB port saw the values."""
        order = self.integers(name + "/order", (0, 3, 2, 1))
        turned = self._add(name + "/transpose", "Transpose", {}, [source, order], (source.shape[0], -1, -1, -1))
        target = self.integers(name + "/shape", (-1, width))
        return self._add(name, "Reshape", {"special_zero": "false"}, [turned, target], (source.shape[0], width))

    def result(self, name, source):
        """Makes `source` an output of the network whose tensor is called `name`."""
        lines = self.layers[source.layer]
        index = next(i for i in range(len(lines) - 1, -1, -1) if "<port" in lines[i])
        lines[index] = lines[index].replace('precision="FP32"', f'precision="FP32" names={quoteattr(name)}')
        self._add(name + "/result", "Result", {}, [source], None)

    def xml(self):
        lines = ['<?xml version="1.0"?>', f'<net name={quoteattr(self.name)} version="11">', "\t<layers>"]
        for layer in self.layers:
            lines += layer
        lines += ["\t</layers>", "\t<edges>"]
        for edge in self.edges:
            lines.append('\t\t<edge from-layer="%d" from-port="%d" to-layer="%d" to-port="%d"/>' % edge)
        lines += ["\t</edges>", "</net>", ""]
        return "\n".join(lines).encode()


def _port(number, shape, precision, tensor):
    names = f" names={quoteattr(tensor)}" if tensor else ""
    lines = [f'\t\t\t\t<port id="{number}" precision="{precision}"{names}>']
    lines += [f"\t\t\t\t\t<dim>{size}</dim>" for size in shape]
    return lines + ["\t\t\t\t</port>"]
