"""Between where a run began and where it ended: `python -m Training.identity.average --data DIR --start-from GRAPH`.

The mean of a network's weights before and after it was trained on often does better than either (Wortsman et al. 2022, "Robust
fine-tuning of zero-shot models"). Prints the cosine to the teacher on the watched crops for several shares of the way,
and writes the best as a checkpoint for `export.py`.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import torch
from torch import Tensor

from .train import Settings, Trainer
from .training_set import TrainingSet

Weights = dict[str, Tensor]


def between(start: Weights, end: Weights, share: float) -> Weights:
    """Weights and statistics `share` of the way (0...1) from one to the other."""
    return {
        name: torch.lerp(value, end[name], share) if value.is_floating_point() else end[name]
        for name, value in start.items()
    }


def main() -> None:
    """Command line entry."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder of the training data")
    parser.add_argument("--out", type=Path, default=Path(".local/identity"), help="folder with the run's checkpoint")
    parser.add_argument("--start-from", type=Path, required=True, help="graph that the run started from")
    parser.add_argument("--shares", type=float, nargs="+", default=[0.2, 0.4, 0.6, 0.8, 1.0])
    arguments = parser.parse_args()
    trainer = Trainer(
        Settings(), TrainingSet.load(arguments.data, arguments.out), torch.device("cpu"), shipped=arguments.start_from
    )
    start = {name: value.clone() for name, value in trainer.averaged.state_dict().items()}
    end = torch.load(arguments.out / "checkpoint.pt", map_location="cpu", weights_only=True)["averaged"]
    cosines = {}
    for share in arguments.shares:
        trainer.averaged.load_state_dict(between(start, end, share))
        cosines[share] = trainer.watched_cosine()
        print(f"{share}: watched cosine {cosines[share]:.4f}", flush=True)
    best = max(cosines, key=lambda share: cosines[share])
    path = arguments.out / "average.pt"
    torch.save({"averaged": between(start, end, best)}, path)
    print(f"{path}: {best} of the way")


if __name__ == "__main__":
    main()
