"""Reads tensors from the file format that PyTorch wrote before version 1.6, without PyTorch.

Such a file is five pickles (magic number, protocol, platform, state dictionary, storage keys), then for every key an
int64 count and that many values. The unpickler knows the three names such a file needs and refuses all others, so a
file can't run code.
"""

import pickle
import struct
from array import array
from collections import OrderedDict
from typing import NamedTuple

MAGIC = 0x1950A86A20F9469CFC6C
PROTOCOL = 1001


class Storage(NamedTuple):
    """A run of float32 values that tensors are views of."""

    key: str
    count: int


class Tensor(NamedTuple):
    """A float32 tensor in C order: its shape and its little-endian bytes."""

    shape: tuple
    data: bytes


class View(NamedTuple):
    """A tensor before its storage was read."""

    storage: Storage
    offset: int
    shape: tuple
    stride: tuple


def _view(storage, offset, shape, stride, *_):
    return View(storage, offset, tuple(shape), tuple(stride))


class _Unpickler(pickle.Unpickler):
    ALLOWED = {
        ("collections", "OrderedDict"): OrderedDict,
        ("torch._utils", "_rebuild_tensor_v2"): _view,
        ("torch", "FloatStorage"): "float32",
    }

    def find_class(self, module, name):
        try:
            return self.ALLOWED[module, name]
        except KeyError:
            raise ValueError(f"the file names {module}.{name}, which no file of weights needs") from None

    def persistent_load(self, identity):
        kind, element, key, _, count, _ = identity
        if kind != "storage" or element != "float32":
            raise ValueError("the file holds something other than float32 storages")
        return Storage(key, count)


def read_state(path):
    """Returns the state dictionary of the file at `path`: name -> Tensor. Raises ValueError when it isn't one."""
    with open(path, "rb") as file:
        if _Unpickler(file).load() != MAGIC or _Unpickler(file).load() != PROTOCOL:
            raise ValueError("not a file of PyTorch's old format")
        platform = _Unpickler(file).load()
        if not platform.get("little_endian"):
            raise ValueError("a big-endian file")
        views = _Unpickler(file).load()
        values = {}
        for key in _Unpickler(file).load():
            (count,) = struct.unpack("<q", file.read(8))
            values[key] = file.read(4 * count)
            if len(values[key]) != 4 * count:
                raise ValueError("the file is cut short")
    return {name: _tensor(view, values) for name, view in views.items()}


def _tensor(view, values):
    """Gathers a view's values, whatever its strides, into C order."""
    cells = memoryview(values[view.storage.key]).cast("I")
    offsets = [view.offset]
    for size, stride in zip(view.shape, view.stride):
        offsets = [offset + index * stride for offset in offsets for index in range(size)]
    if not all(0 <= offset < len(cells) for offset in offsets):
        raise ValueError("a tensor that reaches outside its storage")
    return Tensor(view.shape, array("I", (cells[offset] for offset in offsets)).tobytes())
