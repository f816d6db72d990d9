"""Trains the identity network on one GPU, where there is PyTorch and Pillow and neither OpenVINO nor a network.

    PYTHONPATH=. python3 -m Training.identity.gpu.train probe --pack .gpu --out OUT       decodes, times a few settings
    PYTHONPATH=. python3 -m Training.identity.gpu.train train --pack .gpu --out OUT --seconds 560

Everything lives on the device: crops, teachers, blends, views, optimiser. The target of a picture is what both teachers
say of it, the Open Model Zoo's and SFace, so that a student that is used beside SFace is as good as one of the first
teacher alone, and much better where it has to do without. What it leaves in OUT: `identity.pt` (averaged weights, fp16,
7.4 MB; a checkpoint for `Training.identity.export`), written every minute and at the end, and `identity-log.txt`.
"""

from __future__ import annotations

import argparse
import copy
import functools
import io
import json
import multiprocessing
import os
import time
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image
from torch import Tensor, nn

from ...muon import StackedMuon
from ...replay import Replayed, rate_on, set_rates
from ..network import FILTER_NORM, IdentityNetwork
from ..optimiser import make_optimisers, rate_factor
from . import teacher_torch
from .views import augment, blend

STARTED = time.time()
# So many of the faces that the teachers find most like each one are its company in a batch.
ALIKE = 8


def say(out: Path, text: str) -> None:
    """A line for the reply and for the log that comes home."""
    line = f"{time.time() - STARTED:6.1f} {text}"
    print(line, flush=True)
    with (out / "identity-log.txt").open("a") as log:
        log.write(line + "\n")


def _decode(job: tuple[Path, np.ndarray, np.ndarray, int, Path, int]) -> int:
    """Decodes the crops of one job into the shared array."""
    path, offsets, lengths, first, target, total = job
    pictures = np.memmap(target, np.uint8, "r+", shape=(total, 112, 112, 3))
    with path.open("rb") as file:
        for number, (offset, length) in enumerate(zip(offsets, lengths, strict=True)):
            file.seek(int(offset))
            pictures[first + number] = np.asarray(Image.open(io.BytesIO(file.read(int(length)))).convert("RGB"))
    return len(offsets)


def crops(pack: Path, cache: Path, workers: int) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """All crops of the parts that are here [N, 112, 112, 3], and what the parts' indices say of them."""
    parts = sorted(pack.glob("faces-*.npz"))
    indices = [dict(np.load(part)) for part in parts]
    index = {name: np.concatenate([part[name] for part in indices]) for name in indices[0]}
    total = len(index["row"])
    target, jobs, begin = cache / "crops.raw", [], 0
    np.memmap(target, np.uint8, "w+", shape=(total, 112, 112, 3)).flush()
    for part, one in zip(parts, indices, strict=True):
        offsets = np.concatenate([[0], np.cumsum(one["length"])[:-1]])
        for start in range(0, len(offsets), 512):
            some = slice(start, start + 512)
            jobs.append((part.with_suffix(".bin"), offsets[some], one["length"][some], begin + start, target, total))
        begin += len(offsets)
    with multiprocessing.get_context("fork").Pool(workers) as pool:
        assert sum(pool.imap_unordered(_decode, jobs)) == total
    return np.memmap(target, np.uint8, "r", shape=(total, 112, 112, 3)), index


