"""The paper's networks as PyPI has them: facenet-pytorch's MTCNN and InceptionResnetV1, and torchvision's DenseNet-121.

Needs a Python with torch, numpy and Pillow, and the wheel of facenet-pytorch unpacked (its own requirements pin versions
that are too old to install). Where torchvision is missing, MTCNN runs with stand-ins for the two functions that it takes
from there, and DenseNet-121 is not to be had.
"""

import importlib.util
import sys
import types
import warnings
from pathlib import Path

import numpy as np
import torch

warnings.filterwarnings("ignore")


def _nms(boxes, scores, threshold):
    order = torch.argsort(scores, descending=True, stable=True).numpy()
    corners = boxes.numpy()
    areas = (corners[:, 2] - corners[:, 0]) * (corners[:, 3] - corners[:, 1])
    keep = []
    while len(order):
        best, rest = order[0], order[1:]
        keep.append(int(best))
        width = np.minimum(corners[best, 2], corners[rest, 2]) - np.maximum(corners[best, 0], corners[rest, 0])
        height = np.minimum(corners[best, 3], corners[rest, 3]) - np.maximum(corners[best, 1], corners[rest, 1])
        shared = np.maximum(width, 0) * np.maximum(height, 0)
        order = rest[shared <= threshold * (areas[best] + areas[rest] - shared)]
    return torch.tensor(keep, dtype=torch.int64)


def _stand_in_for_torchvision():
    boxes = types.ModuleType("torchvision.ops.boxes")
    # Only pictures of their own are looked at, so all boxes are of one kind.
    boxes.batched_nms = lambda corners, scores, kinds, threshold: _nms(corners, scores, threshold)
    functional = types.ModuleType("torchvision.transforms.functional")
    functional.to_tensor = lambda picture: torch.from_numpy(picture).permute(2, 0, 1)
    transforms = types.ModuleType("torchvision.transforms")
    transforms.functional = functional
    for name, module in {
        "torchvision": types.ModuleType("torchvision"),
        "torchvision.ops": types.ModuleType("torchvision.ops"),
        "torchvision.ops.boxes": boxes,
        "torchvision.transforms": transforms,
        "torchvision.transforms.functional": functional,
    }.items():
        sys.modules[name] = module


def _stand_in_for_requests():
    """facenet-pytorch downloads weights with it; here are none to download."""
    adapters = types.ModuleType("requests.adapters")
    adapters.HTTPAdapter = object
    sys.modules["requests"] = types.ModuleType("requests")
    sys.modules["requests.adapters"] = adapters
    download = types.ModuleType("facenet_pytorch.models.utils.download")
    download.download_url_to_file = None
    sys.modules[download.__name__] = download


HAS_TORCHVISION = importlib.util.find_spec("torchvision") is not None


def load(facenet):
    """Imports facenet_pytorch from the folder into which its wheel was unpacked."""
    if not HAS_TORCHVISION:
        _stand_in_for_torchvision()
    if importlib.util.find_spec("requests") is None:
        _stand_in_for_requests()
    if not (Path(facenet) / "facenet_pytorch").is_dir():
        sys.exit(f"{facenet} holds no unpacked wheel of facenet-pytorch.")
    sys.path.insert(0, str(facenet))
    import facenet_pytorch

    return facenet_pytorch
