"""Measures that decide whether a face is good enough to be enrolled; the service computes the same ones."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def sharpness(crop: NDArray[np.uint8]) -> float:
    """Population variance of the Laplacian (0 1 0; 1 -4 1; 0 1 0) of the BT.601 luma 0.299 R + 0.587 G + 0.114 B (0...255,
    not rounded) over the inner 110 x 110 pixels of an aligned 112 x 112 RGB crop."""
    luma = crop.astype(np.float64) @ np.array([0.299, 0.587, 0.114])
    laplacian = luma[:-2, 1:-1] + luma[2:, 1:-1] + luma[1:-1, :-2] + luma[1:-1, 2:] - 4 * luma[1:-1, 1:-1]
    return float(laplacian.var())


def yaw(landmarks: NDArray[np.float64]) -> float:
    """How far a head is turned, from five landmarks [5, 2] (left eye, right eye, nose, mouth corners): the distance of
    the nose from the midpoint of the eyes along the line through them, as a share of the distance of the eyes; 1 where those fall together."""
    left, right, nose = landmarks[:3]
    axis = right - left
    length = float(np.linalg.norm(axis))
    return abs(float((nose - (left + right) / 2) @ axis)) / length**2 if length > 0 else 1.0
