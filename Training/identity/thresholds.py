"""Chooses the service's thresholds by what happens to people: `python -m Training.identity.thresholds`.

Development people (LFW's folds 1-5, not trained on) come to galleries of 1,000 with one enrolled photo each. Prints the
report of the card and writes the thresholds for `export.py --identification`.
"""

from __future__ import annotations

import argparse
import csv
import gzip
import json
import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from .data import Crop, decode, read_manifest
from .evaluate import Embedder, Vectors
from .quality import sharpness, yaw
from .teacher import normalise

WRONGLY_MERGED, NOT_ENROLLED = 0.005, 0.07
GALLERY = 1000
# Cosine of the teacher above which two unlabelled pictures are taken for one person.
SAME_PERSON = 0.6
DUPLICATES = Path(__file__).with_name("duplicates.csv")
SAME_PEOPLE = Path(__file__).with_name("same_people.csv")
UTKFACE_GROUPS = {"0": "White", "1": "Black", "2": "Asian", "3": "Indian"}


def read_duplicates() -> set[frozenset[str]]:
    """Pairs of names that are one person, from duplicates.csv."""
    with DUPLICATES.open(newline="") as lines:
        return {frozenset((row["person1"], row["person2"])) for row in csv.DictReader(lines)}


def merge_duplicates(people: list[str]) -> NDArray[np.int64]:
    """One number a person, the same for names that are one person."""
    number = {name: name for name in people}
    for pair in read_duplicates():
        known = sorted(name for name in pair if name in number)
        if len(known) == 2:
            old, new = number[known[1]], number[known[0]]
            number = {name: new if value == old else value for name, value in number.items()}
    return np.unique([number[name] for name in people], return_inverse=True)[1].astype(np.int64)


def same_people(crops: list[Crop], teacher: Vectors) -> NDArray[np.bool_]:
    """Which pairs of unlabelled pictures [N, N] are taken for one person: by the teacher, or by same_people.csv, for which
    the closest pairs were looked at."""
    with SAME_PEOPLE.open(newline="") as file:
        known = {row["file"]: int(row["person"]) for row in csv.DictReader(file)}
    people = np.array([known.get(crop.stem, -1 - i) for i, crop in enumerate(crops)])
    return (teacher @ teacher.T > SAME_PERSON) | (people[:, None] == people)


@dataclass(frozen=True)
class Visits:
    """What the nearest enrolled photo said at each visit, over many random galleries."""

    newcomers: NDArray[np.float64]
    returning: NDArray[np.float64]
    returning_right: NDArray[np.bool_]

    def rates(self, match: float, enrol: float) -> dict[str, float]:
        """Shares of newcomers merged with somebody and enrolled at once, of returning people found, taken for
        somebody else, and enrolled again."""
        found = self.returning <= match
        return {
            "newcomers_wrongly_merged": float((self.newcomers <= match).mean()),
            "newcomers_enrolled": float((self.newcomers > enrol).mean()),
            "returning_found": float((found & self.returning_right).mean()),
            "returning_as_somebody_else": float((found & ~self.returning_right).mean()),
            "returning_enrolled_again": float((self.returning > enrol).mean()),
        }


def visit(
    vectors: Vectors,
    people: NDArray[np.int64],
    size: int = GALLERY,
    galleries: int = 40,
    enrollable: NDArray[np.bool_] | None = None,
) -> Visits:
    """Random galleries of `size` people, one (`enrollable`) photo each. Returning people show one of their other photos,
    newcomers (everybody else) one of theirs."""
    generator = np.random.default_rng(0)
    enrollable = np.ones(len(people), bool) if enrollable is None else enrollable
    newcomers, returning, right = [], [], []
    for _ in range(galleries):
        order = generator.permutation(len(people))
        candidates = order[enrollable[order]]
        _, first = np.unique(people[candidates], return_index=True)
        enrolled = candidates[generator.permutation(first)[:size]]
        others = np.setdiff1d(order, enrolled)
        others = generator.permutation(others)
        _, first = np.unique(people[others], return_index=True)
        visitors = others[first]
        distances = 1 - vectors[visitors] @ vectors[enrolled].T
        nearest = distances.argmin(1)
        nearest_distance = distances[np.arange(len(visitors)), nearest]
        known = np.isin(people[visitors], people[enrolled])
        newcomers.append(nearest_distance[~known])
        returning.append(nearest_distance[known])
        right.append(people[enrolled][nearest[known]] == people[visitors[known]])
    return Visits(np.concatenate(newcomers), np.concatenate(returning), np.concatenate(right))


def group_of(crop: Crop) -> str | None:
    """Group by age and origin that a file name of UTKFace or All-Age-Faces tells."""
    if crop.source == "utkface":
        fields = crop.stem.split("_")
        if len(fields) < 4 or not fields[0].isdigit() or fields[2] not in UTKFACE_GROUPS:
            return None
        age, name = int(fields[0]), f"UTKFace {UTKFACE_GROUPS[fields[2]]}"
    elif crop.source == "aaf" and (found := re.fullmatch(r"\d+A(\d+)", crop.stem)):
        age, name = int(found[1]), "All-Age-Faces"
    else:
        return None
    return f"{name} 16 and older" if age >= 16 else "ages 6-15" if age >= 6 else "ages 0-5"