class Run:
    """What is trained on what, all of it on the device."""

    def __init__(self, arguments: argparse.Namespace, out: Path) -> None:
        self.arguments, self.out = arguments, out
        self.device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        cuda = self.device.type == "cuda"
        self.half = torch.bfloat16 if cuda else torch.float32
        torch.manual_seed(arguments.seed)
        torch.backends.cudnn.benchmark = True
        torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = True
        cache = Path(arguments.cache)
        cache.mkdir(parents=True, exist_ok=True)
        pictures, index = crops(arguments.pack, cache, os.cpu_count() or 1)
        if arguments.limit:
            chosen = np.concatenate([np.flatnonzero(index["watched"] == w)[: arguments.limit] for w in (0, 1)])
            pictures, index = pictures[chosen], {name: values[chosen] for name, values in index.items()}
        say(out, f"decoded {len(pictures)} crops, {self.device}")
        self.pictures = torch.from_numpy(np.array(pictures)).to(self.device).permute(0, 3, 1, 2).contiguous()
        watched = torch.from_numpy(index["watched"].astype(bool)).to(self.device)
        self.watched, self.rows = watched.nonzero().flatten(), (~watched).nonzero().flatten()
        half = torch.float16 if cuda else torch.float32
        self.teacher: nn.Module = teacher_torch.load(arguments.pack / "teacher.pt", self.device, half)
        self.second = (arguments.pack / "second.pt").exists()
        if self.second:
            second = teacher_torch.load(arguments.pack / "second.pt", self.device, half, warped=False)
            self.teacher = teacher_torch.TwoTeachers(self.teacher, second)
        everything = torch.arange(len(pictures), device=self.device).split(512)
        with torch.no_grad():
            self.targets = torch.cat([self.teacher.both(self.clean(rows)) for rows in everything])
            # What is to be said of the mirror image: with one teacher the halves change places.
            self.mirrored = self.targets.roll(256, 1)
            if self.second:
                self.mirrored = torch.cat([self.teacher.both(self.clean(rows).flip(3)) for rows in everything])
        check = np.load(arguments.pack / "check.npz")
        place = {int(row): at for at, row in enumerate(index["row"])}
        known = [(at, place[int(row)]) for at, row in enumerate(check["row"]) if int(row) in place]
        stored = torch.from_numpy(check["teacher"].astype(np.float32)).to(self.device)[[at for at, _ in known]]
        agreement = F.cosine_similarity(self.targets[[at for _, at in known], :256].float(), stored).mean()
        say(out, f"teacher asked; cosine to the stored embeddings {float(agreement):.4f} (0.98 or more is right)")
        vectors, near = self.targets[self.rows], []
        for some in vectors.split(2048):
            near.append(self.rows[(some @ vectors.T).topk(min(ALIKE + 1, len(vectors)), 1).indices[:, 1:]])
        self.alike = torch.cat(near)
        self.network = IdentityNetwork().to(self.device, memory_format=torch.channels_last)
        start = arguments.pack / "start.pt"
        if start.exists() and not arguments.fresh:
            self.network.load_state_dict(torch.load(start, map_location=self.device, weights_only=True))
            found = self.cosine(self.network)
            say(out, f"watched cosine of the packed weights {found:.4f}")
            if found < 0.7:
                self.read_out()
        else:
            self.network.whiten_stem(self.scaled(self.clean(self.rows[:256])))
        self.averaged = copy.deepcopy(self.network).requires_grad_(False)
        pairs = zip(self.averaged.state_dict().values(), self.network.state_dict().values(), strict=True)
        floats = [(mean, value) for mean, value in pairs if mean.is_floating_point()]
        self.means, self.values = [mean for mean, _ in floats], [value for _, value in floats]
        matrices, rest = (o.param_groups[0]["params"] for o in make_optimisers(self.network, self.network.stem.weight, 0, 0))
        self.optimisers = [
            StackedMuon(matrices, rate_on(self.device, 0.0)),
            torch.optim.AdamW(
                rest, rate_on(self.device, 0.0), weight_decay=0.0, betas=(0.9, 0.99), fused=cuda, capturable=cuda
            ),
        ]
        self.prepare()
        self.order, self.at = torch.randperm(len(self.rows), device=self.device), 0

    @torch.no_grad()
    def read_out(self, count: int = 16384) -> None:
        """Sets the last layer to what reads the targets best out of the features of clean crops, in the least squares: for packed
        weights that learnt other targets."""
        network, inputs = self.network.eval(), []
        hook = network.embed.register_forward_pre_hook(lambda _, given: inputs.append(given[0].double()))
        for rows in self.rows[:count].split(256):
            network(self.scaled(self.clean(rows)))
        hook.remove()
        x, y = torch.cat(inputs), self.targets[self.rows[:count]].double() * self.targets.shape[1] ** 0.5
        centred, ridge = x - x.mean(0), 1e-2 * x.var() * len(x) / x.shape[1]
        gram = centred.T @ centred + ridge * torch.eye(x.shape[1], dtype=x.dtype, device=self.device)
        weight = torch.linalg.solve(gram, centred.T @ (y - y.mean(0))).T
        norms = weight.norm(dim=1).clamp_min(1e-6) / FILTER_NORM
        seen, normalisation = x @ (weight / norms[:, None]).T, network.embed_normalisation
        network.embed.weight.copy_(weight / norms[:, None])
        normalisation.running_mean.copy_(seen.mean(0))
        normalisation.running_var.copy_(seen.var(0, unbiased=False))
        normalisation.weight.copy_(norms * (seen.var(0, unbiased=False) + normalisation.eps).sqrt())
        normalisation.bias.copy_(y.mean(0))

    @staticmethod
    def scaled(pictures: Tensor) -> Tensor:
        """0...1 to what the network sees."""
        return (pictures * 2 - 1).contiguous(memory_format=torch.channels_last)

    def clean(self, rows: Tensor) -> Tensor:
        """Pictures in 0...1."""
        return self.pictures[rows].float() / 255

    def pick(self, count: int) -> Tensor:
        """The next places in `rows`, every one once an epoch."""
        if self.at + count > len(self.rows):
            self.order, self.at = torch.randperm(len(self.rows), device=self.device), 0
        self.at += count
        return self.order[self.at - count : self.at]

    def batch(self) -> tuple[Tensor, Tensor, Tensor]:
        """Clean pictures [N, 3, 112, 112] in pairs, one after another, half of them crops, half blends that were never seen
        before; the teacher's answers [N, 512] to them or to their mirror images; which are to be mirrored."""
        count, device = self.arguments.batch // 4, self.device

        def near(places: Tensor) -> Tensor:
            return self.alike[places, torch.randint(0, self.alike.shape[1], (len(places),), device=device)]

        def any_of(number: int) -> Tensor:
            return self.rows[torch.randint(0, len(self.rows), (number,), device=device)]

        places = self.pick(count)
        others = torch.where(torch.rand(count, device=device) < 0.5, near(places), any_of(count))
        plain = torch.stack([self.rows[places], others], 1).flatten()
        places = torch.randint(0, len(self.rows), (count,), device=device)
        second = torch.stack([near(places), any_of(count)], 1).flatten()
        blends = blend(self.clean(self.rows[places].repeat_interleave(2)), self.clean(second))
        pictures = torch.cat([self.clean(plain), blends])
        mirrored = torch.rand(len(pictures), device=device) < 0.5
        kept, other = self.targets[plain], self.mirrored[plain]
        answers = torch.where(mirrored[: len(plain), None], other, kept)
        if self.second:
            asked = self.ask(torch.where(mirrored[len(plain) :, None, None, None], blends.flip(3), blends))
        else:
            asked = self.ask(blends)
            asked = torch.where(mirrored[len(plain) :, None], asked.roll(256, 1), asked)
        return pictures, torch.cat([answers, asked]), mirrored

    def prepare(self) -> None:
        """Makes what is the same in each step ready for batches of a size."""
        log = functools.partial(say, self.out)
        self.ask = Replayed(torch.no_grad()(self.teacher.both), self.device, log)
        self.learn = Replayed(self.update, self.device, log)

    def update(self, images: Tensor, targets: Tensor) -> Tensor:
        """One update by views and their targets; the loss, left on the device."""
        for optimiser in self.optimisers:
            optimiser.zero_grad(set_to_none=True)
        cuda = self.device.type == "cuda"
        with torch.autocast(self.device.type, torch.bfloat16, enabled=cuda, cache_enabled=False):
            embeddings = self.network(images)
        embeddings = F.normalize(embeddings.float())
        error = (embeddings[::2] * embeddings[1::2] - targets[::2] * targets[1::2]).sum(1)
        loss = 1 - (embeddings * targets).sum(1).mean() + 2.0 * error.square().mean()
        loss.backward()
        for optimiser in self.optimisers:
            optimiser.step()
        with torch.no_grad():  # AveragedModel would wait for the device
            torch._foreach_lerp_(self.means, self.values, 1 - self.arguments.average)
        return loss.detach()

    def step(self, progress: float) -> Tensor:
        """One update at that part of the schedule; its loss, until the next."""
        factor = rate_factor(progress) * self.arguments.rate
        for optimiser, rate in zip(self.optimisers, (0.02, 2e-3), strict=True):
            set_rates(optimiser, lambda _, rate=rate: factor * rate)
        with torch.no_grad():
            images, targets, mirrored = self.batch()
            images = augment(images, mirrored, self.arguments.strength).mul_(2).sub_(1)
            images = images.to(self.half).contiguous(memory_format=torch.channels_last)
        self.network.train()
        return self.learn(images, targets)

    def watched_cosine(self) -> float:
        """Mean cosine to the targets on crops that are not trained on, by the averaged weights."""
        return self.cosine(self.averaged)

    @torch.no_grad()
    def cosine(self, network: nn.Module) -> float:
        """Mean cosine of a network's vectors to the targets on the watched crops."""
        network.eval()
        total = torch.zeros((), device=self.device)
        for rows in self.watched.split(256):
            total += F.cosine_similarity(network(self.scaled(self.clean(rows))).float(), self.targets[rows]).sum()
        return float(total) / max(1, len(self.watched))

    def save(self, progress: float, views: int) -> None:
        """What comes home: the averaged weights, matrices in fp16, statistics as they are."""
        values = {f"module.{name}": value.cpu() for name, value in self.averaged.state_dict().items()}
        state = {name: value.half() if value.ndim > 1 else value for name, value in values.items()}
        partial = self.out / "identity.partial"
        torch.save({"averaged": state, "progress": progress, "views": views}, partial)
        partial.rename(self.out / "identity.pt")

    def train(self, deadline: float, steps: int | None = None) -> float:
        """Trains until the deadline; views a second."""
        self.step(0.0)  # the device gets ready; the schedule begins after it
        begin = last_line = last_save = time.time()
        count, losses, progress = 0, torch.zeros((), device=self.device), 0.0
        since = 0
        while progress < 1:
            losses += self.step(progress)
            count, since = count + 1, since + 1
            now = time.time()
            progress = count / steps if steps else (now - begin) / (deadline - begin)
            if now - last_line > self.arguments.line_seconds or progress >= 1:
                mean = float(losses) / since  # waits for the device
                if not np.isfinite(mean):
                    raise RuntimeError("The loss is not finite.")
                rate = since * self.arguments.batch / (time.time() - last_line)
                say(self.out, f"views {count * self.arguments.batch} progress {progress:.3f} {rate:.0f} views/s loss {mean:.4f} "
                              f"watched cosine {self.watched_cosine():.4f}")
                losses.zero_()
                since, last_line = 0, time.time()
            if now - last_save > self.arguments.save_seconds or progress >= 1:
                self.save(progress, count * self.arguments.batch)
                last_save = time.time()
        return count * self.arguments.batch / (time.time() - begin)


