"""Train the mood network on one GPU: an ensemble of teachers, then two students that learn its answers.

    PYTHONPATH=. python3 -m Training.expression.gpu.train --pack .gpu/x --faces .gpu --out OUT --seconds 600

PyTorch, NumPy and Pillow only. Whatever it does it does by the clock, since the device may be shared. What it leaves in
OUT, `expression-a.pt` and `expression-b.pt` for Training.expression.export and `expression-log.txt`, is written every
minute; teachers that it finds in OUT/teachers are not trained again. `--faces` holds pieces of 112 x 112 crops of faces
without labels (Training/identity/gpu/pack.py), which may come while it runs, or none.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import json
import lzma
import multiprocessing
import multiprocessing.pool
import os
import time
import traceback
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor
from torch.nn import functional

from ...identity.geometry import TEMPLATE
from ...identity.network import IdentityNetwork
from ...muon import StackedMuon
from ...replay import Replayed, rate_on
from .. import geometry
from ..calibration import fit_heads
from ..data import Faces, read_image
from ..loss import HELLINGER_SCALE, Targets, closest_pair, cross_entropy, distances, smooth_labels, total
from ..metrics import accuracies, normalise, odd_one_out
from ..network import WIDTHS, ExpressionNetwork, Outputs
from ..optimization import Average, set_rate
from .pack import INDEX, PICTURES, START, USES, read_filters
from .views import blend, views

STARTED = time.monotonic()
WIDE = (48, 96, 192, 384)
ENOUGH = 45
"""Passes over the faces that a teacher should make, or there are fewer of them: after 55 one reached 71.2 % of the
seven labels, after 27 two 69.2 %."""
LINE_SECONDS, SAVE_SECONDS, LOOK_SECONDS, LAST_SECONDS = 15, 60, 30, 12
PATIENCE = 90
"""Seconds the processes that decode may take before it is done without them."""


# ---- pictures


def decode(pictures: list[bytes]) -> np.ndarray:
    """Grey pictures [N, 48, 48] of their files."""
    return np.stack([read_image(io.BytesIO(picture)) for picture in pictures])


def decode_crops(job: tuple[Path, np.ndarray, np.ndarray]) -> np.ndarray:
    """The crops of a piece as the service cuts faces for the mood network [N, 48, 48]."""
    path, offsets, lengths = job
    found = []
    with path.open("rb") as file:
        for offset, length in zip(offsets.tolist(), lengths.tolist(), strict=True):
            file.seek(offset)
            with Image.open(io.BytesIO(file.read(length))) as picture:
                found.append(np.asarray(geometry.crop(picture, np.array(TEMPLATE)), np.uint8))
    return np.stack(found)


def read_pack(
    pack: Path, pool: multiprocessing.pool.Pool, limit: int | None
) -> tuple[dict[str, Faces], np.ndarray, np.ndarray]:
    """The faces of each use, the triplets of the public ones and which of each is the odd one out."""
    index = np.load(pack / INDEX)
    blob, ends = lzma.decompress((pack / PICTURES).read_bytes()), np.cumsum(index["length"], dtype=np.int64)
    uses: dict[str, Faces] = {}
    first = 0
    for use in USES:
        files, votes, others, labels = (index[f"{use}_{field}"] for field in ("files", "votes", "others", "labels"))
        count = min(len(files), limit or len(files))
        rows = range(first, first + count)
        pictures = [blob[int(ends[i - 1]) if i else 0 : int(ends[i])] for i in rows]
        jobs = [pictures[i : i + 256] for i in range(0, count, 256)]
        try:
            parts = pool.map_async(decode, jobs).get(PATIENCE)
        except multiprocessing.TimeoutError:
            parts = [decode(job) for job in jobs]
        uses[use] = Faces(files[:count], np.concatenate(parts), votes[:count], others[:count], labels[:count])
        first += len(files)
    known = (index["triplets"] < len(uses["public"])).all(1)
    return uses, index["triplets"][known], index["odd"][known]


class Crops:
    """Faces without labels, taken in as their pieces arrive."""

    def __init__(
        self, folder: Path | None, pool: multiprocessing.pool.Pool, device: torch.device, say: Callable[[str], None]
    ) -> None:
        self.folder, self.pool, self.device, self.say = folder, pool, device, say
        self.images = torch.empty(0, 48, 48, dtype=torch.uint8, device=device)
        self.taken: set[str] = set()
        self.looked = -float("inf")

    def look(self) -> None:
        """Takes in pieces that are complete and were not here before; looks twice a minute at most."""
        if self.folder is None or not self.folder.is_dir() or time.monotonic() - self.looked < LOOK_SECONDS:
            return
        for part in sorted(self.folder.rglob("faces-*.npz")):
            if part.name in self.taken:
                continue
            try:
                lengths = np.load(part)["length"].astype(np.int64)
                if part.with_suffix(".bin").stat().st_size != lengths.sum():
                    continue
            except Exception:  # it is being written
                continue
            self.taken.add(part.name)
            try:
                offsets, path = np.cumsum(lengths) - lengths, part.with_suffix(".bin")
                jobs = [(path, offsets[i : i + 256], lengths[i : i + 256]) for i in range(0, len(lengths), 256)]
                images = np.concatenate(self.pool.map_async(decode_crops, jobs).get(PATIENCE))
                self.images = torch.cat([self.images, torch.from_numpy(images).to(self.device)])
                self.say(f"{part.name}: {len(images)} faces without labels")
            except Exception:
                self.say(f"{part.name} is left out: {traceback.format_exc(limit=2)}")
        self.looked = time.monotonic()


# ---- networks


class IdentityTeacher(ExpressionNetwork):
    """A network that begins with the filters of the identity network, on the picture enlarged to `side` pixels."""

    def __init__(self, start: Path, side: int, dropout: float) -> None:
        super().__init__(dropout, features=512)
        self.trunk = IdentityNetwork().features
        self.trunk.load_state_dict(read_filters(start))
        self.side = side

    def prepare(self, image: Tensor) -> Tensor:
        size = (self.side, self.side)
        large = functional.interpolate(image, size=size, mode="bilinear", align_corners=False) / 127.5 - 1
        return large.expand(-1, 3, -1, -1).contiguous(memory_format=Learner.layout)


def wide_teacher() -> ExpressionNetwork:
    """A wider and deeper network than the students, from random weights."""
    return ExpressionNetwork(0.3, WIDE, ((1,), (2, 2), (2,)), 768)


def optimisers(network: ExpressionNetwork, trunk_share: float = 1.0) -> list[torch.optim.Optimizer]:
    """Muon for the convolutions but the first, AdamW for everything else; the trunk at a share of the rates."""
    matrices: list[torch.nn.Parameter] = []
    groups: dict[tuple[bool, bool], list[torch.nn.Parameter]] = {}
    for name, weight in network.named_parameters():
        if weight.ndim == 4 and weight.shape[1] > 3:
            matrices.append(weight)
        else:
            groups.setdefault((name.startswith("trunk."), weight.ndim > 1), []).append(weight)
    device = matrices[0].device
    adam = [
        {"params": weights, "peak": 2e-3 * (trunk_share if trunk else 1), "weight_decay": 0.01 if decayed else 0.0}
        for (trunk, decayed), weights in groups.items()
    ]
    muon = [{"params": matrices, "peak": 0.02 * trunk_share}]
    for group in muon + adam:
        group["lr"] = rate_on(device, group["peak"])
    return [StackedMuon(muon), torch.optim.AdamW(adam, fused=device.type == "cuda", capturable=device.type == "cuda")]


class Learner:
    """A network in training: its optimisers, the average of its weights, its losses since they were last asked for."""

    layout = torch.channels_last

    def __init__(self, name: str, network: ExpressionNetwork, device: torch.device, trunk_share: float = 1.0) -> None:
        self.name = name
        self.network = network.to(device, memory_format=self.layout).train()
        self.optimisers = optimisers(self.network, trunk_share)
        self.average = Average(self.network, 0.998)
        self.losses, self.count = torch.zeros((), device=device), 0

    def update(self, loss: Tensor) -> Tensor:
        """One update of the weights, by rates that were set."""
        for optimizer in self.optimisers:
            optimizer.zero_grad(set_to_none=True)
        loss.backward()
        for optimizer in self.optimisers:
            optimizer.step()
        return self.losses.add_(loss.detach())

    def learn(self, step: Callable[..., Tensor], inputs: Iterable[Tensor], progress: float) -> None:
        """One `step`, which updates, and what follows it."""
        set_rate(self.optimisers, progress)
        step(*inputs)
        self.average.update()
        self.count += 1

    def mean_loss(self) -> float:
        """Waits for the device."""
        mean = float(self.losses) / max(1, self.count)
        self.losses.zero_()
        self.count = 0
        return mean


# ---- training


Batch = tuple[Tensor, Tensor, Tensor]
"""Images [N, 1, 48, 48] in 0...255, shares and labels, of which there may be fewer: those of the first images."""


class Clock:
    """Progress through a phase, by time or, to try the code, by steps. The first steps, in which the device gets ready,
    are not counted."""

    READY = 3

    def __init__(self, end: float, steps: int | None) -> None:
        self.end, self.steps, self.count = end, steps, 0
        self.begin = time.monotonic()

    def tick(self) -> float:
        """Progress (0...1) at the beginning of the next step."""
        now = time.monotonic()
        if self.count <= self.READY:
            self.begin = now
        self.count += 1
        if self.steps:
            return (self.count - 1) / self.steps
        return (now - self.begin) / max(1e-6, self.end - self.begin) if now < self.end else 1.0


class Run:
    """The pictures, all of them on the device, and what is trained on them."""

    def __init__(self, options: argparse.Namespace, pool: multiprocessing.pool.Pool) -> None:
        self.options, self.pool = options, pool
        self.uses, self.triplets, self.odd = read_pack(options.pack, pool, options.limit)
        self.device = device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        self.half = device.type == "cuda"
        if self.half:
            torch.set_num_threads(4)  # what is left for the processor is small
        torch.backends.cudnn.benchmark = True
        torch.manual_seed(options.seed)
        training = self.uses["training"]
        self.images = {use: torch.from_numpy(self.uses[use].images).to(device) for use in USES}
        self.shares = torch.from_numpy(training.shares).to(device)
        self.labels = torch.from_numpy(smooth_labels(training.labels, training.shares)).to(device)
        self.order = torch.empty(0, dtype=torch.long, device=device)
        self.passes: float = ENOUGH
        counts = {use: len(faces) for use, faces in self.uses.items()}
        self.say(f"{counts} faces, {len(self.odd)} triplets, {device}, PyTorch {torch.__version__}")
        if self.half:
            self.settle()

    def settle(self) -> None:
        """Tries a step, and goes without what this device cannot do."""

        def without_layout() -> None:
            Learner.layout = torch.contiguous_format

        def without_half() -> None:
            self.half = False

        def without_cudnn() -> None:
            torch.backends.cudnn.enabled = False

        for give_up in (without_layout, without_half, without_cudnn, None):
            try:
                learner = Learner("trial", wide_teacher(), self.device)
                learner.learn(self.lesson(learner), next(self.labelled()), 0.0)
                self.say(f"a first step: loss {learner.mean_loss():.4f}, {Learner.layout}, half {self.half}")
                return
            except Exception:
                self.say(f"a first step failed, {give_up}: {traceback.format_exc(limit=-3)}")
                if give_up:
                    give_up()

    def say(self, text: str) -> None:
        """A line for the reply and for the log that comes home."""
        line = f"{time.monotonic() - STARTED:6.1f} {text}"
        print(line, flush=True)
        with (self.options.out / "expression-log.txt").open("a") as log:
            log.write(line + "\n")

    def autocast(self) -> torch.autocast:
        """bfloat16 where the device is a GPU."""
        return torch.autocast(self.device.type, torch.bfloat16, enabled=self.half, cache_enabled=False)

    def ask(self, network: ExpressionNetwork, images: Tensor) -> Outputs:
        """The network's outputs in float32."""
        with self.autocast():
            outputs = network(images)
        return Outputs(*(output.float() for output in outputs))

    def pick(self, count: int) -> Tensor:
        """The next training rows, every one once an epoch."""
        while len(self.order) < count:
            more = torch.randperm(len(self.images["training"]), device=self.device)
            self.order = torch.cat([self.order, more])
        rows, self.order = self.order[:count], self.order[count:]
        return rows

    def faces(self, images: Tensor, rows: Tensor) -> Tensor:
        """Grey images [N, 1, 48, 48] in 0...255."""
        return images[rows].float().unsqueeze(1)

    def any_of(self, images: Tensor, count: int) -> Tensor:
        """Random faces."""
        return self.faces(images, torch.randint(0, len(images), (count,), device=self.device))

    def labelled(self) -> Iterator[Batch]:
        """Endless views of the training faces and their targets; made for several batches at once."""
        while True:
            rows = self.pick(self.options.batch * self.options.chunk)
            seen = views(self.faces(self.images["training"], rows))
            for part, some in zip(seen.split(self.options.batch), rows.split(self.options.batch), strict=True):
                yield part, self.shares[some], self.labels[some]

    def mixed(self, crops: Crops) -> Iterator[Batch]:
        """Endless views of which the first three fifths are of training faces, with their targets; the others are faces
        without labels, half of them blended with a training face. Without any of those all are such blends."""
        batch, chunk, training = self.options.batch, self.options.chunk, self.images["training"]
        own = round(0.6 * batch)
        while True:
            rows = self.pick(own * chunk)
            here = len(crops.images) > 0
            others = self.any_of(crops.images if here else training, (batch - own) * chunk)
            others = blend(others, self.any_of(training, len(others)), 0.5 if here else 1.0)
            first = self.faces(training, rows).view(chunk, own, 1, 48, 48)
            both = torch.cat([first, others.view(chunk, batch - own, 1, 48, 48)], 1)
            seen = views(both.flatten(0, 1), 1.25)
            for part, some in zip(seen.split(batch), rows.split(own), strict=True):
                yield part, self.shares[some], self.labels[some]

    # ---- measuring

    @torch.no_grad()
    def answers(self, network: ExpressionNetwork, use: str) -> tuple[Outputs, Outputs]:
        """Outputs for the faces of a use, on the CPU: of the pictures; averaged with those of their mirror images."""
        images, batch = self.images[use], self.options.batch
        parts: list[tuple[Outputs, Outputs]] = []
        for start in range(0, len(images), batch):
            # Every batch has the same size, for which the convolutions are chosen already.
            rows = torch.arange(start, start + batch, device=self.device) % len(images)
            seen = self.faces(images, rows)
            parts.append((self.ask(network, seen), self.ask(network, seen.flip(3))))
        plain, mirrored = (
            Outputs(*(torch.cat(column)[: len(images)].cpu() for column in zip(*side, strict=True)))
            for side in zip(*parts, strict=True)
        )
        return plain, Outputs(*((one + other) / 2 for one, other in zip(plain, mirrored, strict=True)))

    def figures(self, ferplus: Tensor, fer: Tensor, vectors: np.ndarray) -> dict[str, float]:
        """Accuracies and odd one out on the public faces, of probabilities and normalised vectors."""
        found: dict[str, float] = dict(accuracies(self.uses["public"], ferplus.numpy(), fer.numpy()))
        if len(self.odd):
            found["odd_one_out"] = float((odd_one_out(vectors, self.triplets) == self.odd).mean())
        return {name: round(value, 4) for name, value in found.items() if "images" not in name}

    def measure(self, name: str, outputs: Outputs, held: Outputs | None = None) -> dict[str, float]:
        """Prints and returns the figures of logits, calibrated if those for the held faces are given."""
        ferplus, fer = outputs.ferplus.softmax(1), outputs.fer.softmax(1)
        if held is not None:
            votes, labels = fit_heads(held, self.uses["held"])
            ferplus, fer = votes(outputs.ferplus), labels(outputs.fer)
        found = self.figures(ferplus, fer, normalise(outputs.expression.numpy()))
        self.say(f"{name}: {json.dumps(found)}")
        return found

    # ---- the two phases

    def beginner(self, number: int) -> Learner:
        """A teacher that has learnt nothing yet: from random weights, or, every second, from those of the identity network."""
        torch.manual_seed(self.options.seed + number)
        if number % 2 == 0:
            return Learner(f"teacher {number}, wide", wide_teacher(), self.device)
        side = (80, 96, 80)[number // 2 % 3]
        network = IdentityTeacher(self.start(), side, 0.3)
        return Learner(f"teacher {number}, identity at {side}", network, self.device, 0.4)

    def teacher(self, number: int, end: float) -> ExpressionNetwork:
        """Trains one teacher, or reads one that was trained before; its averaged weights."""
        learner, path = self.beginner(number), self.options.out / "teachers" / f"{number}.pt"
        if path.exists():
            learner.average.network.load_state_dict(torch.load(path, map_location=self.device, weights_only=True))
            self.say(f"{learner.name}: as it was left")
            return learner.average.network
        clock, source, line = Clock(end, self.options.steps), self.labelled(), time.monotonic()
        step = self.lesson(learner)
        while (progress := clock.tick()) < 1:
            learner.learn(step, next(source), progress)
            if time.monotonic() - line > LINE_SECONDS:
                self.line(learner, progress, line)
                line = time.monotonic()
        self.line(learner, 1, line)
        self.passes = learner.average.updates * self.options.batch / len(self.images["training"])
        path.parent.mkdir(exist_ok=True)
        torch.save(learner.average.network.state_dict(), path)
        return learner.average.network

    def start(self) -> Path:
        """Weights of the identity network: the packed ones, or those that came with the faces without labels."""
        packed = self.options.pack / START
        others = [] if packed.exists() or self.options.faces is None else sorted(self.options.faces.rglob("start.pt"))
        return others[0] if others else packed

    def line(self, learner: Learner, progress: float, since: float) -> None:
        """A line of how it goes; an error if it does not."""
        count = learner.count
        mean = learner.mean_loss()
        rate = count * self.options.batch / max(1e-6, time.monotonic() - since)
        self.say(f"{learner.name}: {progress:.3f}, {learner.average.updates} steps, {rate:.0f} views/s, loss {mean:.4f}")
        if count and not np.isfinite(mean):
            raise ArithmeticError(f"The loss of {learner.name} is not finite.")

    def teachers(self, end: float) -> list[ExpressionNetwork]:
        """Trains the ensemble by `end`, and says how good it is as it grows."""
        found: list[tuple[float, ExpressionNetwork, Outputs]] = []
        count, number = self.options.teachers, -1
        while (number := number + 1) < count:
            now = time.monotonic()
            try:
                network = self.teacher(number, now + (end - now) / (count - number))
                if number == 0 and not self.options.steps and self.passes < ENOUGH:
                    count = max(2, min(count, round(count * self.passes / ENOUGH)))
                    self.say(f"{self.passes:.1f} passes are few: {count} teachers")
                outputs = self.answers(network, "public")[1]
                figures = self.measure(f"teacher {number}, mirror", outputs)
                found.append((figures["accuracy8_ferplus"] + figures["accuracy7"], network, outputs))
                self.ensemble([outputs for _, _, outputs in found])
            except Exception:
                self.say(f"teacher {number} is left out: {traceback.format_exc(limit=-3)}")
        best = max((score for score, _, _ in found), default=0.0)
        kept = [(network, outputs) for score, network, outputs in found if score > best - 0.08]
        if len(kept) < len(found):
            self.say(f"{len(found) - len(kept)} much weaker teachers are left out")
            self.ensemble([outputs for _, outputs in kept])
        return [network for network, _ in kept]

    def ensemble(self, answers: list[Outputs]) -> None:
        """Prints the figures of the mean of the probabilities."""
        ferplus = torch.stack([outputs.ferplus.softmax(1) for outputs in answers]).mean(0)
        fer = torch.stack([outputs.fer.softmax(1) for outputs in answers]).mean(0)
        vectors = np.concatenate([normalise(outputs.expression.numpy()) for outputs in answers], 1)
        self.say(f"ensemble of {len(answers)}: {json.dumps(self.figures(ferplus, fer, vectors))}")

    @torch.no_grad()
    def asked(self, teachers: list[ExpressionNetwork], images: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Mean probabilities [N, 8] and [N, 7] and mean distances [N, N] of the teachers."""
        answers = [self.ask(network, images) for network in teachers]
        return (
            torch.stack([outputs.ferplus.softmax(1) for outputs in answers]).mean(0),
            torch.stack([outputs.fer.softmax(1) for outputs in answers]).mean(0),
            torch.stack([distances(outputs.expression) for outputs in answers]).mean(0),
        )

    def student_loss(self, outputs: Outputs, targets: Targets, answers: tuple[Tensor, ...]) -> Tensor:
        """What a student says of a batch against what the teachers said, if anything, and of the first rows against their
        labels."""
        own = len(targets.shares)
        labelled = total(Outputs(*(output[:own] for output in outputs)), targets)
        if not answers:
            return labelled
        votes, labels, apart = answers
        between = distances(outputs.expression)
        pairs = ~torch.eye(len(apart), dtype=torch.bool, device=self.device)
        known = torch.ones(len(apart), dtype=torch.bool, device=self.device)
        return (
            cross_entropy(outputs.ferplus, votes)
            + 0.6 * cross_entropy(outputs.fer, labels)
            + 2.0 * ((between - apart).square() * pairs).sum() / (len(apart) * (len(apart) - 1))
            + 0.15 * closest_pair(between, apart / HELLINGER_SCALE, votes.argmax(1), known)
            + 0.3 * labelled
        )

    def lesson(self, learner: Learner) -> Replayed[Tensor]:
        """An update by images, their targets and, for a student, what the teachers say of them."""

        def step(images: Tensor, shares: Tensor, labels: Tensor, *answers: Tensor) -> Tensor:
            outputs = self.ask(learner.network, images)
            return learner.update(self.student_loss(outputs, Targets(shares, labels), answers))

        return Replayed(step, self.device, self.say)

    def students(self, teachers: list[ExpressionNetwork], end: float) -> list[Learner]:
        """Trains both students by `end` on the same views and answers; those that came through."""
        torch.manual_seed(self.options.seed + 100)
        learners = [Learner("a", ExpressionNetwork(0.1), self.device)]
        try:
            learners.append(Learner("b", ExpressionNetwork(0.1, WIDE), self.device))
        except Exception:
            self.say(f"student b is left out: {traceback.format_exc(limit=-3)}")
        crops = Crops(self.options.faces, self.pool, self.device, self.say)
        with contextlib.suppress(OSError):
            crops.look()
        source = self.mixed(crops)
        asked = Replayed(lambda images: self.asked(teachers, images), self.device, self.say)
        steps = {learner.name: self.lesson(learner) for learner in learners}
        clock = Clock(end, self.options.steps)
        line = saved = time.monotonic()
        failures = 0
        while learners and failures < 5 and (progress := clock.tick()) < 1:
            try:
                batch = next(source)
                answers = asked(batch[0]) if teachers else ()
            except Exception:
                failures, source = failures + 1, self.mixed(crops)
                self.say(f"a batch failed: {traceback.format_exc(limit=-3)}")
                continue
            dropped: list[Learner] = []
            now = time.monotonic()
            tell, keep = now - line > LINE_SECONDS, now - saved > SAVE_SECONDS
            for learner in learners:
                try:
                    learner.learn(steps[learner.name], (*batch, *answers), progress)
                    if tell:
                        self.line(learner, progress, line)
                    if keep:
                        self.save(learner)
                        self.measure(f"student {learner.name}, mirror", self.answers(learner.average.network, "public")[1])
                except Exception:
                    dropped.append(learner)
                    self.say(f"student {learner.name} is left out: {traceback.format_exc(limit=-3)}")
            learners = [learner for learner in learners if learner not in dropped]
            if tell:
                with contextlib.suppress(OSError):
                    crops.look()
                line = time.monotonic()
            if keep:
                saved = time.monotonic()
        return learners

    def save(self, learner: Learner) -> None:
        """Writes the averaged weights whole or not at all: matrices in fp16, statistics as they are."""
        values = {name: value.cpu() for name, value in learner.average.network.state_dict().items()}
        if not all(bool(value.isfinite().all()) for value in values.values()):
            raise ArithmeticError(f"The weights of {learner.name} are not finite.")
        state = {name: value.half() if value.ndim > 1 else value for name, value in values.items()}
        path = self.options.out / f"expression-{learner.name}.pt"
        widths = list(WIDE if learner.name == "b" else WIDTHS)
        torch.save({"average": state, "widths": widths, "steps": learner.average.updates}, path.with_suffix(".partial"))
        path.with_suffix(".partial").replace(path)

    def finish(self, teachers: list[ExpressionNetwork], learners: list[Learner]) -> None:
        """Saves the students, then measures everything with the calibrations an export would fit."""
        for learner in list(learners):
            try:
                self.save(learner)
            except Exception:
                learners.remove(learner)
                self.say(f"student {learner.name} is left out: {traceback.format_exc(limit=-3)}")
        for learner in learners:
            network = learner.average.network
            sides = zip(self.answers(network, "public"), self.answers(network, "held"), strict=True)
            for side, (public, held) in zip(("single", "mirror"), sides, strict=True):
                self.measure(f"student {learner.name}, {side}", public)
                self.measure(f"student {learner.name}, {side}, calibrated", public, held)
        if teachers:
            public, held = ([self.answers(t, use)[1] for t in teachers] for use in ("public", "held"))
            self.ensemble(public)
            votes, labels = fit_heads(self.mean_logits(held), self.uses["held"])
            logits = self.mean_logits(public)
            vectors = np.concatenate([normalise(outputs.expression.numpy()) for outputs in public], 1)
            found = self.figures(votes(logits.ferplus), labels(logits.fer), vectors)
            self.say(f"ensemble, calibrated: {json.dumps(found)}")

    @staticmethod
    def mean_logits(answers: list[Outputs]) -> Outputs:
        """Logarithms of the mean probabilities."""

        def mean(logits: list[Tensor]) -> Tensor:
            return torch.stack([one.softmax(1) for one in logits]).mean(0).clamp_min(1e-6).log()

        return Outputs(mean([a.ferplus for a in answers]), mean([a.fer for a in answers]), answers[0].expression)


def train(options: argparse.Namespace) -> None:
    """Both phases, each in its share of the time."""
    # The processes that decode are started before the device is touched, and kept for crops that come later.
    with multiprocessing.get_context("fork").Pool(options.workers) as pool:
        run = Run(options, pool)
        end = STARTED + options.seconds - LAST_SECONDS
        now = time.monotonic()
        teachers = run.teachers(now + options.teachers_share * (end - now))
        learners = run.students(teachers, end)
        run.finish(teachers, learners)
        run.say("done")


def main(arguments: list[str] | None = None) -> None:
    """Command line entry."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pack", type=Path, default=Path(".gpu/x"))
    parser.add_argument("--faces", type=Path, help="folder of pieces of faces without labels")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--seconds", type=float, default=600, help="from the start of the program to its end")
    parser.add_argument("--teachers", type=int, default=6)
    parser.add_argument("--teachers-share", type=float, default=0.45, help="share of the time that is theirs")
    parser.add_argument("--batch", type=int, default=128)
    parser.add_argument("--chunk", type=int, default=16, help="batches whose views are made at once")
    parser.add_argument("--workers", type=int, default=min(16, os.cpu_count() or 1), help="processes that decode")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--eager", action="store_true", help="without CUDA graphs")
    parser.add_argument("--limit", type=int, help="only so many faces of each use (to try the code)")
    parser.add_argument("--steps", type=int, help="so many steps a network instead of time (to try the code)")
    options = parser.parse_args(arguments)
    Replayed.possible = not options.eager
    options.out.mkdir(parents=True, exist_ok=True)
    train(options)


if __name__ == "__main__":
    main()
