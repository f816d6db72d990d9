"""The paper's networks as PyPI has them: facenet-pytorch's MTCNN and InceptionResnetV1, and torchvision's DenseNet-121.

Needs a Python with torch, torchvision and Pillow, and the wheel of facenet-pytorch unpacked (its own requirements pin
versions that are too old to install).
"""

import importlib.util
import sys
import types
import warnings
from pathlib import Path

warnings.filterwarnings("ignore")


def _stand_in_for_requests():
    """facenet-pytorch downloads weights with it; here are none to download."""
    adapters = types.ModuleType("requests.adapters")
    adapters.HTTPAdapter = object
    sys.modules["requests"] = types.ModuleType("requests")
    sys.modules["requests.adapters"] = adapters
    download = types.ModuleType("facenet_pytorch.models.utils.download")
    download.download_url_to_file = None
    sys.modules[download.__name__] = download


def load(facenet):
    """Imports facenet_pytorch from the folder into which its wheel was unpacked."""
    if importlib.util.find_spec("requests") is None:
        _stand_in_for_requests()
    if not (Path(facenet) / "facenet_pytorch").is_dir():
        sys.exit(f"{facenet} holds no unpacked wheel of facenet-pytorch.")
    sys.path.insert(0, str(facenet))
    import facenet_pytorch

    return facenet_pytorch
