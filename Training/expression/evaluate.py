"""Measure the exported network on FER2013's PublicTest: the figures and tables of its card.

    python -m Training.expression.evaluate --data DIR --triplets LIST --models Models

The Swift commands `vision evaluate fer` and `vision evaluate triplets` measure the same through the service's code.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import numpy as np

from . import reaction
from .data import Faces, training_split
from .export import run
from .labels import FER, FERPLUS, MOODS, mood_of
from .metrics import accuracies, confusion, moods, normalise, odd_one_out
from .triplets import read_triplets, within_emotion


def triplet_figures(faces: Faces, outputs: dict[str, np.ndarray], listed: Path) -> dict[str, float | int]:
    """Odd-one-out accuracy of the expression and of the probabilities (Hellinger), listed and within emotions."""
    unit, roots = normalise(outputs["expression"]), np.sqrt(outputs["ferplus"])
    rows, odd = read_triplets(listed, faces)
    same, same_odd = within_emotion(faces, 20_000)
    return {
        "odd_one_out": float((odd_one_out(unit, rows) == odd).mean()),
        "odd_one_out_probabilities": float((odd_one_out(roots, rows) == odd).mean()),
        "triplets": len(rows),
        "within_emotion": float((odd_one_out(unit, same) == same_odd).mean()),
        "within_emotion_probabilities": float((odd_one_out(roots, same) == same_odd).mean()),
        "within_emotion_triplets": len(same),
    }


def table(counts: np.ndarray, names: tuple[str, ...]) -> str:
    """A confusion matrix as Markdown: truth down, prediction across, with each row's share found."""
    lines = ["| | " + " | ".join(names) + " | found |", "|---" * (len(names) + 2) + "|"]
    for name, row in zip(names, counts, strict=True):
        found = f"{100 * row[names.index(name)] / max(1, row.sum()):.1f} %"
        lines.append(f"| **{name}** | " + " | ".join(str(count) for count in row) + f" | {found} |")
    return "\n".join(lines)


def confusions(faces: Faces, outputs: dict[str, np.ndarray]) -> dict[str, str]:
    """The confusion matrices of moods, FER labels and FER+ majorities."""
    majority = faces.majority
    ferplus, fer = outputs["ferplus"][majority], outputs["fer"]
    vote, label = faces.votes[majority].argmax(1), faces.labels.argmax(1)
    names = tuple(MOODS)
    of_vote, of_label = np.array(mood_of(FERPLUS)), np.array(mood_of(FER))
    return {
        "moods, votes": table(confusion(moods(ferplus, FERPLUS).argmax(1), of_vote[vote], 4), names),
        "moods, labels": table(confusion(moods(fer, FER).argmax(1), of_label[label], 4), names),
        "labels": table(confusion(fer.argmax(1), label, len(FER)), FER),
        "votes": table(confusion(ferplus.argmax(1), vote, len(FERPLUS)), FERPLUS),
    }


def calibration_table(probabilities: np.ndarray, truth: np.ndarray) -> str:
    """Mean confidence and accuracy of the predicted class, by confidence, as Markdown."""
    confidence, correct = probabilities.max(1), probabilities.argmax(1) == truth
    lines = ["| confidence | images | mean | correct |", "|---|---|---|---|"]
    for low, high in ((0.0, 0.5), (0.5, 0.6), (0.6, 0.7), (0.7, 0.8), (0.8, 0.9), (0.9, 0.95), (0.95, 1.001)):
        rows = (confidence >= low) & (confidence < high)
        if rows.any():
            span = f"{low:.2f}-{min(high, 1):.2f}"
            lines.append(f"| {span} | {rows.sum()} | {confidence[rows].mean():.3f} | {correct[rows].mean():.3f} |")
    return "\n".join(lines)


def main() -> None:
    """Print the tables, and as the last line the figures as JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--triplets", type=Path, required=True)
    parser.add_argument("--models", type=Path, default=Path("Models"))
    options = parser.parse_args()
    entry = json.loads((options.models / "expression.json").read_text())
    _, _, public = training_split(options.data)
    outputs = run(options.models / entry["graph"]["file"], public.images)

    for name, text in confusions(public, outputs).items():
        print(f"\n{name}\n\n{text}")
    majority = public[np.flatnonzero(public.majority)]
    truth = np.array(mood_of(FERPLUS))[majority.votes.argmax(1)]
    print("\ncalibration\n\n" + calibration_table(moods(outputs["ferplus"][public.majority], FERPLUS), truth))

    anchors = {reference["name"]: np.array(reference["vector"]) for reference in entry["reaction"]["references"]}
    near = reaction.distance(outputs["expression"], anchors)
    chosen = entry["reaction"]["tau"]
    rates, area = reaction.rates(near, public, sorted({0.1, 0.2, 0.3, 0.5, 0.7, reaction.PAPER_TAU, 1.1, chosen}))
    print("\n| tau | true positive | false positive |\n|---|---|---|")
    for rate in rates:
        print(f"| {rate.tau} | {rate.true_positive:.3f} | {rate.false_positive:.3f} |")

    figures = accuracies(public, outputs["ferplus"], outputs["fer"])
    figures |= triplet_figures(public, outputs, options.triplets)
    figures |= {"tau": chosen, "enjoying_auc": area}
    print("\n" + json.dumps({name: round(value, 4) for name, value in figures.items()}))


if __name__ == "__main__":
    main()
