"""Muon with AdamW, the learning-rate schedule and the average of the weights."""

from __future__ import annotations

import copy
import math

import torch
from torch import nn

from ..muon import Muon
from ..replay import set_rates


def optimizers(network: nn.Module) -> list[torch.optim.Optimizer]:
    """Muon for the convolutions but the first, AdamW for everything else."""
    matrices, decayed, plain = [], [], []
    for name, weight in network.named_parameters():
        if weight.ndim == 4 and weight.shape[1] > 1:
            matrices.append(weight)
        else:
            (decayed if weight.ndim > 1 else plain).append(weight)
    adam = [{"params": decayed, "weight_decay": 0.01}, {"params": plain, "weight_decay": 0.0}]
    both: list[torch.optim.Optimizer] = [Muon(matrices), torch.optim.AdamW(adam, lr=2e-3)]
    for optimizer in both:
        for group in optimizer.param_groups:
            group["peak"] = group["lr"]
    return both


def set_rate(optimizers: list[torch.optim.Optimizer], progress: float, warmup: float = 0.03) -> None:
    """Set the learning rates for `progress` (0...1): a linear warm-up, then half a cosine down to zero."""
    if progress < warmup:
        factor = progress / warmup
    else:
        factor = 0.5 + 0.5 * math.cos(math.pi * min(1, (progress - warmup) / (1 - warmup)))
    for optimizer in optimizers:
        set_rates(optimizer, lambda group: group["peak"] * max(factor, 1e-3))


class Average:
    """Exponential moving average of the weights and statistics of a network, which stays where it lies."""

    def __init__(self, network: nn.Module, decay: float = 0.997) -> None:
        self.network = copy.deepcopy(network).eval().requires_grad_(False)
        self.decay = decay
        self.updates = 0
        pairs = zip(self.network.state_dict().values(), network.state_dict().values(), strict=True)
        # Counts of batches are not averaged: nothing reads them.
        numbers = [pair for pair in pairs if pair[0].is_floating_point()]
        self.means, self.values = [mean for mean, _ in numbers], [value for _, value in numbers]

    @torch.no_grad()
    def update(self) -> None:
        """Move the average towards the network; early on it moves faster."""
        self.updates += 1
        decay = min(self.decay, (1 + self.updates) / (10 + self.updates))
        torch._foreach_lerp_(self.means, self.values, 1 - decay)
