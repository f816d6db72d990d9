"""Chooses the service's thresholds by what happens to people: `python -m Training.identity.thresholds`.

Development people (LFW's folds 1-5, not trained on) come to galleries of 10 to 1,000 with one enrolled photo each, and
newcomers of each group to galleries of which a small part to all are of their group. Prints the report of the card and writes
the thresholds, and what distances are normalised by, into the manifest entry of the identity vectors. `--teacher` reports what
the teacher's own vectors would give, `--choose` which weights of parts, cohort and impostors find most people.
"""

from __future__ import annotations

import argparse
import csv
import gzip
import json
import os
import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .cohort import Cohort
from .data import Crop, decode, make_targets, read_manifest, training_rows
from .distance import IMPOSTORS, Faces, Nearest, Normalisation
from .quality import sharpness, yaw
from .vectors import Embedder, KeptVectors, Vectors, normalise, side_by_side

WRONGLY_MERGED, NOT_ENROLLED = 0.005, 0.07
# False match rates of two people compared alone: where one claims to be the other, and where two users are to be one person.
CLAIMED, SAME = 1e-3, 1e-6
# A returning person's face is kept beside those known up to this share of `match`: one wrong one would bring others.
KEPT = 0.9
GALLERY = 1000
# Sizes of galleries, and which shares of them are of the newcomers' own group.
SIZES = (10, 30, 100, 300, 1000, 2000)
SHARES = (0.02, 0.1, 0.3, 1.0)
SMALLEST_GROUP = 1300
# Fewer newcomers than this, over all galleries together, say nothing about a share of 0.5 %.
FEWEST_NEWCOMERS = 2000
FEWEST_VISITORS = 250
# The cohort is made of every fourth training face.
COHORT_STEP = 4
# Cosine of the teacher, or of SFace, above which two unlabelled pictures are taken for one person. Both are asked: who was left
# out by one alone would be held against all others.
SAME_PERSON = 0.6
SFACE = "sface.bin"
# What --choose tries, and the galleries in which most are to be found.
# The share of newcomers that is to be enrolled at once.
ENROLLED = 0.93
PART_WEIGHTS = (0.7, 1.0, 1.4, 2.0, 2.8, 100.0)  # the last: as good as alone
COHORT_WEIGHTS = (0.0, 0.3, 0.45, 0.6, 0.75, 0.9, 1.2)
IMPOSTORS_WEIGHTS = (0.0, 0.6, 1.2, 1.5, 1.8, 2.1, 2.4)
IMPOSTORS_USUALS = (0.1, 0.15, 0.2, 0.25, 0.3)
CHOSEN_BY = (100, 1000)
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


def rounded_down(distance: float) -> float:
    """A threshold of three digits that is never above its limit."""
    return int(1000 * distance) / 1000


@dataclass(frozen=True)
class Thresholds:
    """As the service takes them: the same person up to `match`, somebody new above `enrol` unless nearer than `near` by the
    bare cosine distance. Of two compared alone, the claimed person up to `claim`, one person under two names up to `same`."""

    match: float
    enrol: float
    near: float
    by: Normalisation
    claim: float = 0.0
    same: float = 0.0

    def merged(self, nearest: Nearest) -> NDArray[np.bool_]:
        """Who is taken for the nearest."""
        return nearest.normalised(self.by) <= self.match

    def enrolled(self, nearest: Nearest) -> NDArray[np.bool_]:
        """Who is taken for somebody new."""
        return (nearest.normalised(self.by) > self.enrol) & (nearest.cosine > self.near)

    def entry(self) -> dict[str, float]:
        """What the manifest says of them."""
        return {
            "match": self.match,
            "enrol": self.enrol,
            "near": self.near,
            "claim": self.claim,
            "add": rounded_down(KEPT * self.match),
            "same": self.same,
        }


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
    """Faces, and the unit vectors of each network that tells who is one person."""

    faces: Faces
    judges: tuple[Vectors, ...]

    def __len__(self) -> int:
        return len(self.faces)

    def __getitem__(self, rows: NDArray[np.int64]) -> Pictures:
        return Pictures(self.faces[rows], tuple(vectors[rows] for vectors in self.judges))

    def __add__(self, others: Pictures) -> Pictures:
        judges = zip(self.judges, others.judges, strict=True)
        return Pictures(self.faces + others.faces, tuple(np.concatenate(pair) for pair in judges))

    def same(self, others: Pictures) -> NDArray[np.bool_]:
        """Which pairs [N, M] any of the networks takes for one person."""
        verdicts = [mine @ theirs.T > SAME_PERSON for mine, theirs in zip(self.judges, others.judges, strict=True)]
        return np.logical_or.reduce(verdicts)


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


