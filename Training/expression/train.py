"""Train the network: `python -m Training.expression.train --data DIR --out .local/expression`.

On the CPU several single-threaded workers share each batch and add up their gradients; on CUDA one does it alone. The
schedule runs over `--minutes` of training or over `--epochs`. A run that was stopped goes on from its last checkpoint.
"""

from __future__ import annotations

import argparse
import json
import os
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import torch.distributed as distributed
from torch import Tensor

from ..muon import computes_bfloat16
from .augmentation import augment
from .data import Faces, training_split
from .fec import FECBatches, read_triplets, triplet_loss
from .loss import Targets, smooth_labels, total
from .metrics import accuracies
from .network import ExpressionNetwork, Outputs
from .optimization import Average, optimizers, set_rate
from .synthetic import synthetic_faces

CHECKPOINT = "checkpoint.pt"


@dataclass(frozen=True)
class Run:
    """Settings of a training run."""

    data: Path
    out: Path
    minutes: float | None
    epochs: float
    batch: int
    device: str
    workers: int
    seed: int
    smoke: bool
    fec: Path | None
    fec_pictures: Path | None


class Batches:
    """Endless augmented batches of one worker's faces, a new order each epoch."""

    def __init__(self, faces: Faces, size: int, device: str, seed: int) -> None:
        self.images = torch.from_numpy(faces.images)
        self.shares = torch.from_numpy(faces.shares)
        self.labels = torch.from_numpy(smooth_labels(faces.labels, faces.shares))
        self.size, self.device = size, device
        self.generator = torch.Generator().manual_seed(seed)
        self.order = torch.empty(0, dtype=torch.long)

    def next(self) -> tuple[Tensor, Targets]:
        """Images [B, 1, 48, 48] in 0...255 and their targets."""
        if len(self.order) < self.size:
            self.order = torch.randperm(len(self.images), generator=self.generator)
        rows, self.order = self.order[: self.size], self.order[self.size :]
        images = self.images[rows].to(self.device).float().unsqueeze(1)
        targets = Targets(self.shares[rows].to(self.device), self.labels[rows].to(self.device))
        return augment(images).contiguous(memory_format=torch.channels_last), targets


def share_gradients(network: torch.nn.Module, progress: float, workers: int) -> float:
    """Average the gradients, and the progress, over all workers; returns the progress they agree on."""
    if workers == 1:
        return progress
    gradients = [weight.grad for weight in network.parameters()]
    flat = torch.cat([*(gradient.reshape(-1) for gradient in gradients), torch.tensor([progress])])
    distributed.all_reduce(flat)
    flat /= workers
    offset = 0
    for gradient in gradients:
        gradient.copy_(flat[offset : offset + gradient.numel()].view_as(gradient))
        offset += gradient.numel()
    return float(flat[-1])


@torch.no_grad()
def predict(network: torch.nn.Module, images: np.ndarray, device: str = "cpu", batch: int = 256) -> Outputs:
    """The network's outputs for uint8 images [N, 48, 48], on the CPU."""
    network.eval()
    parts = []
    for start in range(0, len(images), batch):
        part = torch.from_numpy(images[start : start + batch]).to(device).float().unsqueeze(1)
        parts.append([output.float().cpu() for output in network(part)])
    return Outputs(*(torch.cat(column) for column in zip(*parts, strict=True)))


def measure(network: torch.nn.Module, faces: Faces, device: str) -> dict[str, float | int]:
    """Accuracies of an uncalibrated network."""
    outputs = predict(network, faces.images, device)
    return accuracies(faces, outputs.ferplus.softmax(1).numpy(), outputs.fer.softmax(1).numpy())


def save(path: Path, value: object) -> None:
    """Write a checkpoint whole or not at all."""
    partial = path.with_suffix(".partial")
    torch.save(value, partial)
    partial.replace(path)


