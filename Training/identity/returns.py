"""What becomes of people who come again and again: `python -m Training.identity.returns --data DIR`.

Every development photo that the quality gate lets pass is one visit, in a random order, to a service that begins with nobody. It
decides as `Services/Identity` does: by the claim of the person's last certain visit (`--claims`), then among everybody, and keeps up
to `--templates` of each. Prints one line of JSON a seed. `--add` and the like try other thresholds than the manifest entry's.
"""

from __future__ import annotations

import argparse
import json
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .cohort import FILE, Cohort
from .data import decode, read_manifest
from .distance import IMPOSTORS, Faces, Normalisation
from .quality import yaw
from .thresholds import measured_sharpness, merge_duplicates, read_landmarks
from .vectors import Embedder, KeptVectors, side_by_side

# Cosine distance up to which a face shows nothing that is not known yet (TemplateBank.swift).
LEAST_DIFFERENCE = 0.05


@dataclass
class Service:
    """Users, each with the rows of the faces that are kept of them, the oldest first."""

    faces: Faces
    by: Normalisation
    thresholds: dict[str, float]
    templates: int
    users: list[list[int]] = field(default_factory=list)

    def paired(self, face: int, kept: NDArray[np.int64]) -> NDArray[np.float32]:
        """Distances to kept faces when nobody else is looked at."""
        cohort_score = self.faces.cohort_score[face] + self.faces.cohort_score[kept]
        return (1 - self.faces.vectors[kept] @ self.faces.vectors[face]) * self.by.factor(cohort_score)

    def visit(self, face: int, claim: int | None) -> tuple[str, int | None]:
        """What the answer's status is, and which user."""
        if claim is not None:
            distance = float(self.paired(face, np.array(self.users[claim])).min())
            if distance <= self.thresholds["claim"]:
                self.keep(face, claim, distance)
                return "returning", claim
        if not self.users:
            return "new", self.enrol(face)
        cosines = self.faces.vectors[np.concatenate(self.users)] @ self.faces.vectors[face]
        starts = np.cumsum([0] + [len(kept) for kept in self.users[:-1]])
        best = np.maximum.reduceat(cosines, starts)
        user = int(best.argmax())
        impostors = np.sort(np.delete(best, user))[-IMPOSTORS:]
        likeness = impostors.mean() if len(impostors) == IMPOSTORS else None
        kept = np.array(self.users[user])
        nearest = kept[(self.faces.vectors[kept] @ self.faces.vectors[face]).argmax()]
        cohort_score = self.faces.cohort_score[face] + self.faces.cohort_score[nearest]
        distance = float((1 - best[user]) * self.by.factor(cohort_score, likeness))
        if distance <= self.thresholds["match"]:
            self.keep(face, user, distance)
            return "returning", user
        if distance > self.thresholds["enrol"] and 1 - best[user] > self.thresholds["near"]:
            return "new", self.enrol(face)
        return "uncertain", None

    def enrol(self, face: int) -> int:
        """A user of this face."""
        self.users.append([face])
        return len(self.users) - 1

    def keep(self, face: int, user: int, distance: float) -> None:
        """As `TemplateBank` decides."""
        kept = self.users[user]
        vectors = self.faces.vectors[kept]
        nearest = float((1 - vectors @ self.faces.vectors[face]).min())
        if distance > self.thresholds["add"] or nearest < LEAST_DIFFERENCE or self.templates == 1:
            return
        known = self.paired(face, np.array(kept)) <= self.thresholds["claim"]
        if 2 * (known.sum() + known[0]) <= len(kept) + 1:
            return
        if len(kept) == self.templates:
            differences = 1 - vectors @ vectors.T
            differences[np.tril_indices(len(kept))] = 2
            older = int(differences.argmin()) // len(kept)
            if nearest <= differences.min():
                return
            kept.pop(older)
        kept.append(face)


def come(service: Service, people: NDArray[np.int64], claims: bool, seed: int) -> dict[str, Any]:
    """All visits, and the shares of what became of them."""
    profiles: defaultdict[int, list[int]] = defaultdict(list)
    remembered: dict[int, int] = {}
    newcomers: Counter[str] = Counter()
    returns: defaultdict[int, Counter[str]] = defaultdict(Counter)
    visits: Counter[int] = Counter()
    for face in np.random.default_rng(seed).permutation(len(people)):
        person = int(people[face])
        status, user = service.visit(int(face), remembered.get(person) if claims else None)
        if not profiles[person]:
            newcomers[status] += 1
        else:
            visits[person] += 1
            right = user in profiles[person]
            kind = {"uncertain": "unsure", "new": "again"}.get(status, "found" if right else "wrong")
            returns[min(visits[person], 5)][kind] += 1
        if user is not None:
            remembered[person] = user
            if status == "new":
                profiles[person].append(user)
    everybody = sum(returns.values(), Counter())
    shares = {kind: round(everybody[kind] / everybody.total(), 4) for kind in ("found", "again", "unsure", "wrong")}
    return {
        "newcomers": newcomers.total(),
        "merged": round(newcomers["returning"] / newcomers.total(), 4),
        "enrolled": round(newcomers["new"] / newcomers.total(), 4),
        "returning": everybody.total(),
        **shares,
        "found_by_return": {n: round(kinds["found"] / kinds.total(), 4) for n, kinds in sorted(returns.items())},
        "people_with_duplicates": sum(len(users) > 1 for users in profiles.values()),
    }


def main() -> None:
    """Command line entry."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--out", type=Path, default=Path(".local/identity"), help="folder of decoded crops and kept vectors")
    parser.add_argument("--models", type=Path, default=Path("Models"), help="folder of the networks")
    parser.add_argument("--claims", action="store_true", help="every person has a browser that remembers them")
    parser.add_argument("--templates", type=int, default=8, help="kept of a user at most")
    parser.add_argument("--seeds", type=int, default=2, help="how many random orders")
    for name in ("match", "enrol", "claim", "add"):
        parser.add_argument(f"--{name}", type=float, help="instead of the manifest entry's")
    arguments = parser.parse_args()

    manifest = read_manifest(arguments.data)
    images = decode(arguments.data, arguments.out, manifest)
    landmarks = read_landmarks(arguments.data)
    entry = json.loads((arguments.models / "identity.json").read_text())
    thresholds: dict[str, Any] = entry["identification"]
    gate = measured_sharpness(arguments.out, images) >= thresholds["minimumSharpness"]
    gate &= np.array([yaw(landmarks[crop.file]) for crop in manifest]) <= thresholds["maximumYaw"]
    rows = np.array([i for i, crop in enumerate(manifest) if crop.lfw_development == 1 and gate[i]])
    parts = [KeptVectors(part, images, arguments.out) for part in Embedder(arguments.models).parts]
    vectors = side_by_side([part[rows] for part in parts], [part.part.weight for part in parts])
    members = np.fromfile(arguments.models / FILE, "<f4").reshape(-1, vectors.shape[1])
    faces = Faces.seen_by(Cohort(members, thresholds["cohort"]["usual"]), vectors)
    people = merge_duplicates([manifest[i].person for i in rows])
    given = {name: getattr(arguments, name) for name in ("match", "enrol", "claim", "add")}
    thresholds |= {name: value for name, value in given.items() if value is not None}
    for seed in range(arguments.seeds):
        service = Service(faces, Normalisation.of(entry), thresholds, arguments.templates)
        print(json.dumps(come(service, people, arguments.claims, seed)), flush=True)


if __name__ == "__main__":
    main()
