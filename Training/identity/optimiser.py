"""Muon for matrices, AdamW for the rest, and the learning-rate schedule."""

from __future__ import annotations

import time
from dataclasses import dataclass

from torch import nn
from torch.optim import AdamW, Optimizer

from ..muon import Muon


def make_optimisers(network: nn.Module, stem: nn.Parameter, muon_lr: float, adam_lr: float) -> list[Optimizer]:
    """Muon for convolution and linear matrices; AdamW for the stem, normalisation and depthwise weights."""
    matrices, rest = [], []
    for parameter in network.parameters():
        is_matrix = parameter.ndim >= 2 and parameter.shape[1] > 1 and parameter is not stem
        (matrices if is_matrix else rest).append(parameter)
    return [Muon(matrices, muon_lr), AdamW(rest, adam_lr, weight_decay=0.0, betas=(0.9, 0.99))]


def rate_factor(progress: float, warm_up: float = 0.02, flat_until: float = 0.3) -> float:
    """Share of the full learning rate at `progress` (0...1): linear warm-up, flat, then linear to zero."""
    if progress < warm_up:
        return (progress + 1e-4) / warm_up
    if progress < flat_until:
        return 1.0
    return max(0.0, (1 - progress) / (1 - flat_until))


@dataclass
class Horizon:
    """How far the training is, 0...1, when its end is a deadline or a number of views.

    Progress goes on from where a checkpoint left it, so a resumed run may be given another end: what remains of the
    schedule is spread over what remains of the time.
    """

    progress: float = 0.0
    deadline: float | None = None
    views: int | None = None

    def advance(self, views_done: int, batch: int, now: float | None = None, last: float | None = None) -> None:
        """Counts one step of `batch` views, of which `views_done` were done before; `now` and `last` are the times
        at which this and the previous step ended."""
        if self.deadline is not None:
            now = time.time() if now is None else now
            elapsed = 0.0 if last is None else now - last
            remaining = self.deadline - now + elapsed
        else:
            elapsed, remaining = float(batch), float((self.views or 0) - views_done)
        share = 1.0 if remaining <= elapsed else elapsed / remaining
        self.progress += (1 - self.progress) * share