def work(rank: int, run: Run) -> None:
    """One worker's training; the first one measures and saves."""
    torch.manual_seed(run.seed)
    if run.device == "cpu":
        torch.set_num_threads(1)
    if run.workers > 1:
        store = f"file://{(run.out / 'rendezvous').resolve()}"
        distributed.init_process_group("gloo", store, rank=rank, world_size=run.workers)

    if run.smoke:
        training, _, public = (synthetic_faces(n, seed=n) for n in (512, 64, 128))
    else:
        training, _, public = training_split(run.data)
    network = ExpressionNetwork().to(run.device, memory_format=torch.channels_last)
    average = Average(network)
    steppers = optimizers(network)
    half = computes_bfloat16(torch.device(run.device))
    batches = Batches(training[np.arange(rank, len(training), run.workers)], run.batch // run.workers, run.device, rank)
    comparisons = None
    if run.fec and run.fec_pictures:
        comparisons = FECBatches(read_triplets(run.fec), run.fec_pictures, seed=run.seed + rank)

    views, spent = 0, 0.0
    checkpoint = run.out / CHECKPOINT
    if checkpoint.exists():
        state = torch.load(checkpoint, map_location=run.device, weights_only=True)
        network.load_state_dict(state["network"])
        average.network.load_state_dict(state["average"])
        average.updates = state["updates"]
        for stepper, stored in zip(steppers, state["optimizers"], strict=True):
            stepper.load_state_dict(stored)
        views, spent = state["views"], state["seconds"]
    torch.manual_seed(run.seed + 1000 * rank + views)
    batches.generator.manual_seed(run.seed + 1000 * rank + views)

    begin = time.monotonic() - spent
    saved = time.monotonic()
    measured, losses, progress = 0.0, [], 0.0
    while progress < 1:
        seconds = time.monotonic() - begin
        own = seconds / 60 / run.minutes if run.minutes else views / (run.epochs * len(training))
        images, targets = batches.next()
        network.train()
        with torch.autocast(run.device, torch.bfloat16, enabled=half):
            outputs = network(images)
        loss = total(Outputs(*(output.float() for output in outputs)), targets)
        if comparisons:
            compared, odd = comparisons.next(run.device)
            loss = loss + triplet_loss(network(compared).expression, odd)
        for stepper in steppers:
            stepper.zero_grad()
        loss.backward()
        progress = share_gradients(network, own, run.workers)
        set_rate(steppers, progress)
        for stepper in steppers:
            stepper.step()
        views += run.batch
        if rank > 0:
            continue
        average.update()
        losses.append(loss.item())
        if time.monotonic() - saved > 90 or progress >= 1:
            saved = time.monotonic()
            state = {
                "network": network.state_dict(),
                "average": average.network.state_dict(),
                "updates": average.updates,
                "optimizers": [stepper.state_dict() for stepper in steppers],
                "views": views,
                "seconds": seconds,
            }
            save(checkpoint, state)
            note = {"progress": round(progress, 4), "views": views, "loss": round(float(np.mean(losses)), 4)}
            if progress - measured > 0.19 or progress >= 1:
                measured = progress
                note |= {k: round(v, 4) for k, v in measure(average.network, public, run.device).items()}
            losses.clear()
            print(json.dumps(note), flush=True)
    if run.workers > 1:
        distributed.destroy_process_group()


def main() -> None:
    """Read the command line and train."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, help="folder with the manifest and the unpacked fer2013 folder")
    parser.add_argument("--out", type=Path, default=Path(".local/expression"), help="folder for checkpoints")
    parser.add_argument("--minutes", type=float, help="length of the schedule in minutes, instead of epochs")
    parser.add_argument("--epochs", type=float, default=60)
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--workers", type=int, help="processes sharing a batch on the CPU (default: up to 4)")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--fec", type=Path, help="FEC's list of triplets, to train the expression on as well")
    parser.add_argument("--fec-pictures", type=Path, help="folder of FEC's pictures")
    parser.add_argument("--smoke", action="store_true", help="a few steps on made-up faces")
    settings = vars(parser.parse_args())
    if settings["smoke"]:
        settings |= {"out": settings["out"] / "smoke", "epochs": 2, "minutes": None, "workers": 1, "batch": 64}
    elif settings["data"] is None:
        parser.error("--data is required")
    if settings["workers"] is None:
        settings["workers"] = min(4, os.cpu_count() or 1) if settings["device"] == "cpu" else 1
    run = Run(**settings)
    run.out.mkdir(parents=True, exist_ok=True)
    (run.out / "rendezvous").unlink(missing_ok=True)
    if run.smoke:
        (run.out / CHECKPOINT).unlink(missing_ok=True)
    if run.workers == 1:
        work(0, run)
    else:
        torch.multiprocessing.spawn(work, (run,), nprocs=run.workers)


if __name__ == "__main__":
    main()