def group_newcomers(vectors: Vectors, same: NDArray[np.bool_]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Every picture of a group against random galleries of 1,000 others of it: the nearest distance of each that is not
    `same` [N, N], one person's, and the distances of all such pairs."""
    generator = np.random.default_rng(0)
    distances = 1 - vectors @ vectors.T
    nearest = []
    for _ in range(4):
        order = generator.permutation(len(vectors))
        enrolled, visitors = order[:GALLERY], order[GALLERY:]
        block = np.where(same[np.ix_(visitors, enrolled)], np.inf, distances[np.ix_(visitors, enrolled)])
        nearest.append(block.min(1))
    upper = np.triu_indices(len(vectors), 1)
    return np.concatenate(nearest), distances[upper][~same[upper]]


def error_table(vectors: Vectors, people: NDArray[np.int64], resamples: int = 200) -> list[dict[str, object]]:
    """False non-match rates at false match rates from 1e-2 to 1e-5 over all cross pairs, with 95 % intervals from a
    bootstrap over people, and 1e-6 extrapolated from a line through the logarithms between 1e-3 and 1e-5."""
    first, second = np.triu_indices(len(vectors), 1)
    distances = (1 - vectors @ vectors.T)[first, second]
    same = people[first] == people[second]
    genuine, impostor = distances[same], distances[~same]
    genuine_people = people[first[same]]
    tail = np.argpartition(impostor, len(impostor) // 40)[: len(impostor) // 40]
    tail = tail[np.argsort(impostor[tail])]
    left, right = people[first[~same]][tail], people[second[~same]][tail]
    impostor = impostor[tail]
    total = float((~same).sum())
    counts = np.bincount(people).astype(np.float64)
    generator = np.random.default_rng(0)
    rates = [1e-2, 1e-3, 1e-4, 1e-5]

    def thresholds(weights: NDArray[np.float64]) -> list[float]:
        images = (weights * counts).sum()
        pairs = (images**2 - ((weights * counts) ** 2).sum()) / 2
        cumulative = np.cumsum(weights[left] * weights[right]) / pairs
        return [float(impostor[min(np.searchsorted(cumulative, rate), len(impostor) - 1)]) for rate in rates]

    exact = [float(impostor[max(0, int(rate * total) - 1)]) for rate in rates]
    slope, offset = np.polyfit(exact[1:], np.log10(rates[1:]), 1)
    exact.append(float((-6 - offset) / slope))
    samples = []
    for _ in range(resamples):
        weights = np.bincount(generator.integers(0, len(counts), len(counts)), minlength=len(counts)).astype(np.float64)
        chosen = thresholds(weights)
        pair_weights = weights[genuine_people]
        samples.append([(pair_weights * (genuine > t)).sum() / pair_weights.sum() for t in chosen])
    low, high = np.quantile(samples, [0.025, 0.975], axis=0)
    rows: list[dict[str, object]] = []
    for i, threshold in enumerate(exact):
        row: dict[str, object] = {
            "fmr": (rates + [1e-6])[i],
            "distance": round(threshold, 4),
            "fnmr": round(float((genuine > threshold).mean()), 4),
        }
        if i < len(rates):
            row["interval"] = [round(float(low[i]), 4), round(float(high[i]), 4)]
        else:
            row["extrapolated"] = True
        rows.append(row)
    return rows


def top_impostors(
    vectors: Vectors, crops: list[Crop], people: NDArray[np.int64], count: int
) -> list[tuple[float, int, int]]:
    """The closest pairs of different people: distance and rows, closest first."""
    distances = 1 - vectors @ vectors.T
    distances[people[:, None] == people[None]] = np.inf
    distances[np.tril_indices(len(crops))] = np.inf
    closest = np.argpartition(distances, count, axis=None)[:count]
    closest = closest[np.argsort(distances.ravel()[closest])]
    return [(float(distances.ravel()[i]), *divmod(int(i), len(crops))) for i in closest]


def read_landmarks(data: Path) -> dict[str, NDArray[np.float64]]:
    """Five landmarks [5, 2] a crop, by file."""
    with gzip.open(data / "faces-train-112.manifest.csv.gz", "rt", newline="") as lines:
        return {
            row["file"]: np.array([[float(row[f"x{i}"]), float(row[f"y{i}"])] for i in range(1, 6)])
            for row in csv.DictReader(lines)
        }


def show(title: str, values: object) -> None:
    """One line of the report."""
    print(title, json.dumps(values), flush=True)


def main() -> None:
    """Command line entry."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--out", type=Path, default=Path(".local/identity"), help="folder of the decoded crops")
    parser.add_argument("--result", type=Path, default=Path(".local/identity/identification.json"))
    parser.add_argument("--graph", type=Path, default=Path("Models/identity.xml"))
    parser.add_argument("--minimum-sharpness", type=float, default=40.0)
    parser.add_argument("--maximum-yaw", type=float, default=0.35)
    parser.add_argument("--group-size", type=int, default=1500, help="pictures a group")
    parser.add_argument("--impostors", type=int, default=0, help="list so many of the closest pairs and stop")
    arguments = parser.parse_args()

    manifest = read_manifest(arguments.data)
    images = decode(arguments.data, arguments.out, manifest)
    embedder = Embedder(arguments.graph)
    rows = [i for i, crop in enumerate(manifest) if crop.lfw_development == 1]
    crops = [manifest[i] for i in rows]
    people = merge_duplicates([crop.person for crop in crops])
    vectors = embedder.embed(images[rows])
    if arguments.impostors:
        for distance, first, second in top_impostors(vectors, crops, people, arguments.impostors):
            print(f"{distance:.4f} {crops[first].stem} {crops[second].stem}")
        return
    show("people and photos", [int(people.max()) + 1, len(crops)])
    for line in error_table(vectors, people):
        show("error rates", line)

    stored = np.load(arguments.data / "teacher-embeddings-train.npz")
    generator = np.random.default_rng(0)
    members: dict[str, list[int]] = {}
    for i, crop in enumerate(manifest):
        if (group := group_of(crop)) is not None:
            members.setdefault(group, []).append(i)
    nearest, pairs = {}, {}
    for group in sorted(members):
        chosen = np.sort(generator.permutation(members[group])[: arguments.group_size])
        teacher = normalise(stored["q"][chosen].astype(np.float32) * stored["scale"][chosen, None])
        same = same_people([manifest[i] for i in chosen], teacher)
        nearest[group], pairs[group] = group_newcomers(embedder.embed(images[chosen]), same)

    visits = visit(vectors, people)
    limits = {"LFW": float(np.quantile(visits.newcomers, WRONGLY_MERGED))}
    limits |= {group: float(np.quantile(n, WRONGLY_MERGED)) for group, n in nearest.items() if "older" in group}
    match = round(min(limits.values()), 3)
    enrol = round(float(np.quantile(visits.newcomers, NOT_ENROLLED)), 3)
    show("match limit by adult group", {group: round(limit, 4) for group, limit in limits.items()})
    show("thresholds", {"match": match, "enrol": enrol})
    show("gallery of 1000", {k: round(v, 4) for k, v in visits.rates(match, enrol).items()})
    by_lfw = visits.rates(round(limits["LFW"], 3), enrol)
    show("gallery of 1000, match from LFW alone", {k: round(v, 4) for k, v in by_lfw.items()})
    for size in (250, 500, 1500):
        rates = visit(vectors, people, size).rates(match, enrol)
        show(f"gallery of {size}", {k: round(v, 4) for k, v in rates.items()})
    share = visits.rates(match, enrol)["newcomers_wrongly_merged"]
    show("gallery of 10000, extrapolated", {"newcomers_wrongly_merged": round(1 - (1 - share) ** 10, 4)})
    for group in nearest:
        show(f"group {group}", {
            "newcomers_wrongly_merged": round(float((nearest[group] <= match).mean()), 4),
            "newcomers_enrolled": round(float((nearest[group] > enrol).mean()), 4),
            "fmr": float(f"{(pairs[group] <= match).mean():.2g}"),
        })  # fmt: skip

    landmarks = read_landmarks(arguments.data)
    sharp = np.array([sharpness(images[i]) for i in rows])
    turned = np.array([yaw(landmarks[crop.file]) for crop in crops])
    show("sharpness quantiles 1 5 25 50 %", [round(float(q), 1) for q in np.quantile(sharp, [0.01, 0.05, 0.25, 0.5])])
    show("yaw quantiles 50 75 95 99 %", [round(float(q), 3) for q in np.quantile(turned, [0.5, 0.75, 0.95, 0.99])])
    for name, passed in (
        ("sharpness", sharp >= arguments.minimum_sharpness),
        ("yaw", turned <= arguments.maximum_yaw),
        ("both", (sharp >= arguments.minimum_sharpness) & (turned <= arguments.maximum_yaw)),
    ):
        rates = visit(vectors, people, enrollable=passed).rates(match, enrol)
        refused = round(float(1 - passed.mean()), 4)
        show(f"gate by {name}", {"refused": refused, **{k: round(v, 4) for k, v in rates.items()}})
    result = {
        "match": match,
        "enrol": enrol,
        "minimumFace": 40,
        "minimumSharpness": arguments.minimum_sharpness,
        "maximumYaw": arguments.maximum_yaw,
    }
    arguments.result.parent.mkdir(parents=True, exist_ok=True)
    arguments.result.write_text(json.dumps(result) + "\n")


if __name__ == "__main__":
    main()
