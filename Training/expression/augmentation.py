"""What cameras, codecs and imperfect alignment do to a face, on batches of tensors (CPU or CUDA)."""

from __future__ import annotations

import functools
import math

import torch
from torch import Tensor
from torch.nn import functional

LUMINANCE = torch.tensor(
    [
        [16, 11, 10, 16, 24, 40, 51, 61],
        [12, 12, 14, 19, 26, 58, 60, 55],
        [14, 13, 16, 24, 40, 57, 69, 56],
        [14, 17, 22, 29, 51, 87, 80, 62],
        [18, 22, 37, 56, 68, 109, 103, 77],
        [24, 35, 55, 64, 81, 104, 113, 92],
        [49, 64, 78, 87, 103, 121, 120, 101],
        [72, 92, 95, 98, 112, 100, 103, 99],
    ],
    dtype=torch.float32,
)
"""JPEG's example luminance quantisation table (ITU-T T.81, Annex K.1)."""


@functools.cache
def luminance(device: torch.device) -> Tensor:
    """The table on a device, copied there once: to copy is to wait for the device."""
    return LUMINANCE.to(device)


def augment(images: Tensor) -> Tensor:
    """Random views of grey images [N, 1, S, S] in 0...255, S a multiple of 8."""
    views = warp(images)
    views = some(views, 0.12, resample)
    views = tone(views)
    views = some(views, 0.10, jpeg)
    views = some(views, 0.04, noise)
    return some(views, 0.15, erase).clamp(0, 255)


def some(images: Tensor, share: float, change) -> Tensor:
    """Apply `change` to a random share of the batch."""
    chosen = (torch.rand(len(images), device=images.device) < share).nonzero().squeeze(1)
    if len(chosen) == 0:
        return images
    return images.index_copy(0, chosen, change(images[chosen]))


def warp(images: Tensor, rotation: float = 9.0, scale: float = 0.08, shift: float = 0.035) -> Tensor:
    """Mirror half; turn, scale and shift all by normal noise (sigmas: degrees, share, share of the side)."""
    n, device = len(images), images.device
    angle = torch.randn(n, device=device) * math.radians(rotation)
    size = torch.exp(torch.randn(n, device=device) * scale)
    mirror = torch.randint(0, 2, (n,), device=device) * 2.0 - 1
    cos, sin = torch.cos(angle) * size, torch.sin(angle) * size
    dx, dy = torch.randn(2, n, device=device) * 2 * shift
    affine = torch.stack([torch.stack([cos * mirror, -sin, dx], 1), torch.stack([sin * mirror, cos, dy], 1)], 1)
    grid = functional.affine_grid(affine, list(images.shape), align_corners=False)
    return functional.grid_sample(images, grid, padding_mode="border", align_corners=False)


def resample(images: Tensor) -> Tensor:
    """Lose detail: shrink to a random 18...42 pixels, one size for the batch, and enlarge again."""
    side = int(torch.randint(18, 43, ()))
    small = functional.interpolate(images, size=(side, side), mode="bilinear", antialias=True, align_corners=False)
    return functional.interpolate(small, size=images.shape[-2:], mode="bilinear", align_corners=False)


def tone(images: Tensor) -> Tensor:
    """Random gamma, contrast, brightness and a linear slope of light across the face."""
    n, side, device = len(images), images.shape[-1], images.device

    def normal(sigma: float) -> Tensor:
        return torch.randn(n, 1, 1, 1, device=device) * sigma

    unit = (images / 255).clamp(1e-3, 1) ** torch.exp(normal(0.15))
    axis = torch.linspace(-1, 1, side, device=device)
    slope = normal(0.05) * axis.view(1, 1, 1, side) + normal(0.05) * axis.view(1, 1, side, 1)
    mean = unit.mean(dim=(1, 2, 3), keepdim=True)
    return 255 * ((unit - mean) * torch.exp(normal(0.15)) + mean + normal(0.05) + slope).clamp(0, 1)


def jpeg(images: Tensor) -> Tensor:
    """Quantise as JPEG does, at a random quality of 20...80 an image."""
    n, _, side, _ = images.shape
    blocks, device = side // 8, images.device
    k = torch.arange(8, device=device, dtype=torch.float32)
    dct = torch.cos((2 * k + 1) * k.unsqueeze(1) * math.pi / 16) * 0.5
    dct[0] /= math.sqrt(2)
    quality = torch.rand(n, 1, 1, 1, 1, device=device) * 60 + 20
    percent = torch.where(quality < 50, 5000 / quality, 200 - 2 * quality)
    table = (luminance(device) * percent / 100).clamp(1, 255)
    tiles = (images - 128).view(n, blocks, 8, blocks, 8).transpose(2, 3)
    coefficients = (dct @ tiles @ dct.T / table).round() * table
    return (dct.T @ coefficients @ dct).transpose(2, 3).reshape(images.shape) + 128


def noise(images: Tensor) -> Tensor:
    """Sensor noise, deviation up to 12 grey levels."""
    deviation = torch.rand(len(images), 1, 1, 1, device=images.device) * 12
    return images + torch.randn_like(images) * deviation


def erase(images: Tensor) -> Tensor:
    """Cover a rectangle of 4...16 pixels a side with one random grey, a different one an image."""
    n, side, device = len(images), images.shape[-1], images.device
    size = torch.randint(4, 17, (2, n, 1), device=device)
    start = (torch.rand(2, n, 1, device=device) * (side - size)).long()
    position = torch.arange(side, device=device)
    inside = (position >= start) & (position < start + size)
    area = inside[0].unsqueeze(2) & inside[1].unsqueeze(1)
    grey = torch.rand(n, 1, 1, 1, device=device) * 255
    return torch.where(area.unsqueeze(1), grey, images)
