"""The network that the identity network learns from: face-reidentification-retail-0095 (Open Model Zoo, Apache-2.0).

Its outputs are the targets; its weights are read by OpenVINO and never copied.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import openvino as ov
import torch
import torch.nn.functional as F
from numpy.typing import NDArray

from .geometry import TO_TEACHER
from .vectors import normalise

WIDTH = 256
SIZE = 128


def both_halves(straight: NDArray[np.float32], mirrored: NDArray[np.float32]) -> NDArray[np.float16]:
    """The targets [N, 512] of unit length: unit embeddings of pictures and of their mirror images side by side."""
    return (np.concatenate([straight, mirrored], 1) / np.sqrt(2)).astype(np.float16)


def _sampling_grid(mirrored: bool) -> torch.Tensor:
    """Where each of the teacher's pixels lies in the crop, for `grid_sample` with aligned corners."""
    inverse = np.linalg.inv(np.vstack([TO_TEACHER, [0, 0, 1]]))
    y, x = np.mgrid[0:SIZE, 0:SIZE]
    source = np.stack([x, y, np.ones_like(x)], -1) @ inverse[:2].T
    if mirrored:
        source[..., 0] = 111 - source[..., 0]
    return torch.tensor(source / 111 * 2 - 1, dtype=torch.float32)[None]


class Teacher:
    """Crops [N, 112, 112, 3] uint8 RGB to unit embeddings [N, 256]."""

    def __init__(self, folder: Path, batch: int = 32, threads: int = 0, precision: str = "f32") -> None:
        core = ov.Core()
        model = core.read_model(folder / "face-reidentification-retail-0095.xml")
        model.reshape([batch, 3, SIZE, SIZE])
        options = {"INFERENCE_PRECISION_HINT": precision, "INFERENCE_NUM_THREADS": threads}
        self._request = core.compile_model(model, "CPU", options).create_infer_request()
        self._batch = batch
        self._grids = {mirrored: _sampling_grid(mirrored) for mirrored in (False, True)}

    def embed(self, crops: NDArray[np.uint8], mirrored: bool = False) -> NDArray[np.float32]:
        """Unit embeddings of the crops, or of their mirror images."""
        parts = [
            self._embed_batch(np.ascontiguousarray(crops[start : start + self._batch]), mirrored)
            for start in range(0, len(crops), self._batch)
        ]
        return normalise(np.concatenate(parts))

    def _embed_batch(self, crops: NDArray[np.uint8], mirrored: bool) -> NDArray[np.float32]:
        count = len(crops)
        images = torch.from_numpy(crops).permute(0, 3, 1, 2).float()
        grid = self._grids[mirrored].expand(count, -1, -1, -1)
        bgr = F.grid_sample(images, grid, "bilinear", "zeros", align_corners=True).flip(1)
        padded = F.pad(bgr, (0, 0, 0, 0, 0, 0, 0, self._batch - count))
        self._request.infer({0: padded.contiguous().numpy()})
        return self._request.get_output_tensor(0).data.reshape(self._batch, WIDTH)[:count].copy()
