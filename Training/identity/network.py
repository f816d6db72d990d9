"""The identity network: a plain stack of 3x3 convolutions with a global depthwise head.

0.573 GMAC and 3.69 M parameters at 112 x 112. Plain convolutions train several times faster on a CPU than depthwise
ones of the same arithmetic and run as fast in OpenVINO.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from .winograd import WinogradConv2d

INPUT_SIZE = 112
EMBEDDING_WIDTH = 512
# The length of a trained network's filters; normalisations follow, so only what a step of Muon changes depends on it.
FILTER_NORM = 3.5


class Residual(nn.Module):
    """Two 3x3 convolutions around an identity path; the last normalisation starts at zero, so the block does too."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.convolution1 = WinogradConv2d(channels, channels)
        self.normalisation1 = nn.BatchNorm2d(channels)
        self.convolution2 = WinogradConv2d(channels, channels)
        self.normalisation2 = nn.BatchNorm2d(channels)
        nn.init.zeros_(self.normalisation2.weight)

    def forward(self, x: Tensor) -> Tensor:
        y = torch.relu_(self.normalisation1(self.convolution1(x)))
        return torch.relu_(x + self.normalisation2(self.convolution2(y)))


class IdentityNetwork(nn.Module):
    """Image [N, 3, 112, 112], RGB scaled to -1...1, to an un-normalised embedding [N, 512].

    `widths` are the channels after each stride-2 convolution (at 56, 28, 14 and 7 pixels) and `pairs` the residual
    blocks that follow it.
    """

    def __init__(
        self,
        widths: tuple[int, ...] = (32, 64, 128, 256),
        pairs: tuple[int, ...] = (0, 3, 5, 1),
        head: int = 512,
    ) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        channels = 3
        for width, count in zip(widths, pairs, strict=True):
            layers += [nn.Conv2d(channels, width, 3, stride=2, padding=1, bias=False), nn.BatchNorm2d(width)]
            layers += [nn.ReLU(inplace=True)]
            layers += [Residual(width) for _ in range(count)]
            channels = width
        layers += [nn.Conv2d(channels, head, 1, bias=False), nn.BatchNorm2d(head), nn.ReLU(inplace=True)]
        self.features = nn.Sequential(*layers)
        self.pool = nn.Conv2d(head, head, INPUT_SIZE // 16, groups=head, bias=False)
        self.pool_normalisation = nn.BatchNorm2d(head)
        self.embed = nn.Linear(head, EMBEDDING_WIDTH, bias=False)
        self.embed_normalisation = nn.BatchNorm1d(EMBEDDING_WIDTH)

    def forward(self, image: Tensor) -> Tensor:
        x = self.pool_normalisation(self.pool(self.features(image)))
        return self.embed_normalisation(self.embed(x.flatten(1)))

    @property
    def stem(self) -> nn.Conv2d:
        """The first convolution, which sees pixels."""
        stem = self.features[0]
        assert isinstance(stem, nn.Conv2d)
        return stem

    @torch.no_grad()
    def whiten_stem(self, images: Tensor) -> None:
        """Starts the stem at the principal components of 3x3 colour patches: with the batch normalisation that
        follows it whitens the pixels, so that fine detail counts from the first step."""
        patches = nn.functional.unfold(images, 3, stride=3).transpose(1, 2).reshape(-1, 27)
        _, components = torch.linalg.eigh(torch.cov(patches.T))
        filters = components.T.flip(0).reshape(-1, 3, 3, 3)
        count = min(len(filters), self.stem.out_channels)
        self.stem.weight[:count] = filters[:count]
