"""Chooses the service's thresholds by what happens to people: `python -m Training.identity.thresholds`.

Development people (LFW's folds 1-5, not trained on) come to galleries of 10 to 1,000 with one enrolled photo each, and
newcomers of each group to galleries of which a small part to all are of their group. Prints the report of the card and writes
the thresholds, and what distances are normalised by, into the exported network's manifest entry. `--teacher` reports what the
teacher's own vectors would give.
"""

from __future__ import annotations

import argparse
import csv
import gzip
import json
import os
import re
from dataclasses import dataclass, replace
from itertools import product
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from .cohort import Cohort
from .data import Crop, decode, make_targets, read_manifest, training_rows
from .distance import RIVALS, RIVALS_USUAL, RIVALS_WEIGHT, Faces, Nearest
from .evaluate import Embedder, Vectors
from .quality import sharpness, yaw
from .teacher import normalise

WRONGLY_MERGED, NOT_ENROLLED = 0.005, 0.07
GALLERY = 1000
# Sizes of galleries, and which shares of them are of the newcomers' own group.
SIZES = (10, 30, 100, 300, 1000)
SHARES = (0.02, 0.1, 0.3, 1.0)
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
class Thresholds:
    """As the service takes them: the same person up to `match`, somebody new above `enrol` unless nearer than `near` by the
    bare cosine distance."""

    match: float
    enrol: float
    near: float

    def merged(self, nearest: Nearest) -> NDArray[np.bool_]:
        """Who is taken for the nearest."""
        return nearest.normalised <= self.match

    def enrolled(self, nearest: Nearest) -> NDArray[np.bool_]:
        """Who is taken for somebody new."""
        return (nearest.normalised > self.enrol) & (nearest.cosine > self.near)


@dataclass(frozen=True)
class Visits:
    """What the nearest enrolled photo said at each visit, over many random galleries."""

    newcomers: Nearest
    returning: Nearest
    returning_right: NDArray[np.bool_]

    def rates(self, thresholds: Thresholds) -> dict[str, float]:
        """Shares of newcomers merged with somebody and enrolled at once, of returning people found, taken for
        somebody else, and enrolled again."""
        found = thresholds.merged(self.returning)
        rates = {
            "newcomers_wrongly_merged": thresholds.merged(self.newcomers),
            "newcomers_enrolled": thresholds.enrolled(self.newcomers),
            "returning_found": found & self.returning_right,
            "returning_as_somebody_else": found & ~self.returning_right,
            "returning_enrolled_again": thresholds.enrolled(self.returning),
        }
        return {name: round(float(who.mean()), 4) for name, who in rates.items()}


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
        nearest = faces[visitors].nearest(faces[enrolled])
        known = np.isin(people[visitors], people[enrolled])
        newcomers.append(nearest[~known])
        returning.append(nearest[known])
        right.append(people[enrolled][nearest.rows[known]] == people[visitors[known]])
    return Visits(Nearest.together(newcomers), Nearest.together(returning), np.concatenate(right))


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


def of_adults(group: str) -> bool:
    """Whether a group's thresholds count: children are only reported."""
    return group.endswith("older")


@dataclass(frozen=True)
class Pictures:
    """Faces, and the teacher's unit embeddings of them, which tell who is one person."""

    faces: Faces
    teacher: Vectors

    def __len__(self) -> int:
        return len(self.faces)

    def __getitem__(self, rows: NDArray[np.int64]) -> Pictures:
        return Pictures(self.faces[rows], self.teacher[rows])

    def __add__(self, others: Pictures) -> Pictures:
        return Pictures(self.faces + others.faces, np.concatenate([self.teacher, others.teacher]))

    def same(self, others: Pictures) -> NDArray[np.bool_]:
        """Which pairs [N, M] are taken for one person."""
        return self.teacher @ others.teacher.T > SAME_PERSON


