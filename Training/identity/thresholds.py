"""Chooses the service's thresholds by what happens to people: `python -m Training.identity.thresholds`.

Development people (LFW's folds 1-5, not trained on) come to galleries of 1,000 with one enrolled photo each. Prints the
report of the card and writes the thresholds, and the cohort that distances are normalised by, into the exported network's
manifest entry.
"""

from __future__ import annotations

import argparse
import csv
import gzip
import json
import os
import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from .cohort import Cohort, Faces
from .data import Crop, decode, read_manifest, training_rows
from .evaluate import Embedder, Vectors
from .quality import sharpness, yaw
from .teacher import normalise

WRONGLY_MERGED, NOT_ENROLLED = 0.005, 0.07
GALLERY = 1000
# Sizes of galleries from which it is measured how the thresholds depend on them.
SIZES = (100, 250, 500, 1000)
SMALLEST_GROUP = 1300
# The cohort is made of every fourth training face.
COHORT_STEP = 4
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


def one_of_each(crops: list[Crop]) -> NDArray[np.int64]:
    """Rows of unlabelled pictures without all but the first of each person in same_people.csv, for which the closest pairs
    were looked at: else who is there twenty times would set the threshold."""
    with SAME_PEOPLE.open(newline="") as file:
        known = {row["file"]: row["person"] for row in csv.DictReader(file)}
    _, rows = np.unique([known.get(crop.stem, crop.file) for crop in crops], return_index=True)
    return np.sort(rows)


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


def visit(faces: Faces, people: NDArray[np.int64], size: int = GALLERY, galleries: int = 40) -> Visits:
    """Random galleries of `size` people, one photo each. Returning people show one of their other photos, newcomers
    (everybody else) one of theirs."""
    generator = np.random.default_rng(0)
    newcomers, returning, right = [], [], []
    for _ in range(galleries):
        order = generator.permutation(len(people))
        _, first = np.unique(people[order], return_index=True)
        enrolled = order[generator.permutation(first)[:size]]
        others = generator.permutation(np.setdiff1d(order, enrolled))
        _, first = np.unique(people[others], return_index=True)
        visitors = others[first]
        nearest, distance = faces[visitors].nearest(faces[enrolled])
        known = np.isin(people[visitors], people[enrolled])
        newcomers.append(distance[~known])
        returning.append(distance[known])
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


def group_newcomers(faces: Faces, same: NDArray[np.bool_], size: int) -> NDArray[np.float64]:
    """Every picture of a group against random galleries of others of it: the distance to the nearest that is not
    `same` [N, N], one person's."""
    generator = np.random.default_rng(0)
    nearest = []
    for _ in range(4):
        order = generator.permutation(len(faces))
        enrolled, visitors = order[:size], order[size:]
        nearest.append(faces[visitors].nearest(faces[enrolled], same[np.ix_(visitors, enrolled)])[1])
    return np.concatenate(nearest)


@dataclass(frozen=True)
class Thresholds:
    """The thresholds at 1,000 known faces, and how much lower they are at ten times as many."""

    match: float
    enrol: float
    match_per_decade: float
    enrol_per_decade: float

    @staticmethod
    def fit(matches: dict[int, float], enrols: dict[int, float]) -> Thresholds:
        """From the limits at galleries of several sizes, 1,000 among them."""
        decades = np.log10(np.array(list(matches)) / GALLERY)
        slopes = [-float(np.polyfit(decades, list(limits.values()), 1)[0]) for limits in (matches, enrols)]
        return Thresholds(
            round(matches[GALLERY], 3), round(enrols[GALLERY], 3), *(round(max(0.0, slope), 3) for slope in slopes)
        )

    def at(self, size: int) -> tuple[float, float]:
        """Match and enrol at so many faces, as the service takes them: fewer than 100 count as 100."""
        decades = float(np.log10(max(size, 100) / GALLERY))
        match = self.match - self.match_per_decade * decades
        return match, max(match, self.enrol - self.enrol_per_decade * decades)


