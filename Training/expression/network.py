"""The mood and expression network: plain 3 x 3 convolutions on a 48 x 48 grey face."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from .labels import FER, FERPLUS

SIZE = 48
"""Side of the input image in pixels."""

DIMENSIONS = 16
"""Width of the expression vector."""

WIDTHS = (32, 64, 128, 256)
"""Channels at 48, 24, 12 and 6 pixels."""

DEPTHS = ((1,), (2,), (1,))
"""Convolutions in each residual block at 24, 12 and 6 pixels."""


class Outputs(NamedTuple):
    """What the network says of a batch of N faces."""

    ferplus: Tensor
    """[N, 8] logits of the FER+ emotions."""
    fer: Tensor
    """[N, 7] logits of the FER2013 labels."""
    expression: Tensor
    """[N, 16] expression vectors, not normalised."""


class Convolution(nn.Sequential):
    """Convolution that keeps the size but for its stride, batch normalisation, ReLU."""

    def __init__(self, inputs: int, outputs: int, kernel: int = 3, stride: int = 1) -> None:
        super().__init__(
            nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, bias=False),
            nn.BatchNorm2d(outputs),
            nn.ReLU(inplace=True),
        )


class Residual(nn.Module):
    """x + f(x), f a number of 3 x 3 convolutions of the same width; the last one's normalisation starts at zero."""

    def __init__(self, width: int, depth: int) -> None:
        super().__init__()
        layers = [Convolution(width, width) for _ in range(depth - 1)]
        last = nn.BatchNorm2d(width)
        nn.init.zeros_(last.weight)
        self.body = nn.Sequential(*layers, nn.Conv2d(width, width, 3, 1, 1, bias=False), last)

    def forward(self, x: Tensor) -> Tensor:
        return functional.relu(x + self.body(x))


def standardise(image: Tensor) -> Tensor:
    """Give each image [N, 1, H, W] zero mean and unit deviation; a constant image becomes zero."""
    centred = image - image.mean(dim=(1, 2, 3), keepdim=True)
    deviation = centred.square().mean(dim=(1, 2, 3), keepdim=True).add(1.0).sqrt()
    return centred / deviation


class ExpressionNetwork(nn.Module):
    """Grey faces [N, 1, 48, 48], values 0...255, to logits and expression vectors.

    Three linear heads share one trunk: the vote head (FER+), the label head (FER2013) and the 16-d expression. The
    trunk ends in `features` channels.
    """

    def __init__(
        self,
        dropout: float = 0.2,
        widths: tuple[int, ...] = WIDTHS,
        depths: tuple[tuple[int, ...], ...] = DEPTHS,
        features: int = 512,
    ) -> None:
        super().__init__()
        layers: list[nn.Module] = [Convolution(1, widths[0])]
        for inputs, outputs, blocks in zip(widths[:-1], widths[1:], depths, strict=True):
            layers.append(Convolution(inputs, outputs, stride=2))
            layers += [Residual(outputs, depth) for depth in blocks]
        self.trunk = nn.Sequential(*layers, Convolution(widths[-1], features, kernel=1))
        self.dropout = nn.Dropout(dropout)
        self.ferplus = nn.Linear(features, len(FERPLUS))
        self.fer = nn.Linear(features, len(FER))
        self.expression = nn.Linear(features, DIMENSIONS)

    def prepare(self, image: Tensor) -> Tensor:
        """What the trunk sees of images in 0...255."""
        return standardise(image)

    def forward(self, image: Tensor) -> Outputs:
        """Outputs for grey images [N, 1, 48, 48] in 0...255."""
        features = self.trunk(self.prepare(image)).float().mean(dim=(2, 3))
        features = self.dropout(features)
        return Outputs(self.ferplus(features), self.fer(features), self.expression(features))