def error_table(
    faces: Faces, people: NDArray[np.int64], by: Normalisation, resamples: int = 200
) -> list[dict[str, Any]]:
    """False non-match rates at false match rates from 1e-2 to 1e-5 over all cross pairs, with 95 % intervals from a
    bootstrap over people, and 1e-6 extrapolated from a line through the logarithms between 1e-3 and 1e-5."""
    first, second = np.triu_indices(len(faces), 1)
    distances = faces.distances(faces, by)[first, second]
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
    rows: list[dict[str, Any]] = []
    for i, threshold in enumerate(exact):
        row: dict[str, Any] = {
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
    faces: Faces, crops: list[Crop], people: NDArray[np.int64], by: Normalisation, count: int
) -> list[tuple[float, int, int]]:
    """The closest pairs of different people: distance and rows, closest first."""
    distances = faces.distances(faces, by)
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


def choose_thresholds(
    visits: dict[int, Visits], newcomers: dict[tuple[int, str, float], Nearest], by: Normalisation
) -> tuple[Thresholds, dict[tuple[int, str, float], float]]:
    """The thresholds at which the shares of newcomers merged and not enrolled stay within their limits in all galleries, and
    each gallery's own match."""
    adults = {at: nearest for at, nearest in newcomers.items() if of_adults(at[1])}
    enough = {size: of_size for size, of_size in visits.items() if len(of_size.newcomers) >= FEWEST_NEWCOMERS}
    limits = {
        at: float(np.quantile(nearest.normalised(by), WRONGLY_MERGED))
        for at, nearest in [*adults.items(), *(((size, "LFW", 1.0), of_size.newcomers) for size, of_size in enough.items())]
    }
    match = rounded_down(min(limits.values()))
    enrol = min(float(np.quantile(of_size.newcomers.normalised(by), NOT_ENROLLED)) for of_size in enough.values())
    near = min(float(np.quantile(nearest.cosine, NOT_ENROLLED)) for nearest in adults.values())
    return Thresholds(match, round(max(match, enrol), 3), round(near, 3), by), limits


def one_person(judges: tuple[Vectors, ...]) -> list[tuple[int, int, list[float]]]:
    """The pairs of a group's pictures that any network takes for one person, with each one's cosine."""
    cosines = [vectors @ vectors.T for vectors in judges]
    first, second = np.nonzero(np.triu(np.max(cosines, axis=0) > SAME_PERSON, 1))
    return [(int(i), int(j), [round(float(of[i, j]), 3) for of in cosines]) for i, j in zip(first, second, strict=True)]