def error_table(faces: Faces, people: NDArray[np.int64], resamples: int = 200) -> list[dict[str, object]]:
    """False non-match rates at false match rates from 1e-2 to 1e-5 over all cross pairs, with 95 % intervals from a
    bootstrap over people, and 1e-6 extrapolated from a line through the logarithms between 1e-3 and 1e-5."""
    first, second = np.triu_indices(len(faces), 1)
    distances = faces.distances(faces)[first, second]
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
    faces: Faces, crops: list[Crop], people: NDArray[np.int64], count: int
) -> list[tuple[float, int, int]]:
    """The closest pairs of different people: distance and rows, closest first."""
    distances = faces.distances(faces)
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
    parser.add_argument("--models", type=Path, default=Path("Models"), help="folder of the exported network")
    parser.add_argument("--minimum-sharpness", type=float, default=40.0)
    parser.add_argument("--maximum-yaw", type=float, default=0.35)
    parser.add_argument("--group-size", type=int, default=3000, help="pictures a group")
    parser.add_argument("--impostors", type=int, default=0, help="list so many of the closest pairs and stop")
    arguments = parser.parse_args()
    if arguments.group_size < SMALLEST_GROUP:
        parser.error(f"--group-size must be {SMALLEST_GROUP} or more: galleries of {max(SIZES)} need visitors too")

    manifest = read_manifest(arguments.data)
    images = decode(arguments.data, arguments.out, manifest)
    landmarks = read_landmarks(arguments.data)
    embedder = Embedder(arguments.models / "identity.xml", threads=os.cpu_count() or 1)
    averaged = training_rows(arguments.data, manifest)[::COHORT_STEP]
    cohort = Cohort.of(embedder.embed(images[averaged]))

    def seen(rows: NDArray[np.int64]) -> tuple[Faces, NDArray[np.bool_], NDArray[np.bool_]]:
        """Faces of these crops, which are sharp enough, and which are not turned too far."""
        sharp = np.array([sharpness(images[i]) for i in rows]) >= arguments.minimum_sharpness
        frontal = np.array([yaw(landmarks[manifest[i].file]) for i in rows]) <= arguments.maximum_yaw
        return Faces.seen_by(cohort, embedder.embed(images[rows])), sharp, frontal

    rows = np.array([i for i, crop in enumerate(manifest) if crop.lfw_development == 1])
    crops = [manifest[i] for i in rows]
    people = merge_duplicates([crop.person for crop in crops])
    faces, sharp, frontal = seen(rows)
    if arguments.impostors:
        for distance, first, second in top_impostors(faces, crops, people, arguments.impostors):
            print(f"{distance:.4f} {crops[first].stem} {crops[second].stem}")
        return
    show("people and photos", [int(people.max()) + 1, len(crops)])
    for line in error_table(faces, people):
        show("error rates", line)

    stored = np.load(arguments.data / "teacher-embeddings-train.npz")
    generator = np.random.default_rng(0)
    members: dict[str, list[int]] = {}
    for i in np.setdiff1d(np.arange(len(manifest)), averaged):
        if (group := group_of(manifest[i])) is not None:
            members.setdefault(group, []).append(int(i))
    groups: dict[str, tuple[Faces, NDArray[np.bool_]]] = {}
    for group in sorted(members):
        chosen = np.sort(generator.permutation(members[group])[: arguments.group_size])
        chosen = chosen[one_of_each([manifest[i] for i in chosen])]
        of_group, *passed = seen(chosen)
        kept = np.logical_and(*passed)
        teacher = normalise(stored["q"][chosen].astype(np.float32) * stored["scale"][chosen, None])[kept]
        if kept.sum() < SMALLEST_GROUP and "older" in group:
            raise SystemExit(f"{group}: {kept.sum()} pictures are left, and {SMALLEST_GROUP} are needed.")
        groups[group] = of_group[kept], teacher @ teacher.T > SAME_PERSON

    passed = sharp & frontal
    visits = {size: visit(faces[passed], people[passed], size) for size in SIZES}
    newcomers = {
        size: {"LFW": visits[size].newcomers}
        | {group: group_newcomers(*pictures, size) for group, pictures in groups.items()}
        for size in SIZES
    }
    limits = {
        size: {
            group: float(np.quantile(distances, WRONGLY_MERGED))
            for group, distances in of_size.items()
            if not group.startswith("ages")
        }
        for size, of_size in newcomers.items()
    }
    thresholds = Thresholds.fit(
        {size: min(of_size.values()) for size, of_size in limits.items()},
        {size: float(np.quantile(of_size.newcomers, NOT_ENROLLED)) for size, of_size in visits.items()},
    )
    show("thresholds", vars(thresholds))
    for size, of_size in visits.items():
        show(f"match limit by adult group at {size}", {group: round(limit, 4) for group, limit in limits[size].items()})
        show(f"gallery of {size}", {k: round(v, 4) for k, v in of_size.rates(*thresholds.at(size)).items()})
    match, enrol = thresholds.at(GALLERY)
    by_lfw = visits[GALLERY].rates(round(limits[GALLERY]["LFW"], 3), enrol)
    show("gallery of 1000, match from LFW alone", {k: round(v, 4) for k, v in by_lfw.items()})
    for group, (pictures, same) in groups.items():
        distances = newcomers[GALLERY][group]
        upper = np.triu_indices(len(same), 1)
        pairs = pictures.distances(pictures)[upper][~same[upper]]
        show(f"group {group}", {
            "newcomers_wrongly_merged": round(float((distances <= match).mean()), 4),
            "newcomers_enrolled": round(float((distances > enrol).mean()), 4),
            "fmr": float(f"{(pairs <= match).mean():.2g}"),
        })  # fmt: skip
    everybody = np.ones(len(passed), bool)
    for name, kept in (("none", everybody), ("sharpness", sharp), ("yaw", frontal), ("both", passed)):
        rates = visit(faces[kept], people[kept]).rates(match, enrol)
        refused = round(float(1 - kept.mean()), 4)
        show(f"gate by {name}", {"refused": refused, **{k: round(v, 4) for k, v in rates.items()}})
    path = arguments.models / "identity.json"
    entry = json.loads(path.read_text())
    entry["identification"] = {
        "match": thresholds.match,
        "enrol": thresholds.enrol,
        "matchPerDecade": thresholds.match_per_decade,
        "enrolPerDecade": thresholds.enrol_per_decade,
        "minimumFace": 40,
        "minimumSharpness": arguments.minimum_sharpness,
        "maximumYaw": arguments.maximum_yaw,
        "cohort": cohort.write(arguments.models),
    }
    path.write_text(json.dumps(entry, indent=2) + "\n")


if __name__ == "__main__":
    main()
