"""Losses of the three heads."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from .network import Outputs

HELLINGER_SCALE = 1.3
"""Distance between unit vectors that one unit of Hellinger distance should become."""


@dataclass(frozen=True)
class Targets:
    """Targets of a batch of N faces."""

    shares: Tensor
    """[N, 8] FER+ vote shares, zero rows where there are none."""
    labels: Tensor
    """[N, 7] shares of FER labels."""


def smooth_labels(labels: np.ndarray, shares: np.ndarray, trust: float = 0.6) -> np.ndarray:
    """FER labels, of which much is chance, pulled towards what the votes lead one to expect.

    The label is mixed with P(label | votes) = sum over emotions of share * P(label | emotion), fitted here: the same
    mean, less noise. `trust` is the part the label keeps.
    """
    joint = shares.T @ labels
    conditional = joint / np.maximum(joint.sum(1, keepdims=True), 1e-6)
    expected = np.where(shares.sum(1, keepdims=True) > 0, shares @ conditional, labels)
    return (trust * labels + (1 - trust) * expected).astype(np.float32)


def hellinger(p: Tensor, q: Tensor) -> Tensor:
    """Hellinger distance (0...1) between all rows of p [N, K] and of q [M, K]: [N, M]."""
    affinity = p.sqrt() @ q.sqrt().T
    return (1 - affinity).clamp(min=0).sqrt()


def distances(vectors: Tensor) -> Tensor:
    """Euclidean distances between the normalised rows of [N, D]: [N, N], 0...2."""
    unit = functional.normalize(vectors, dim=1)
    return (2 - 2 * unit @ unit.T).clamp(min=1e-6).sqrt()


def cross_entropy(logits: Tensor, shares: Tensor) -> Tensor:
    """Cross-entropy to a distribution, averaged over the rows that have one."""
    rows = shares.sum(1)
    return -(shares * functional.log_softmax(logits, 1)).sum() / rows.sum().clamp(min=1)


def relational(vectors: Tensor, shares: Tensor) -> Tensor:
    """Squared error between the distance of every two images and 1.3 times the Hellinger distance of their votes."""
    target = HELLINGER_SCALE * hellinger(shares, shares)
    voted = shares.sum(1) > 0
    pairs = voted.unsqueeze(1) & voted & ~torch.eye(len(shares), dtype=torch.bool, device=shares.device)
    return ((distances(vectors) - target).square() * pairs).sum() / pairs.sum().clamp(min=1)


def odd_one_out(vectors: Tensor, shares: Tensor, count: int = 2048, temperature: float = 0.1) -> Tensor:
    """Cross-entropy of naming the closest pair of random triplets whose votes name one clearly.

    A triplet counts where its closest pair is at most 0.6 times as far apart as the next. Half of the triplets are
    drawn within one emotion: there it is strength that tells them apart.
    """
    apart = hellinger(shares, shares)
    return closest_pair(distances(vectors), apart, shares.argmax(1), shares.sum(1) > 0, count, temperature)


def closest_pair(
    between: Tensor, apart: Tensor, emotions: Tensor, known: Tensor, count: int = 2048, temperature: float = 0.1
) -> Tensor:
    """`odd_one_out` of distances `between` N images by what is known of how far `apart` (0...1) they are [N, N].

    Half of the triplets share one of `emotions` [N]; images that are not `known` [N] do not count.
    """
    device, images = between.device, len(between)
    triplets = torch.randint(0, images, (count, 3), device=device)
    order = emotions.argsort()
    reach = min(8, images)
    start = torch.randint(0, images - reach + 1, (count // 2, 1), device=device)
    near = order[start + torch.randint(0, reach, (count // 2, 3), device=device)]
    triplets = torch.cat([triplets[count // 2 :], near])
    first, second, third = triplets.T
    pairs = [(second, third), (first, third), (first, second)]
    with torch.no_grad():
        target = torch.stack([apart[i, j] for i, j in pairs], 1)
        ranked = target.sort(1).values
        distinct = (first != second) & (second != third) & (first != third)
        clear = (ranked[:, 0] <= 0.6 * ranked[:, 1]) & (ranked[:, 1] >= 0.2) & distinct & known[triplets].all(1)
    # Gathered, not indexed: the gradient of that needs no sorting.
    logits = torch.stack([-between.flatten().gather(0, i * images + j) for i, j in pairs], 1) / temperature
    each = functional.cross_entropy(logits, target.argmin(1), reduction="none")
    return (each * clear).sum() / clear.sum().clamp(min=1)


def total(outputs: Outputs, targets: Targets) -> Tensor:
    """The training loss: votes, labels, distances and triplets."""
    return (
        cross_entropy(outputs.ferplus, targets.shares)
        + 0.6 * cross_entropy(outputs.fer, targets.labels)
        + 2.0 * relational(outputs.expression, targets.shares)
        + 0.1 * odd_one_out(outputs.expression, targets.shares)
    )
