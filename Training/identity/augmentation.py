"""What cameras and detectors do to a face crop, on whole batches of images [N, 3, 112, 112] in 0...1."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor

JPEG_LUMA = torch.tensor([
    [16, 11, 10, 16, 24, 40, 51, 61], [12, 12, 14, 19, 26, 58, 60, 55],
    [14, 13, 16, 24, 40, 57, 69, 56], [14, 17, 22, 29, 51, 87, 80, 62],
    [18, 22, 37, 56, 68, 109, 103, 77], [24, 35, 55, 64, 81, 104, 113, 92],
    [49, 64, 78, 87, 103, 121, 120, 101], [72, 92, 95, 98, 112, 100, 103, 99],
], dtype=torch.float32)  # fmt: skip
JPEG_CHROMA = torch.tensor([
    [17, 18, 24, 47, 99, 99, 99, 99], [18, 21, 26, 66, 99, 99, 99, 99],
    [24, 26, 56, 99, 99, 99, 99, 99], [47, 66, 99, 99, 99, 99, 99, 99],
    *([[99] * 8] * 4),
], dtype=torch.float32)  # fmt: skip
RGB_TO_YCC = torch.tensor([[0.299, 0.587, 0.114], [-0.168736, -0.331264, 0.5], [0.5, -0.418688, -0.081312]])
DCT = torch.tensor(
    [[math.cos((2 * x + 1) * u * math.pi / 16) * (0.5 if u else math.sqrt(0.125)) for x in range(8)] for u in range(8)]
)


def misalign(images: Tensor, scale: float = 0.035, degrees: float = 3.5, pixels: float = 1.8) -> Tensor:
    """Random similarity transforms (the arguments are standard deviations); the border is repeated."""
    count, _, height, _ = images.shape
    zoom = torch.exp(torch.randn(count) * scale)
    angle = torch.randn(count) * math.radians(degrees)
    cosine, sine = torch.cos(angle) * zoom, torch.sin(angle) * zoom
    shift = torch.randn(count, 2) * (2 * pixels / height)
    matrix = torch.stack([cosine, -sine, shift[:, 0], sine, cosine, shift[:, 1]], 1).reshape(count, 2, 3)
    grid = F.affine_grid(matrix.to(images.device), list(images.shape), align_corners=False)
    return F.grid_sample(images, grid, "bilinear", "border", align_corners=False)


def recolour(images: Tensor) -> Tensor:
    """Gamma, contrast, brightness and a colour cast for every image; a tenth of them becomes grey."""
    count = len(images)

    def normal(deviation: float, channels: int = 1) -> Tensor:
        return (torch.randn(count, channels, 1, 1) * deviation).to(images.device)

    x = images.clamp(1e-3, 1) ** torch.exp(normal(0.2))
    gain = torch.exp(normal(0.15) + normal(0.06, 3))
    mean = x.mean((1, 2, 3), keepdim=True)
    x = ((x - mean) * torch.exp(normal(0.15)) + mean) * gain + normal(0.04)
    grey = (torch.rand(count, 1, 1, 1) < 0.1).to(images.device)
    luma = (x * RGB_TO_YCC[0].to(x).view(1, 3, 1, 1)).sum(1, keepdim=True)
    return torch.where(grey, luma, x)


def darken(images: Tensor) -> Tensor:
    """Low light: a fifth to a half of the brightness, with the sensor's noise."""
    gain = torch.empty(len(images), 1, 1, 1).uniform_(0.2, 0.55).to(images.device)
    return images * gain + torch.randn_like(images) * 0.02


def shrink(images: Tensor, size: int) -> Tensor:
    """A face of `size` pixels, enlarged again."""
    small = F.interpolate(images, (size, size), mode="bilinear", antialias=True, align_corners=False)
    return F.interpolate(small, images.shape[-2:], mode="bilinear", align_corners=False)


def blur(images: Tensor, sigma: float) -> Tensor:
    """Gaussian blur; twice as wide along one axis half of the time, as from a moving hand."""
    radius = max(1, round(2.5 * sigma))
    offsets = torch.arange(-radius, radius + 1, dtype=images.dtype, device=images.device)
    channels = images.shape[1]
    for axis in (2, 3):
        width = sigma * (0.3 if torch.rand(()) < 0.3 else 1.0)
        kernel = torch.exp(-0.5 * (offsets / width) ** 2)
        shape = (channels, 1, -1, 1) if axis == 2 else (channels, 1, 1, -1)
        kernel = (kernel / kernel.sum()).repeat(channels).view(shape)
        pad = (0, 0, radius, radius) if axis == 2 else (radius, radius, 0, 0)
        images = F.conv2d(F.pad(images, pad, mode="replicate"), kernel, groups=channels)
    return images


def compress(images: Tensor, quality: int) -> Tensor:
    """JPEG's loss at `quality` (5...95), without chroma subsampling: quantised 8 x 8 cosine coefficients."""
    scale = (5000 / quality if quality < 50 else 200 - 2 * quality) / 100
    tables = torch.stack([JPEG_LUMA, JPEG_CHROMA, JPEG_CHROMA]).mul(scale).round().clamp(1, 255).to(images.device)
    matrix, transform = RGB_TO_YCC.to(images), DCT.to(images)
    count, _, height, width = images.shape
    x = torch.einsum("kc,nchw->nkhw", matrix, images.clamp(0, 1) * 255 - 128)
    x = x.reshape(count, 3, height // 8, 8, width // 8, 8).transpose(3, 4)
    x = transform @ x @ transform.T
    tables = tables.view(1, 3, 1, 1, 8, 8)
    x = transform.T @ (torch.round(x / tables) * tables) @ transform
    x = x.transpose(3, 4).reshape(count, 3, height, width)
    return (torch.einsum("kc,nchw->nkhw", torch.linalg.inv(matrix), x) + 128) / 255


def occlude(images: Tensor) -> Tensor:
    """A rectangle of one colour over each image: a hand, a mask, a phone; up to a third of the crop."""
    images = images.clone()
    size = images.shape[-1]
    for image in images:
        width, height = (torch.rand(2) * 0.45 + 0.15).mul(size).int().tolist()
        left, top = int(torch.randint(0, size - width + 1, ())), int(torch.randint(0, size - height + 1, ()))
        image[:, top : top + height, left : left + width] = torch.rand(3, 1, 1).to(image)
    return images


def augment(images: Tensor, strength: float = 1.0) -> Tensor:
    """One random view of every image. The costly distortions act on random parts of the batch, one setting a part;
    `strength` scales their shares."""
    images = recolour(misalign(images))

    def part(share: float) -> Tensor:
        return (torch.rand(len(images)) < share * strength).nonzero().flatten().to(images.device)

    if len(chosen := part(0.06)):
        images[chosen] = occlude(images[chosen])
    if len(chosen := part(0.08)):
        images[chosen] = blur(images[chosen], float(torch.empty(()).uniform_(0.6, 2.2)))
    for smallest, largest, share in ((18, 34, 0.08), (28, 90, 0.16)):
        if len(chosen := part(share)):
            images[chosen] = shrink(images[chosen], int(torch.randint(smallest, largest, ())))
    if len(chosen := part(0.05)):
        images[chosen] = darken(images[chosen])
    if len(chosen := part(0.12)):
        images[chosen] = compress(images[chosen].clamp(0, 1), int(torch.randint(15, 80, ())))
    return images.clamp(0, 1)
