"""Calibrated probabilities: a temperature and an offset for each class, fitted on faces not trained on."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional


class Calibration(nn.Module):
    """Logits to probabilities: softmax(logits / temperature + offset)."""

    def __init__(self, classes: int) -> None:
        super().__init__()
        self.sharpness = nn.Parameter(torch.ones(()))
        self.offset = nn.Parameter(torch.zeros(classes))

    def forward(self, logits: Tensor) -> Tensor:
        return functional.softmax(logits * self.sharpness + self.offset, dim=1)


def fit(logits: Tensor, targets: Tensor, penalty: float = 0.02) -> Calibration:
    """Fit by the cross-entropy to target shares [N, K]; offsets are held near zero by `penalty`."""
    calibration = Calibration(logits.shape[1])
    optimizer = torch.optim.LBFGS(calibration.parameters(), max_iter=100, line_search_fn="strong_wolfe")

    def loss() -> Tensor:
        optimizer.zero_grad()
        scores = functional.log_softmax(logits * calibration.sharpness + calibration.offset, dim=1)
        value = -(targets * scores).sum(1).mean() + penalty * calibration.offset.square().sum()
        value.backward()
        return value

    optimizer.step(loss)
    return calibration.requires_grad_(False)
