"""What a GPU machine needs for the mood network: `python -m Training.expression.gpu.pack --data DIR --out .gpu/x`.

    expression.npz      votes, labels and names of the pictures, triplets of PublicTest
    expression.bin.xz   their JPEGs, one after another
    identity-start.pt   the filters of the shipped identity network, which some of the teachers begin from

DIR holds FER2013 as `Training.expression.train` reads it, and beside it expression-triplets-dev.csv and the
faces-train-112.zip of the identity network's training, some of which set the statistics of its normalisations.
"""

from __future__ import annotations

import argparse
import io
import lzma
import zipfile
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from ...identity.network import IdentityNetwork
from ..data import Faces, training_split
from ..triplets import read_triplets

USES = ("training", "held", "public")
INDEX, PICTURES, START = "expression.npz", "expression.bin.xz", "identity-start.pt"


def pack_faces(
    out: Path, uses: dict[str, Faces], pictures: list[bytes], triplets: tuple[np.ndarray, np.ndarray]
) -> None:
    """Write the faces of each of `USES`, `pictures` being their files in that order."""
    fields = {f"{use}_{f}": getattr(uses[use], f) for use in USES for f in ("files", "votes", "others", "labels")}
    lengths = np.array([len(picture) for picture in pictures], np.int32)
    np.savez_compressed(out / INDEX, length=lengths, triplets=triplets[0], odd=triplets[1], **fields)
    # The headers of the JPEGs are alike: together they take little room.
    (out / PICTURES).write_bytes(lzma.compress(b"".join(pictures), preset=4))


def pack_start(out: Path, graph: Path, archive: Path, count: int) -> None:
    """Write the filters of the exported identity network for PyTorch, by `count` of the archive's crops."""
    from ...identity.shipped import start_from  # needs OpenVINO, which the GPU machine lacks

    with zipfile.ZipFile(archive) as crops:
        names = sorted(name for name in crops.namelist() if name.endswith(".webp"))
        chosen = [crops.read(name) for name in names[:: max(1, len(names) // count)][:count]]
    images = np.stack([np.asarray(Image.open(io.BytesIO(crop)).convert("RGB")) for crop in chosen])
    network = IdentityNetwork().eval()
    with torch.no_grad():
        start_from(network, graph, torch.from_numpy(images).permute(0, 3, 1, 2).float().div(127.5).sub(1))
    torch.save(pack_filters(network), out / START)


def pack_filters(network: IdentityNetwork) -> dict[str, Tensor]:
    """What comes before the network's pooling; filters in int8, with a scale for each, which does for a beginning."""
    packed = {}
    for name, value in network.features.state_dict().items():
        if value.ndim > 1:
            scale = value.flatten(1).abs().amax(1).clamp_min(1e-8) / 127
            packed[f"{name}.scale"] = scale
            value = (value / scale.view(-1, *[1] * (value.ndim - 1))).round().to(torch.int8)
        packed[name] = value
    return packed


def read_filters(path: Path) -> dict[str, Tensor]:
    """What `pack_filters` packed, or the filters among the weights of a whole identity network."""
    stored = torch.load(path, map_location="cpu", weights_only=True)
    if any(name.startswith("features.") for name in stored):
        return {name[9:]: value.float() for name, value in stored.items() if name.startswith("features.")}
    scales = {name[:-6]: stored.pop(name) for name in list(stored) if name.endswith(".scale")}
    for name, scale in scales.items():
        stored[name] = stored[name].float() * scale.view(-1, *[1] * (stored[name].ndim - 1))
    return stored


def main() -> None:
    """Command line entry."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--models", type=Path, default=Path("Models"))
    parser.add_argument("--out", type=Path, default=Path(".gpu/x"))
    parser.add_argument("--sample", type=int, default=96, help="crops that set the identity network's normalisations")
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    uses = dict(zip(USES, training_split(options.data), strict=True))
    listed, triplets = options.data / "expression-triplets-dev.csv", (np.empty((0, 3), int), np.empty(0, int))
    if listed.exists():
        triplets = read_triplets(listed, uses["public"])
    pictures = [(options.data / file).read_bytes() for use in USES for file in uses[use].files]
    pack_faces(options.out, uses, pictures, triplets)
    pack_start(options.out, options.models / "identity.xml", options.data / "faces-train-112.zip", options.sample)
    for path in sorted(options.out.iterdir()):
        print(f"{path}: {path.stat().st_size / 2**20:.1f} MiB", flush=True)
    print({use: len(faces) for use, faces in uses.items()}, f"{len(triplets[0])} triplets")


if __name__ == "__main__":
    main()
