"""Trains the identity network: `python -m Training.identity.train --data DIR --out DIR`.

Distillation: for a random view of a crop the network is to give the teacher's embedding of the undistorted crop and of
its mirror image, concatenated; the loss is 1 - cosine, and the halves change places when the view is mirrored. Faces come
in pairs that look alike to the teacher, whose cosine the network is to give as well: on what it tells apart worst, errors
in one direction are what merges two people. Runs on CPU or CUDA, saves a checkpoint every few minutes and goes on from it
when started again.
"""

from __future__ import annotations

import argparse
import copy
import os
import shutil
import signal
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn

from ..muon import computes_bfloat16
from .augmentation import augment
from .network import IdentityNetwork
from .optimiser import Horizon, make_optimisers, rate_factor
from .shipped import start_from
from .training_set import TrainingSet, paired


@dataclass(frozen=True)
class Settings:
    """What a run is made of."""

    batch: int = 64
    muon_lr: float = 0.02
    adam_lr: float = 2e-3
    average: float = 0.998
    strength: float = 0.6
    # Weight of the squared error of a pair's cosine.
    pairs: float = 2.0
    save_seconds: float = 180.0
    precision: str = "f32"
    threads: int = 1


def as_images(crops: NDArray[np.uint8], device: torch.device) -> Tensor:
    """Crops [N, 112, 112, 3] uint8 as [N, 3, 112, 112] in 0...1."""
    return torch.from_numpy(np.ascontiguousarray(crops)).to(device).permute(0, 3, 1, 2).float().div_(255)


def swap_halves(targets: Tensor) -> Tensor:
    """The target of a mirrored crop: the teacher's two halves change places."""
    straight, mirrored = targets.chunk(2, 1)
    return torch.cat([mirrored, straight], 1)


