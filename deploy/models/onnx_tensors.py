"""Reads the tensors of an ONNX file with the standard library.

ONNX is protobuf: a message is a run of fields, each a key (number and wire type) and a value. Of a model (field 7 is its
graph) only the graph's initializers (field 5) are looked at: the tensors that it was trained to.
"""

from typing import NamedTuple

GRAPH, INITIALIZER = 7, 5
DIMS, FLOATS, NAME, RAW = 1, 4, 8, 9
VARINT, EIGHT_BYTES, LENGTH, FOUR_BYTES = 0, 1, 2, 5


class Tensor(NamedTuple):
    """A tensor in C order: its shape and its little-endian bytes."""

    shape: tuple
    data: bytes


def read_tensors(data):
    """The initializers of an ONNX file's bytes in its order: name -> Tensor. Raises ValueError when it isn't one."""
    tensors = {}
    for graph in _values(memoryview(data), GRAPH):
        for message in _values(graph, INITIALIZER):
            name = b"".join(_values(message, NAME)).decode()
            tensors[name] = Tensor(tuple(_dimensions(message)), b"".join([*_values(message, RAW), *_values(message, FLOATS)]))
    if not tensors:
        raise ValueError("an ONNX file without tensors")
    return tensors


def _dimensions(message):
    """A tensor's shape, whose numbers stand one by one or packed together."""
    for value in _values(message, DIMS):
        if isinstance(value, int):
            yield value
            continue
        position = 0
        while position < len(value):
            number, position = _varint(value, position)
            yield number


def _values(message, wanted):
    """The values of all fields of one number: integers, or views of bytes."""
    position = 0
    while position < len(message):
        key, position = _varint(message, position)
        kind = key & 7
        if kind == VARINT:
            value, position = _varint(message, position)
        else:
            if kind == LENGTH:
                size, position = _varint(message, position)
            elif kind in (EIGHT_BYTES, FOUR_BYTES):
                size = 8 if kind == EIGHT_BYTES else 4
            else:
                raise ValueError(f"not an ONNX file: wire type {kind}")
            if position + size > len(message):
                raise ValueError("the ONNX file is cut short")
            value, position = message[position : position + size], position + size
        if key >> 3 == wanted:
            yield value


def _varint(message, position):
    """An integer of seven bits a byte, lowest first, and where it ends."""
    value = shift = 0
    while True:
        if position >= len(message) or shift > 63:
            raise ValueError("not an ONNX file, or one that is cut short")
        byte = message[position]
        position += 1
        value |= (byte & 127) << shift
        if byte < 128:
            return value, position
        shift += 7
