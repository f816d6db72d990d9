"""Muon: momentum whose update is orthogonalised (Jordan et al., 2024)."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

NEWTON_SCHULZ = (3.4445, -4.7750, 2.0315)


def computes_bfloat16(device: torch.device) -> bool:
    """Whether products of bfloat16 are faster than those of float32: on CUDA, and on CPUs with the instructions."""
    return device.type == "cuda" or bool(torch.cpu.get_capabilities().get("avx512_bf16"))


def orthogonalise(matrix: Tensor, steps: int = 5) -> Tensor:
    """The nearest semi-orthogonal matrix, roughly, by the quintic Newton-Schulz iteration.

    In bfloat16 where that is fast: the iteration is known to bear it. (On the Gram matrix alone, which needs fewer
    operations, it does not: small singular values are lost when they are squared.)
    """
    a, b, c = NEWTON_SCHULZ
    x = matrix if matrix.shape[0] <= matrix.shape[1] else matrix.T
    x = x / (x.norm() + 1e-7)
    if computes_bfloat16(matrix.device):
        x = x.bfloat16()
    for _ in range(steps):
        gram = x @ x.T
        x = torch.addmm(x, torch.addmm(gram, gram, gram, beta=b, alpha=c), x, beta=a)
    x = x if matrix.shape[0] <= matrix.shape[1] else x.T
    return x.to(matrix.dtype)


def orthogonalise_all(matrices: Tensor, steps: int = 5) -> Tensor:
    """`orthogonalise` of a stack of matrices [N, rows, columns]."""
    a, b, c = NEWTON_SCHULZ
    flipped = matrices.shape[1] > matrices.shape[2]
    x = matrices.mT if flipped else matrices
    x = x / (x.norm(dim=(1, 2), keepdim=True) + 1e-7)
    if computes_bfloat16(matrices.device):
        x = x.bfloat16()
    for _ in range(steps):
        gram = x @ x.mT
        x = torch.baddbmm(x, torch.baddbmm(gram, gram, gram, beta=b, alpha=c), x, beta=a)
    return (x.mT if flipped else x).to(matrices.dtype)


class Muon(Optimizer):
    """Momentum with Nesterov's look-ahead, orthogonalised, for matrices and for convolutions (flattened to matrices);
    weight decay is decoupled."""

    def __init__(
        self, parameters: list[nn.Parameter], lr: float = 0.02, momentum: float = 0.95, weight_decay: float = 0.01
    ) -> None:
        super().__init__(parameters, {"lr": lr, "momentum": momentum, "weight_decay": weight_decay})

    @torch.no_grad()
    def step(self, closure: None = None) -> None:  # type: ignore[override]
        for group in self.param_groups:
            for parameter in group["params"]:
                if parameter.grad is None:
                    continue
                gradient = parameter.grad.flatten(1)
                state = self.state[parameter]
                if "momentum" not in state:
                    state["momentum"] = torch.zeros_like(gradient)
                state["momentum"].lerp_(gradient, 1 - group["momentum"])
                update = orthogonalise(gradient.lerp(state["momentum"], group["momentum"]))
                scale = max(1.0, update.shape[0] / update.shape[1]) ** 0.5
                parameter.mul_(1 - group["lr"] * group["weight_decay"])
                parameter.add_(update.reshape(parameter.shape), alpha=-group["lr"] * scale)


class StackedMuon(Optimizer):
    """Muon with all matrices of one shape in one product: on a GPU, where small products cost their launches. The rate may be a
    tensor there, so that a replayed step reads it."""

    def __init__(
        self, parameters: list[nn.Parameter], lr: Tensor | float = 0.02, momentum: float = 0.95, weight_decay: float = 0.01
    ) -> None:
        super().__init__(parameters, {"lr": lr, "momentum": momentum, "weight_decay": weight_decay})

    @torch.no_grad()
    def step(self, closure: None = None) -> None:  # type: ignore[override]
        for group in self.param_groups:
            shapes: dict[torch.Size, list[nn.Parameter]] = {}
            for parameter in group["params"]:
                if parameter.grad is not None:
                    shapes.setdefault(parameter.flatten(1).shape, []).append(parameter)
            for (rows, columns), parameters in shapes.items():
                gradients = torch.stack([parameter.grad.flatten(1) for parameter in parameters])
                state = self.state[parameters[0]]
                if "momentum" not in state:
                    state["momentum"] = torch.zeros_like(gradients)
                state["momentum"].lerp_(gradients, 1 - group["momentum"])
                scale = group["lr"] * max(1.0, rows / columns) ** 0.5
                stacked = orthogonalise_all(gradients.lerp(state["momentum"], group["momentum"])) * scale
                updates = [u.reshape(p.shape) for u, p in zip(stacked.unbind(), parameters, strict=True)]
                torch._foreach_mul_(parameters, 1 - group["lr"] * group["weight_decay"])
                torch._foreach_sub_(parameters, updates)