class Trainer:
    """Network, running average of its weights, optimisers and progress: all that a checkpoint holds.

    On a CPU every thread takes a share of the batch through a replica that shares the weights, so that threads wait for
    one another once a step and not once an operation; on a busy machine that is much faster.
    """

    def __init__(
        self, settings: Settings, data: TrainingSet, device: torch.device, seed: int = 0, shipped: Path | None = None
    ) -> None:
        torch.manual_seed(seed)
        self.settings, self.data, self.device = settings, data, device
        self.network = IdentityNetwork().to(device, memory_format=torch.channels_last)
        sample = self.normalised(as_images(data.images[data.rows[:: max(1, len(data.rows) // 256)]], device))
        if shipped is None:
            self.network.whiten_stem(sample)
        else:
            start_from(self.network, shipped, sample)
        self.averaged = torch.optim.swa_utils.AveragedModel(
            self.network, multi_avg_fn=torch.optim.swa_utils.get_ema_multi_avg_fn(settings.average), use_buffers=True
        )
        self.optimisers = make_optimisers(
            self.network, self.network.stem.weight, settings.muon_lr, settings.adam_lr
        )
        self.views, self.progress, self.seconds = 0, 0.0, 0.0
        torch.set_num_threads(1)
        self.pool = ThreadPoolExecutor(settings.threads, initializer=torch.set_num_threads, initargs=(1,))
        self.replicas = [self.network, *(self.replica() for _ in range(settings.threads - 1))]

    def replica(self) -> IdentityNetwork:
        """A network with the same weights and buffers in memory, but gradients of its own."""
        other = copy.deepcopy(self.network)
        for mine, shared in zip(other.parameters(), self.network.parameters(), strict=True):
            mine.data = shared.data
        for module, original in zip(other.modules(), self.network.modules(), strict=True):
            for name, buffer in original.named_buffers(recurse=False):
                setattr(module, name, buffer)
        return other

    @staticmethod
    def normalised(images: Tensor) -> Tensor:
        """0...1 to the network's -1...1, in the layout that convolutions are fastest in."""
        return (images * 2 - 1).contiguous(memory_format=torch.channels_last)

    def step(self, rows: NDArray[np.int64]) -> float:
        """One update on a random view of each row, pairs of rows one after another; the loss."""
        factor = rate_factor(self.progress)
        for optimiser, rate in zip(self.optimisers, (self.settings.muon_lr, self.settings.adam_lr), strict=True):
            for group in optimiser.param_groups:
                group["lr"] = factor * rate
        shares = [share.ravel() for share in np.array_split(rows.reshape(-1, 2), len(self.replicas))]
        weights = [len(share) / len(rows) for share in shares]
        loss = sum(self.pool.map(self.accumulate, self.replicas, shares, weights))
        for other in self.replicas[1:]:
            for parameter, extra in zip(self.network.parameters(), other.parameters(), strict=True):
                assert parameter.grad is not None and extra.grad is not None
                parameter.grad.add_(extra.grad)
        list(self.pool.map(lambda optimiser: optimiser.step(), self.optimisers))
        self.averaged.update_parameters(self.network)
        self.views += len(rows)
        return loss

    def accumulate(self, replica: IdentityNetwork, rows: NDArray[np.int64], weight: float) -> float:
        """Leaves the gradients of these rows, times `weight`, in the replica; the weighted loss."""
        images = as_images(self.data.pictures(rows), self.device)
        targets = torch.from_numpy(self.data.answers(rows)).to(self.device)
        mirrored = (torch.rand(len(rows)) < 0.5).to(self.device)[:, None]
        images = torch.where(mirrored[..., None, None], images.flip(3), images)
        targets = torch.where(mirrored, swap_halves(targets), targets)
        images = self.normalised(augment(images, self.settings.strength))
        replica.zero_grad(set_to_none=True)
        with torch.autocast(self.device.type, torch.bfloat16, enabled=self.settings.precision == "bf16"):
            embeddings = replica(images)
        embeddings, targets = F.normalize(embeddings.float()), F.normalize(targets)
        error = (embeddings[::2] * embeddings[1::2] - targets[::2] * targets[1::2]).sum(1)
        loss = (1 - (embeddings * targets).sum(1).mean() + self.settings.pairs * error.square().mean()) * weight
        loss.backward()
        return float(loss.detach())

    @torch.no_grad()
    def watched_cosine(self) -> float:
        """Mean cosine to the teacher on the undistorted watched crops, by the averaged weights."""
        rows, total = self.data.watched, 0.0
        self.averaged.eval()
        for start in range(0, len(rows), 64):
            part = rows[start : start + 64]
            embeddings = self.averaged(self.normalised(as_images(self.data.images[part], self.device)))
            targets = torch.from_numpy(self.data.targets[part]).to(self.device).float()
            total += float(F.cosine_similarity(embeddings, targets).sum())
        return total / len(rows)

    def save(self, path: Path) -> None:
        """Writes the checkpoint so that an interruption leaves the old or the new one."""
        partial = path.with_suffix(".partial")
        torch.save(
            {
                "network": self.network.state_dict(),
                "averaged": self.averaged.state_dict(),
                "optimisers": [optimiser.state_dict() for optimiser in self.optimisers],
                "views": self.views,
                "progress": self.progress,
                "seconds": self.seconds,
            },
            partial,
        )
        partial.rename(path)

    def resume(self, path: Path) -> None:
        """Goes on from a checkpoint, at the rate of this run's settings."""
        state = torch.load(path, map_location=self.device, weights_only=True)
        self.network.load_state_dict(state["network"])
        self.averaged.load_state_dict(state["averaged"])
        for optimiser, saved in zip(self.optimisers, state["optimisers"], strict=True):
            optimiser.load_state_dict(saved)
        self.views, self.progress, self.seconds = state["views"], state["progress"], state["seconds"]

    def run(self, out: Path, horizon: Horizon, watch_every: int = 16384) -> None:
        """Trains to the end of the horizon, with lines of progress and checkpoints in `out`; SIGTERM saves and stops."""
        horizon.progress = self.progress
        generator = np.random.default_rng(self.views)
        for replica in self.replicas:
            replica.train()
        stopping: list[int] = []
        signal.signal(signal.SIGTERM, lambda number, _: stopping.append(number))
        losses: list[float] = []
        saved = last = time.time()
        next_watch = self.views - self.views % watch_every + watch_every
        rate_time, rate_views = last, self.views
        for rows in paired(self.data, self.settings.batch, generator):
            done = self.views
            losses.append(self.step(rows))
            now = time.time()
            horizon.advance(done, len(rows), now, last)
            self.seconds += now - last
            self.progress, last = horizon.progress, now
            finished = self.progress >= 1
            if not np.isfinite(losses[-1]):
                raise RuntimeError("The loss is not finite; lower the learning rate and resume.")
            if self.views >= next_watch or finished:
                next_watch += watch_every
                rate = (self.views - rate_views) / max(now - rate_time, 1e-9)
                print(
                    f"{time.strftime('%H:%M:%S', time.gmtime())} views {self.views} progress {self.progress:.3f} "
                    f"{rate:.0f} views/s loss {np.mean(losses):.4f} watched cosine {self.watched_cosine():.4f}",
                    flush=True,
                )
                losses.clear()
                rate_time, rate_views = time.time(), self.views
            if now - saved > self.settings.save_seconds or finished or stopping:
                self.save(out / "checkpoint.pt")
                saved = now
            if finished or stopping:
                return


def parse_arguments() -> argparse.Namespace:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, help="folder with faces-train-112.zip, its manifest and the teacher")
    parser.add_argument("--out", type=Path, default=Path(".local/identity"), help="decoded data and checkpoints")
    parser.add_argument("--minutes", type=float, help="train for so long")
    parser.add_argument("--until", type=float, help="train until this time (seconds since 1970)")
    parser.add_argument("--views", type=int, default=6_000_000, help="train on so many views when no time is given")
    parser.add_argument("--start-from", type=Path, help="graph to train on from when there is no checkpoint")
    parser.add_argument("--from-progress", type=float, help="where in the schedule (0...1) a run that was at its end goes on")
    parser.add_argument("--batch", type=int, default=Settings.batch)
    parser.add_argument("--rate", type=float, default=1.0, help="share of the full learning rate; less to train on")
    parser.add_argument("--strength", type=float, default=Settings.strength, help="share of distorted views")
    parser.add_argument("--threads", type=int, default=os.cpu_count(), help="threads on a CPU")
    parser.add_argument("--precision", choices=("f32", "bf16"), default=None, help="bf16 where it is faster")
    parser.add_argument("--smoke", action="store_true", help="a few steps on synthetic data")
    return parser.parse_args()


def smoke(out: Path, device: torch.device) -> None:
    """Trains a few steps on synthetic data, resumes from the checkpoint and checks that the loss falls."""
    out = out / "smoke"
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir(parents=True)
    data, settings = TrainingSet.synthetic(), Settings(batch=16, average=0.9)
    before = Trainer(settings, data, device).step(data.rows[:16])
    Trainer(settings, data, device).run(out, Horizon(views=192))
    resumed = Trainer(settings, data, device)
    resumed.resume(out / "checkpoint.pt")
    after = np.mean([resumed.step(data.rows[i : i + 16]) for i in range(0, 64, 16)])
    if resumed.views != 256 or after > before - 0.2:
        raise SystemExit(f"The smoke run did not learn: loss {before:.3f} before, {after:.3f} after.")
    print(f"smoke run passed: loss {before:.3f} before, {after:.3f} after")


def main() -> None:
    """Command line entry."""
    arguments = parse_arguments()
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    if arguments.smoke:
        smoke(arguments.out, device)
        return
    if arguments.data is None:
        raise SystemExit("Name the folder of the training data with --data.")
    precision = arguments.precision or ("bf16" if computes_bfloat16(device) else "f32")
    # Every thread takes a pair or more.
    threads = 1 if device.type == "cuda" else min(arguments.threads, arguments.batch // 2)
    settings = Settings(
        batch=arguments.batch, strength=arguments.strength, precision=precision, threads=threads,
        muon_lr=arguments.rate * Settings.muon_lr, adam_lr=arguments.rate * Settings.adam_lr,
    )  # fmt: skip
    data = TrainingSet.load(arguments.data, arguments.out)
    trainer = Trainer(settings, data, device, shipped=arguments.start_from)
    checkpoint = arguments.out / "checkpoint.pt"
    if checkpoint.exists():
        trainer.resume(checkpoint)
        if arguments.from_progress is not None and trainer.progress >= 1:
            trainer.progress = arguments.from_progress
        print(f"resumed at {trainer.views} views, progress {trainer.progress:.3f}", flush=True)
    deadline = arguments.until or (time.time() + arguments.minutes * 60 if arguments.minutes else None)
    trainer.run(arguments.out, Horizon(deadline=deadline, views=None if deadline else arguments.views))


if __name__ == "__main__":
    main()
