"""Muon with AdamW, the learning-rate schedule and the average of the weights."""

from __future__ import annotations

import copy
import math

import torch
from torch import Tensor, nn


def orthogonalise(matrix: Tensor, steps: int = 5) -> Tensor:
    """The nearest semi-orthogonal matrix, roughly, by Newton-Schulz iteration (Jordan et al. 2024).

    The iteration runs on the Gram matrix of the smaller side, with which every step commutes: only the first and the
    last product are as large as the matrix.
    """
    a, b, c = 3.4445, -4.7750, 2.0315
    wide = matrix if matrix.shape[0] <= matrix.shape[1] else matrix.T
    x = wide / (wide.norm() + 1e-7)
    gram = x @ x.T
    identity = torch.eye(len(gram), device=gram.device)
    product = identity
    for step in range(steps):
        factor = a * identity + b * gram + c * gram @ gram
        product = factor @ product
        if step < steps - 1:
            gram = factor @ gram @ factor
    orthogonal = product @ x
    return orthogonal if matrix.shape[0] <= matrix.shape[1] else orthogonal.T


class Muon(torch.optim.Optimizer):
    """Momentum whose update is orthogonalised, for matrices and convolutions (flattened to matrices)."""

    def __init__(self, parameters, lr: float = 0.02, momentum: float = 0.95, weight_decay: float = 0.01) -> None:
        super().__init__(parameters, {"lr": lr, "momentum": momentum, "weight_decay": weight_decay})

    @torch.no_grad()
    def step(self, closure=None) -> None:
        for group in self.param_groups:
            for weight in group["params"]:
                state = self.state[weight]
                if "momentum" not in state:
                    state["momentum"] = torch.zeros_like(weight)
                momentum = state["momentum"].lerp_(weight.grad, 1 - group["momentum"])
                update = weight.grad.lerp(momentum, group["momentum"]).flatten(1)
                scale = math.sqrt(max(1.0, update.shape[0] / update.shape[1]))
                weight.mul_(1 - group["lr"] * group["weight_decay"])
                weight.sub_(orthogonalise(update).view_as(weight), alpha=group["lr"] * scale)


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
        for group in optimizer.param_groups:
            group["lr"] = group["peak"] * max(factor, 1e-3)


class Average:
    """Exponential moving average of a network's weights and statistics."""

    def __init__(self, network: nn.Module, decay: float = 0.997) -> None:
        self.network = copy.deepcopy(network).eval().requires_grad_(False)
        self.decay = decay
        self.updates = 0

    @torch.no_grad()
    def update(self, network: nn.Module) -> None:
        """Move the average towards the network; early on it moves faster."""
        self.updates += 1
        decay = min(self.decay, (1 + self.updates) / (10 + self.updates))
        for mean, value in zip(self.network.state_dict().values(), network.state_dict().values(), strict=True):
            if mean.dtype.is_floating_point:
                mean.lerp_(value, 1 - decay)
            else:
                mean.copy_(value)
