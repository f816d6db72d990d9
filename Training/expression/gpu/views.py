"""Random views and blends of grey faces for a GPU: those of Training/expression/augmentation.py without waiting for the
device: a share of the images is a number of them and not a chance for each, so shapes never depend on the device."""

from __future__ import annotations

import torch
from torch import Tensor

from ..augmentation import erase, jpeg, noise, resample, tone, warp

SIZES = 8
"""Groups of images that are shrunk to sizes of their own."""


def some(count: int, share: float, device: torch.device) -> Tensor:
    """That share of the rows 0..<count, drawn without repeating any."""
    return torch.rand(count, device=device).argsort()[: round(share * count)]


def change(images: Tensor, share: float, method) -> None:
    """Apply `method` to a random share of the images."""
    chosen = some(len(images), share, images.device)
    if len(chosen):
        images[chosen] = method(images[chosen])


@torch.no_grad()
def views(images: Tensor, strength: float = 1.0) -> Tensor:
    """Random views of grey images [N, 1, 48, 48] in 0...255; at strength 1 about as strong as `augment`'s."""
    images = warp(images, 9 * strength, 0.08 * strength, 0.035 * strength)
    for _ in range(SIZES):
        change(images, 0.14 * strength / SIZES, resample)
    images = tone(images)
    change(images, 0.12 * strength, jpeg)
    change(images, 0.06 * strength, noise)
    change(images, 0.2 * strength, erase)
    return images.clamp_(0, 255)


@torch.no_grad()
def blend(first: Tensor, second: Tensor, share: float) -> Tensor:
    """Of a random share of `first` [N, 1, 48, 48] the mixture with `second`; of the others themselves."""
    weight = torch.rand(len(first), 1, 1, 1, device=first.device) * 0.6 + 0.2
    mixed = torch.rand(len(first), 1, 1, 1, device=first.device) < share
    return torch.lerp(first, second, torch.where(mixed, weight, 0.0))
