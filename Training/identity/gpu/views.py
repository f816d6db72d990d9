"""Random views and blends of face crops for a GPU: the distortions of Training/identity/augmentation.py with one setting
an image instead of one a batch, without loops over images and without waiting for the device."""

from __future__ import annotations

import functools
import math

import torch
import torch.nn.functional as F
from torch import Tensor

from Training.identity.augmentation import DCT, JPEG_CHROMA, JPEG_LUMA, RGB_TO_YCC, shrink

HALF_BLUR = 6


@functools.cache
def constants(device: torch.device) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """RGB to luma and chroma, its inverse, the cosine transform and JPEG's tables [1, 3, 8, 8], copied to the device once: every
    copy would wait for it."""
    tables = torch.stack([JPEG_LUMA, JPEG_CHROMA, JPEG_CHROMA])[None]
    there = [value.to(device) for value in (RGB_TO_YCC, torch.linalg.inv(RGB_TO_YCC), DCT, tables)]
    return there[0], there[1], there[2], there[3]


def uniform(count: int, low: float, high: float, device: torch.device) -> Tensor:
    """Random numbers [N, 1, 1, 1]."""
    return torch.rand(count, 1, 1, 1, device=device) * (high - low) + low


def boxes(count: int, low: float, high: float, size: int, device: torch.device) -> Tensor:
    """Masks [N, 1, size, size] of random rectangles with sides of `low` to `high` of the picture."""
    sides = (torch.rand(2, count, 1, device=device) * (high - low) + low) * size
    starts = torch.rand(2, count, 1, device=device) * (size - sides)
    at = torch.arange(size, device=device)[None, None]
    inside = (at >= starts) & (at < starts + sides)
    return (inside[0][:, None, None, :] & inside[1][:, None, :, None])


def blend(first: Tensor, second: Tensor) -> Tensor:
    """Mixtures of two pictures, half of them whole, half with a rectangle replaced."""
    count, _, size, _ = first.shape
    share = uniform(count, 0.2, 0.8, first.device)
    covered = boxes(count, 0.25, 0.75, size, first.device)
    whole = torch.rand(count, 1, 1, 1, device=first.device) < 0.5
    return torch.where(whole, torch.lerp(first, second, share), torch.where(covered, second, first))


def misalign(images: Tensor, mirrored: Tensor, scale: float = 0.035, degrees: float = 3.5, pixels: float = 1.8) -> Tensor:
    """Random similarity transforms (standard deviations), of the mirror image where `mirrored` [N]."""
    count, _, height, _ = images.shape
    device = images.device
    zoom = torch.exp(torch.randn(count, device=device) * scale)
    angle = torch.randn(count, device=device) * math.radians(degrees)
    cosine, sine = torch.cos(angle) * zoom, torch.sin(angle) * zoom
    shift = torch.randn(count, 2, device=device) * (2 * pixels / height)
    sign = 1 - 2 * mirrored.float()
    matrix = torch.stack([cosine * sign, -sine * sign, shift[:, 0] * sign, sine, cosine, shift[:, 1]], 1)
    grid = F.affine_grid(matrix.reshape(count, 2, 3), list(images.shape), align_corners=False)
    return F.grid_sample(images, grid, "bilinear", "border", align_corners=False)


def recolour(images: Tensor) -> Tensor:
    """Gamma, contrast, brightness and a colour cast for every image; a tenth of them becomes grey."""
    count, device = len(images), images.device

    def normal(deviation: float, channels: int = 1) -> Tensor:
        return torch.randn(count, channels, 1, 1, device=device) * deviation

    x = images.clamp(1e-3, 1) ** torch.exp(normal(0.2))
    gain = torch.exp(normal(0.15) + normal(0.06, 3))
    mean = x.mean((1, 2, 3), keepdim=True)
    x = ((x - mean) * torch.exp(normal(0.15)) + mean) * gain + normal(0.04)
    grey = torch.rand(count, 1, 1, 1, device=device) < 0.1
    luma = constants(device)[0][0].view(1, 3, 1, 1)
    return torch.where(grey, (x * luma).sum(1, keepdim=True), x)


def blur(images: Tensor) -> Tensor:
    """Gaussian blur, wider along one axis for a third of the images."""
    count, channels, height, width = images.shape
    sigma = uniform(count, 0.6, 2.2, images.device)[:, :, 0]
    offsets = torch.arange(-HALF_BLUR, HALF_BLUR + 1, device=images.device, dtype=images.dtype)
    x = images.reshape(1, count * channels, height, width)
    for axis in (2, 3):
        narrow = torch.where(torch.rand(count, 1, 1, device=images.device) < 0.3, 0.3, 1.0)
        kernel = torch.exp(-0.5 * (offsets / (sigma * narrow)) ** 2)
        kernel = (kernel / kernel.sum(2, keepdim=True)).expand(-1, channels, -1).reshape(count * channels, 1, -1)
        kernel = kernel[:, :, :, None] if axis == 2 else kernel[:, :, None, :]
        pad = (0, 0, HALF_BLUR, HALF_BLUR) if axis == 2 else (HALF_BLUR, HALF_BLUR, 0, 0)
        x = F.conv2d(F.pad(x, pad, mode="replicate"), kernel, groups=count * channels)
    return x.reshape(images.shape)


def compress(images: Tensor) -> Tensor:
    """JPEG's loss at qualities of 15 to 80, without chroma subsampling."""
    count, _, height, width = images.shape
    device = images.device
    quality = torch.floor(uniform(count, 15, 80, device))
    scale = torch.where(quality < 50, 5000 / quality, 200 - 2 * quality) / 100
    matrix, inverse, transform, tables = constants(device)
    tables = (tables * scale).round().clamp(1, 255)[:, :, None, None]
    x = torch.einsum("kc,nchw->nkhw", matrix, images.clamp(0, 1) * 255 - 128)
    x = x.reshape(count, 3, height // 8, 8, width // 8, 8).transpose(3, 4)
    x = torch.round(transform @ x @ transform.T / tables) * tables
    x = (transform.T @ x @ transform).transpose(3, 4).reshape(count, 3, height, width)
    return (torch.einsum("kc,nchw->nkhw", inverse, x) + 128) / 255


def augment(images: Tensor, mirrored: Tensor, strength: float = 0.6) -> Tensor:
    """One random view of every image [N, 3, 112, 112] in 0...1. `strength` scales the shares of the costly distortions; a
    share is a number of images and not a chance for each, so that shapes never depend on the device."""
    images = recolour(misalign(images, mirrored))
    count, device = len(images), images.device

    def part(share: float) -> Tensor:
        return torch.rand(count, device=device).argsort()[: round(share * strength * count)]

    chosen = part(0.06)
    if len(chosen):
        covered = boxes(len(chosen), 0.15, 0.6, images.shape[-1], device)
        images[chosen] = torch.where(covered, torch.rand(len(chosen), 3, 1, 1, device=device), images[chosen])
    if len(chosen := part(0.08)):
        images[chosen] = blur(images[chosen])
    for smallest, largest, share in ((18, 34, 0.08), (28, 90, 0.16)):
        for some in part(share).split(max(1, count // 64)):
            images[some] = shrink(images[some], int(torch.randint(smallest, largest, ())))
    if len(chosen := part(0.05)):
        dark = images[chosen] * uniform(len(chosen), 0.2, 0.55, device)
        images[chosen] = dark + torch.randn_like(dark) * 0.02
    if len(chosen := part(0.12)):
        images[chosen] = compress(images[chosen])
    return images.clamp_(0, 1)