def measured_sharpness(out: Path, images: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Every crop's sharpness, from `out`/sharpness.npy or measured there."""
    path = out / "sharpness.npy"
    if not path.exists():
        np.save(path, np.array([sharpness(image) for image in images]))
    return np.load(path)


@dataclass(frozen=True)
class Crops:
    """The crops of a data folder, in the manifest's order, with all that is known of them beside their identity vectors."""

    manifest: list[Crop]
    # Whom cohorts are made of; nobody else is asked about them.
    averaged: NDArray[np.int64]
    sharp: NDArray[np.bool_]
    frontal: NDArray[np.bool_]
    # Of each network that tells who is one person, its unit vectors.
    judges: tuple[KeptVectors | Vectors, ...]

    def developers(self) -> NDArray[np.int64]:
        """Rows of LFW's development people."""
        return np.array([i for i, crop in enumerate(self.manifest) if crop.lfw_development == 1])

    def groups(self, size: int) -> dict[str, NDArray[np.int64]]:
        """Rows of at most `size` pictures of each group that pass the quality gate, each person once."""
        generator = np.random.default_rng(0)
        members: dict[str, list[int]] = {}
        for i in np.setdiff1d(np.arange(len(self.manifest)), self.averaged):
            if (name := group_of(self.manifest[i])) is not None:
                members.setdefault(name, []).append(int(i))
        groups = {}
        for name in sorted(members):
            chosen = np.sort(generator.permutation(members[name])[:size])
            chosen = chosen[one_of_each([self.manifest[i] for i in chosen])]
            groups[name] = chosen[self.sharp[chosen] & self.frontal[chosen]]
            if len(groups[name]) < SMALLEST_GROUP and of_adults(name):
                raise SystemExit(f"{name}: {len(groups[name])} pictures are left, and {SMALLEST_GROUP} are needed.")
        return groups


@dataclass(frozen=True)
class Measured:
    """What vectors of one kind say of development people and groups."""

    cohort: Cohort
    faces: Faces
    people: NDArray[np.int64]
    passed: NDArray[np.bool_]
    visits: dict[int, Visits]
    newcomers: dict[tuple[int, str, float], Nearest]


def measure(crops: Crops, embed: Callable[[NDArray[np.int64]], Vectors], group_size: int) -> Measured:
    """Visits to galleries of all sizes, by vectors that `embed` gives for rows."""
    cohort = Cohort.of(embed(crops.averaged))

    def pictures(rows: NDArray[np.int64]) -> Pictures:
        return Pictures(Faces.seen_by(cohort, embed(rows)), tuple(judge[rows] for judge in crops.judges))

    rows = crops.developers()
    people = merge_duplicates([crops.manifest[i].person for i in rows])
    everybody = pictures(rows)
    passed = crops.sharp[rows] & crops.frontal[rows]
    known = everybody[np.flatnonzero(passed)]
    groups = {name: pictures(of_group) for name, of_group in crops.groups(group_size).items()}
    newcomers: dict[tuple[int, str, float], Nearest] = {}
    for name, group in groups.items():
        if not of_adults(name):
            newcomers[GALLERY, name, 1.0] = group_newcomers(group, known, GALLERY, 1.0)
            continue
        others = sum((other for key, other in groups.items() if key != name and of_adults(key)), start=known)
        for size, share in product(SIZES, SHARES):
            if len(group) - round(share * size) >= FEWEST_VISITORS:
                newcomers[size, name, share] = group_newcomers(group, others, size, share)
    visits = {size: visit(known.faces, people[passed], size) for size in SIZES}
    return Measured(cohort, everybody.faces, people, passed, visits, newcomers)


def choose(crops: Crops, kept: list[KeptVectors], group_size: int) -> None:
    """Prints, for each weight of the last part, with which weights of cohort and impostors most returning people are found, of those
    with which enough newcomers are enrolled at once."""
    for weight in PART_WEIGHTS if len(kept) > 1 else (1.0,):
        weights = [1.0] * (len(kept) - 1) + [weight]
        measured = measure(crops, lambda rows: side_by_side([part[rows] for part in kept], weights), group_size)
        found = []
        for settings in product(COHORT_WEIGHTS, IMPOSTORS_WEIGHTS, IMPOSTORS_USUALS):
            by = Normalisation(*settings)
            thresholds, _ = choose_thresholds(measured.visits, measured.newcomers, by)
            rates = [measured.visits[size].rates(thresholds) for size in CHOSEN_BY]
            if min(rate["newcomers_enrolled"] for rate in rates) < ENROLLED:
                continue
            found.append((float(np.mean([rate["returning_found"] for rate in rates])), by, thresholds, rates))
        for mean, by, thresholds, rates in sorted(found, key=lambda one: -one[0])[:5]:
            show(f"last part {weight}", {
                "found": round(mean, 4), **vars(by), **thresholds.entry(),
                "by gallery": {size: list(rate.values()) for size, rate in zip(CHOSEN_BY, rates, strict=True)},
            })  # fmt: skip


def report(crops: Crops, measured: Measured, by: Normalisation) -> Thresholds:
    """Prints the card's tables, and returns the thresholds."""
    show("people and photos", [int(measured.people.max()) + 1, len(measured.people)])
    errors = error_table(measured.faces, measured.people, by)
    for line in errors:
        show("error rates", line)
    thresholds, limits = choose_thresholds(measured.visits, measured.newcomers, by)
    distances = {line["fmr"]: rounded_down(line["distance"]) for line in errors}
    thresholds = replace(thresholds, claim=distances[CLAIMED], same=distances[SAME])
    show("thresholds", thresholds.entry())
    for size, of_size in measured.visits.items():
        at = min((at for at in limits if at[0] == size), key=lambda at: limits[at])
        show(f"gallery of {size}: match limit", {f"{at[1]}, {at[2]:.0%} of it": round(limits[at], 4)})
        show(f"gallery of {size}", of_size.rates(thresholds))
    by_lfw = replace(thresholds, match=round(limits[GALLERY, "LFW", 1.0], 3))
    show(f"gallery of {GALLERY}, match from LFW alone", measured.visits[GALLERY].rates(by_lfw))
    for (size, name, share), nearest in measured.newcomers.items():
        show(f"{name}: {share:.0%} of {size}", {
            "newcomers_wrongly_merged": round(float(thresholds.merged(nearest).mean()), 5),
            "newcomers_enrolled": round(float(thresholds.enrolled(nearest).mean()), 4),
        })  # fmt: skip
    rows = crops.developers()
    sharp, frontal = crops.sharp[rows], crops.frontal[rows]
    for name, gate in (("none", sharp | True), ("sharpness", sharp), ("yaw", frontal), ("both", measured.passed)):
        seen_so = visit(measured.faces[gate], measured.people[gate])
        show(f"gate by {name}", {"refused": round(float(1 - gate.mean()), 4), **seen_so.rates(thresholds)})
    return thresholds


def write(models: Path, thresholds: Thresholds, cohort: Cohort, sharpness: float, yaw: float) -> None:
    """Puts the thresholds, and what distances are normalised by, into the manifest entry."""
    path = models / "identity.json"
    entry = json.loads(path.read_text())
    by = thresholds.by
    entry["identification"] = {
        **thresholds.entry(),
        "minimumFace": 40,
        "minimumSharpness": sharpness,
        "maximumYaw": yaw,
        # The detector's, measured by `vision analyze`: crops have none.
        "minimumProbability": 0.993,
        "cohort": cohort.write(models, by.cohort),
        "rivals": {"count": IMPOSTORS, "weight": by.impostors, "usual": by.usual},
    }
    path.write_text(json.dumps(entry, indent=2) + "\n")


def main() -> None:
    """Command line entry."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--out", type=Path, default=Path(".local/identity"), help="folder of decoded crops and kept vectors")
    parser.add_argument("--models", type=Path, default=Path("Models"), help="folder of the networks")
    parser.add_argument("--judge", type=Path, default=Path("Models"), help="folder of which SFace tells who is one person")
    parser.add_argument("--teacher", action="store_true", help="measure the teacher's vectors; nothing is written")
    parser.add_argument("--choose", action="store_true", help="compare weights; nothing is written")
    parser.add_argument("--cohort-weight", type=float, help="instead of the manifest entry's")
    parser.add_argument("--impostors-weight", type=float, help="instead of the manifest entry's")
    parser.add_argument("--impostors-usual", type=float, help="instead of the manifest entry's")
    parser.add_argument("--minimum-sharpness", type=float, default=40.0)
    parser.add_argument("--maximum-yaw", type=float, default=0.35)
    parser.add_argument("--group-size", type=int, default=3000, help="pictures a group")
    parser.add_argument("--impostors", type=int, default=0, help="list so many of the closest pairs and stop")
    parser.add_argument("--same", action="store_true", help="list the unlabelled pairs taken for one person and stop")
    arguments = parser.parse_args()
    if arguments.group_size < SMALLEST_GROUP:
        parser.error(f"--group-size must be {SMALLEST_GROUP} or more: galleries of {GALLERY} need visitors too")

    manifest = read_manifest(arguments.data)
    images = decode(arguments.data, arguments.out, manifest)
    threads = os.cpu_count() or 1

    def kept(models: Path) -> list[KeptVectors]:
        return [KeptVectors(part, images, arguments.out) for part in Embedder(models, threads).parts]

    stored = np.load(arguments.data / "teacher-embeddings-train.npz")
    of_teacher = normalise(stored["q"].astype(np.float32) * stored["scale"][:, None])
    judge = next((part for part in kept(arguments.judge) if part.part.weights.name == SFACE), None)
    if judge is None:
        parser.error(f"{arguments.judge} has no {SFACE}: set-up fetches it for Models")
    landmarks = read_landmarks(arguments.data)
    crops = Crops(
        manifest,
        training_rows(arguments.data, manifest)[::COHORT_STEP],
        measured_sharpness(arguments.out, images) >= arguments.minimum_sharpness,
        np.array([yaw(landmarks[crop.file]) for crop in manifest]) <= arguments.maximum_yaw,
        (of_teacher, judge),
    )
    by = Normalisation.of(json.loads((arguments.models / "identity.json").read_text()))
    given = {"cohort": arguments.cohort_weight, "impostors": arguments.impostors_weight, "usual": arguments.impostors_usual}
    by = replace(by, **{name: value for name, value in given.items() if value is not None})
    if arguments.same:
        for name, rows in crops.groups(arguments.group_size).items():
            for first, second, cosines in one_person(tuple(vectors[rows] for vectors in crops.judges)):
                print(f"{name}: {manifest[rows[first]].file} {manifest[rows[second]].file} {cosines}")
        return
    if arguments.teacher:
        targets = make_targets(arguments.data, arguments.out, images)
        report(crops, measure(crops, lambda rows: normalise(targets[rows].astype(np.float32)), arguments.group_size), by)
        return
    parts = kept(arguments.models)
    weights = [part.part.weight for part in parts]

    def embed(rows: NDArray[np.int64]) -> Vectors:
        return side_by_side([part[rows] for part in parts], weights)

    if arguments.choose:
        choose(crops, parts, arguments.group_size)
        return
    if arguments.impostors:
        rows = crops.developers()
        people = merge_duplicates([manifest[i].person for i in rows])
        faces = Faces.seen_by(Cohort.of(embed(crops.averaged)), embed(rows))
        for distance, first, second in top_impostors(faces, [manifest[i] for i in rows], people, by, arguments.impostors):
            print(f"{distance:.4f} {manifest[rows[first]].stem} {manifest[rows[second]].stem}")
        return
    measured = measure(crops, embed, arguments.group_size)
    thresholds = report(crops, measured, by)
    write(arguments.models, thresholds, measured.cohort, arguments.minimum_sharpness, arguments.maximum_yaw)


if __name__ == "__main__":
    main()
