"""Calibrated probabilities: a temperature and an offset for each class, fitted on faces not trained on."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from .data import Faces
from .labels import FERPLUS
from .network import Outputs


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


def fit_heads(outputs: Outputs, faces: Faces) -> tuple[Calibration, Calibration]:
    """Calibrations of the vote head and of the label head, by the outputs for faces the network was not trained on.

    The vote head is fitted to the majority, where there is one, as that is how its probability is read; the label head
    to the labels.
    """
    rows = torch.from_numpy(np.flatnonzero(faces.majority))
    majority = functional.one_hot(torch.from_numpy(faces.votes).argmax(1), len(FERPLUS)).float()
    return fit(outputs.ferplus[rows], majority[rows]), fit(outputs.fer, torch.from_numpy(faces.labels))