def main() -> None:
    """Command line entry."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("probe", "train"))
    parser.add_argument("--pack", type=Path, default=Path(".gpu"))
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--cache", default="/tmp/mien-gpu")
    parser.add_argument("--seconds", type=float, default=560, help="from the start of the program to its end")
    parser.add_argument("--steps", type=int, help="so many steps instead (to try the code)")
    parser.add_argument("--batch", type=int, default=512)
    parser.add_argument("--rate", type=float, default=1.0, help="share of Muon's 0.02 and AdamW's 0.002")
    parser.add_argument("--average", type=float, default=0.995)
    parser.add_argument("--strength", type=float, default=0.6)
    parser.add_argument("--fresh", action="store_true", help="from random weights, not from the packed ones")
    parser.add_argument("--eager", action="store_true", help="without CUDA graphs")
    parser.add_argument("--limit", type=int, help="only so many crops (to try the code)")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--line-seconds", type=float, default=15)
    parser.add_argument("--save-seconds", type=float, default=60)
    arguments = parser.parse_args()
    Replayed.possible = not arguments.eager
    out = arguments.out
    out.mkdir(parents=True, exist_ok=True)
    if arguments.what == "train":
        run = Run(arguments, out)
        say(out, f"watched cosine at the start {run.watched_cosine():.4f}")
        rate = run.train(STARTED + arguments.seconds - 8, arguments.steps)
        say(out, f"done: {rate:.0f} views/s")
        return
    results = {}
    run = Run(arguments, out)
    say(out, f"watched cosine of the packed weights {run.watched_cosine():.4f}")
    for batch in (256, 512, 1024) if run.device.type == "cuda" else (16,):
        arguments.batch = batch
        try:
            run.prepare()
            for _ in range(5 if run.device.type == "cuda" else 1):
                run.step(0.0)
            if run.device.type == "cuda":
                torch.cuda.synchronize()
            begin, steps = time.time(), 30 if run.device.type == "cuda" else 1
            for _ in range(steps):
                run.step(0.0)
            if run.device.type == "cuda":
                torch.cuda.synchronize()
            results[f"batch {batch}"] = round(steps * batch / (time.time() - begin))
            say(out, json.dumps(results))
        except Exception as error:  # a setting that fails must not cost the others
            say(out, f"batch {batch}: {type(error).__name__}: {str(error)[:300]}")


if __name__ == "__main__":
    main()
