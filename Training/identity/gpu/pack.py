"""What a GPU machine needs to train the identity network, in pieces: `python -m Training.identity.gpu.pack --data DIR`.

    .gpu/a   teacher.pt and second.pt (the teachers for PyTorch), start.pt (the shipped weights), check.npz, the first faces
    .gpu/b   the other faces, in more pieces where one is not enough

Where what travels at once is bounded, `--piece-mib` bounds a piece. The given crops are 119 MB; encoded again at WebP quality
78 they are some 75 MiB. Teachers and student see the same pictures there, so that only the finest detail is lost.
"""

from __future__ import annotations

import argparse
import io
import json
import zipfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image

from ...manifest import parts
from ..data import Crop, read_manifest, training_rows
from ..network import IdentityNetwork
from ..shipped import start_from
from .teacher_torch import convert

TEACHER = "teacher/face-reidentification-retail-0095.xml"
WATCHED = 1000


def encode(picture: bytes, quality: int) -> bytes:
    """The crop again, in fewer bytes; from 85 on as it is."""
    if quality >= 85:
        return picture
    packed = io.BytesIO()
    Image.open(io.BytesIO(picture)).convert("RGB").save(packed, "WEBP", quality=quality, method=4)
    return packed.getvalue()


def in_halves(operations: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Operations with constants in fp16."""
    return [{k: v.half() if isinstance(v, torch.Tensor) else v for k, v in one.items()} for one in operations]


@dataclass
class Pieces:
    """Writes faces into folders a, b, ... of at most `size` bytes, with what lies in a folder already counted in.

    A piece is `faces-X.bin`, the pictures one after another, and `faces-X.npz`, their lengths, their rows in the manifest, and which
    are watched and not trained on.
    """

    folder: Path
    size: float
    watched: NDArray[np.int64]
    _names: list[str] = field(default_factory=lambda: list("abcdefgh"))
    _name: str = ""
    _left: float = 0.0
    _file: BinaryIO | None = None
    _lengths: list[int] = field(default_factory=list)
    _rows: list[int] = field(default_factory=list)

    def add(self, row: int, picture: bytes) -> None:
        """One more face, in the next piece where this one is full."""
        if self._left < len(picture):
            self.close()
            self._name = self._names.pop(0)
            folder = self.folder / self._name
            folder.mkdir(parents=True, exist_ok=True)
            self._file = (folder / f"faces-{self._name}.bin").open("wb")
            self._left = self.size - sum(path.stat().st_size for path in folder.iterdir())
        assert self._file is not None
        self._file.write(picture)
        self._left -= len(picture)
        self._lengths.append(len(picture))
        self._rows.append(row)

    def close(self) -> None:
        """Ends the piece."""
        if self._file is None:
            return
        self._file.close()
        np.savez(
            self.folder / self._name / f"faces-{self._name}.npz",
            length=np.array(self._lengths), row=np.array(self._rows), watched=np.isin(self._rows, self.watched),
        )  # fmt: skip
        print(f"piece {self._name}: {len(self._rows)} crops, {sum(self._lengths) / 2**20:.1f} MiB", flush=True)
        self._lengths, self._rows, self._file = [], [], None


def pack_networks(data: Path, models: Path, folder: Path, sample: NDArray[np.uint8]) -> None:
    """Both teachers, and the shipped weights with the normalisations of the sample's crops [N, 112, 112, 3]."""
    torch.save(in_halves(convert(data / TEACHER)), folder / "teacher.pt")
    sface = next((p for p in parts(json.loads((models / "identity.json").read_text())) if "sface" in p["version"]), None)
    if sface is not None and (models / sface["weights"]["file"]).exists():
        operations = convert(models / sface["graph"]["file"], models / sface["weights"]["file"])
        torch.save(in_halves(operations), folder / "second.pt")
    else:
        print("SFace is not there: one teacher", flush=True)
    network = IdentityNetwork()
    images = torch.from_numpy(sample).permute(0, 3, 1, 2).float().div(127.5).sub(1)
    start_from(network, models / "identity.xml", images)
    state = {name: value.half() if value.ndim > 1 else value for name, value in network.state_dict().items()}
    torch.save(state, folder / "start.pt")


def watched_rows(crops: list[Crop]) -> NDArray[np.int64]:
    """Crops of LFW's development people, on which a run is watched."""
    development = np.array([i for i, crop in enumerate(crops) if crop.lfw_development == 1], np.int64)
    return development[:: max(1, len(development) // WATCHED)]


def main() -> None:
    """Command line entry."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--models", type=Path, default=Path("Models"))
    parser.add_argument("--out", type=Path, default=Path(".gpu"))
    parser.add_argument("--quality", type=int, default=78)
    parser.add_argument("--piece-mib", type=float, default=52, help="the size of a piece")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--sample", type=int, default=128, help="crops that set the start's normalisations")
    parser.add_argument("--limit", type=int, help="only so many crops (to try the code)")
    arguments = parser.parse_args()
    crops = read_manifest(arguments.data)
    rows, watched = training_rows(arguments.data, crops), watched_rows(crops)
    order = np.random.default_rng(0).permutation(rows)
    if arguments.limit:
        watched, order = watched[: arguments.limit], order[: arguments.limit]
    everything = np.concatenate([watched, order])
    first = arguments.out / "a"
    first.mkdir(parents=True, exist_ok=True)
    stored = np.load(arguments.data / "teacher-embeddings-train.npz")
    np.savez(first / "check.npz", row=watched, teacher=stored["q"][watched])
    with zipfile.ZipFile(arguments.data / "faces-train-112.zip") as archive, ThreadPoolExecutor(arguments.threads) as pool:

        def decoded(row: int) -> NDArray[np.uint8]:
            return np.asarray(Image.open(io.BytesIO(archive.read(crops[row].file))).convert("RGB"))

        sample = np.stack([decoded(row) for row in rows[:: max(1, len(rows) // arguments.sample)]])
        pack_networks(arguments.data, arguments.models, first, sample)
        pieces = Pieces(arguments.out, arguments.piece_mib * 2**20, watched)
        for start in range(0, len(everything), 256):
            some = everything[start : start + 256]
            pictures = [archive.read(crops[row].file) for row in some]
            qualities = np.where(np.isin(some, watched), 100, arguments.quality)  # what is watched stays as it is
            for row, picture in zip(some, pool.map(encode, pictures, qualities), strict=True):
                pieces.add(int(row), picture)
        pieces.close()


if __name__ == "__main__":
    main()