def group_newcomers(group: Pictures, others: Pictures, size: int, share: float) -> Nearest:
    """Pictures of a group against random galleries of which a share are others of it: the nearest that is not the same
    person."""
    generator = np.random.default_rng(0)
    own = max(1, round(share * size))
    nearest = []
    for _ in range(8):
        order = generator.permutation(len(group))
        gallery = group[order[:own]] + others[generator.permutation(len(others))[: size - own]]
        visitors = group[order[own:][:2000]]
        nearest.append(visitors.faces.nearest(gallery.faces, visitors.same(gallery)))
    return Nearest.together(nearest)


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
    parser.add_argument("--teacher", action="store_true", help="measure the teacher's vectors; nothing is written")
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
    if arguments.teacher:
        targets = make_targets(arguments.data, arguments.out, images)
    else:
        embedder = Embedder(arguments.models / "identity.xml", threads=os.cpu_count() or 1)

    def embed(rows: NDArray[np.int64]) -> Vectors:
        return normalise(targets[rows].astype(np.float32)) if arguments.teacher else embedder.embed(images[rows])

    averaged = training_rows(arguments.data, manifest)[::COHORT_STEP]
    cohort = Cohort.of(embed(averaged))

    def seen(rows: NDArray[np.int64]) -> tuple[Faces, NDArray[np.bool_], NDArray[np.bool_]]:
        """Faces of these crops, which are sharp enough, and which are not turned too far."""
        sharp = np.array([sharpness(images[i]) for i in rows]) >= arguments.minimum_sharpness
        frontal = np.array([yaw(landmarks[manifest[i].file]) for i in rows]) <= arguments.maximum_yaw
        return Faces.seen_by(cohort, embed(rows)), sharp, frontal

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

    def pictures(faces: Faces, rows: NDArray[np.int64]) -> Pictures:
        return Pictures(faces, normalise(stored["q"][rows].astype(np.float32) * stored["scale"][rows, None]))

    passed = sharp & frontal
    known = pictures(faces[passed], rows[passed])
    generator = np.random.default_rng(0)
    members: dict[str, list[int]] = {}
    for i in np.setdiff1d(np.arange(len(manifest)), averaged):
        if (name := group_of(manifest[i])) is not None:
            members.setdefault(name, []).append(int(i))
    groups: dict[str, Pictures] = {}
    for name in sorted(members):
        chosen = np.sort(generator.permutation(members[name])[: arguments.group_size])
        chosen = chosen[one_of_each([manifest[i] for i in chosen])]
        of_group, *passes = seen(chosen)
        kept = np.logical_and(*passes)
        groups[name] = pictures(of_group[kept], chosen[kept])
        if len(groups[name]) < SMALLEST_GROUP and of_adults(name):
            raise SystemExit(f"{name}: {len(groups[name])} pictures are left, and {SMALLEST_GROUP} are needed.")

    visits = {size: visit(faces[passed], people[passed], size) for size in SIZES}
    newcomers: dict[tuple[int, str, float], Nearest] = {}
    for name, group in groups.items():
        if not of_adults(name):
            newcomers[GALLERY, name, 1.0] = group_newcomers(group, known, GALLERY, 1.0)
            continue
        others = sum((other for key, other in groups.items() if key != name and of_adults(key)), start=known)
        for size, share in product(SIZES, SHARES):
            newcomers[size, name, share] = group_newcomers(group, others, size, share)
    adults = {at: nearest for at, nearest in newcomers.items() if of_adults(at[1])}
    limits = {
        at: float(np.quantile(nearest.normalised, WRONGLY_MERGED))
        for at, nearest in [*adults.items(), *(((size, "LFW", 1.0), of_size.newcomers) for size, of_size in visits.items())]
    }
    match = int(1000 * min(limits.values())) / 1000  # never above a limit
    enrol = min(float(np.quantile(of_size.newcomers.normalised, NOT_ENROLLED)) for of_size in visits.values())
    near = min(float(np.quantile(nearest.cosine, NOT_ENROLLED)) for nearest in adults.values())
    thresholds = Thresholds(match, round(max(match, enrol), 3), round(near, 3))
    show("thresholds", vars(thresholds))
    for size, of_size in visits.items():
        at = min((at for at in limits if at[0] == size), key=lambda at: limits[at])
        show(f"gallery of {size}: match limit", {f"{at[1]}, {at[2]:.0%} of it": round(limits[at], 4)})
        show(f"gallery of {size}", of_size.rates(thresholds))
    by_lfw = replace(thresholds, match=round(limits[GALLERY, "LFW", 1.0], 3))
    show("gallery of 1000, match from LFW alone", visits[GALLERY].rates(by_lfw))
    for (size, name, share), nearest in newcomers.items():
        show(f"{name}: {share:.0%} of {size}", {
            "newcomers_wrongly_merged": round(float(thresholds.merged(nearest).mean()), 5),
            "newcomers_enrolled": round(float(thresholds.enrolled(nearest).mean()), 4),
        })  # fmt: skip
    everybody = np.ones(len(passed), bool)
    for name, kept in (("none", everybody), ("sharpness", sharp), ("yaw", frontal), ("both", passed)):
        seen_so = visits[GALLERY] if kept is passed else visit(faces[kept], people[kept])
        show(f"gate by {name}", {"refused": round(float(1 - kept.mean()), 4), **seen_so.rates(thresholds)})
    if arguments.teacher:
        return
    path = arguments.models / "identity.json"
    entry = json.loads(path.read_text())
    entry["identification"] = {
        **vars(thresholds),
        "minimumFace": 40,
        "minimumSharpness": arguments.minimum_sharpness,
        "maximumYaw": arguments.maximum_yaw,
        "cohort": cohort.write(arguments.models),
        "rivals": {"count": RIVALS, "weight": RIVALS_WEIGHT, "usual": RIVALS_USUAL},
    }
    path.write_text(json.dumps(entry, indent=2) + "\n")


if __name__ == "__main__":
    main()
