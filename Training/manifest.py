"""Assemble Models/manifest.json from the networks' entries: `python -m Training.manifest [--models Models]`.

Every network has its entry in Models/NAME.json, written by its export. Here they are put together and their SHA-256
sums compared with the files. Those in third-party/ are made at set-up and may be missing.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import sys
from pathlib import Path
from typing import Any

MANIFEST = "manifest.json"
SCHEMA = 1


class ManifestError(Exception):
    """One sentence on what is wrong with an entry."""


def digest(path: Path) -> str:
    """SHA-256 of a file in hexadecimal."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def check_file(models: Path, network: str, part: dict[str, str]) -> None:
    """Compare the SHA-256 of a file: graph (the detector's networks have none), weights, cohort."""
    path = models / part["file"]
    if not path.exists():
        if path.parent.name == "third-party" and part.get("sha256"):
            return
        raise ManifestError(f"{network}: {part['file']} is missing.")
    actual = digest(path)
    if part.get("sha256") != actual:
        raise ManifestError(f"{network}: {part['file']} has SHA-256 {actual}, its entry says {part.get('sha256')}.")


def parts(entry: dict[str, Any]) -> list[dict[str, Any]]:
    """The networks of an entry: those side by side in an identity vector, else the one that it is of."""
    return entry.get("parts", [entry])


def within(entry: dict[str, Any]) -> dict[str, Any]:
    """An entry for a folder inside the one that it was written for: cards stay where they are."""
    cards = {"card": f"../{entry['card']}"} if "card" in entry else {}
    inner = {"parts": [within(part) for part in entry["parts"]]} if "parts" in entry else {}
    return {**entry, **cards, **inner}


def link(models: Path, inside: Path, name: str) -> None:
    """Makes a file or folder of `models` one of a folder inside it too."""
    if not (inside / name).is_symlink():
        (inside / name).symlink_to(f"../{name}")


def save(path: Path, entry: dict[str, Any]) -> None:
    """Writes an entry, or a whole manifest."""
    path.write_text(json.dumps(entry, indent=2) + "\n")


def assemble(models: Path) -> dict[str, Any]:
    """The manifest of all entries in `models`, their files checked."""
    networks: dict[str, Any] = {}
    for path in sorted(models.glob("*.json")):
        if path.name == MANIFEST:
            continue
        entry = json.loads(path.read_text())
        if not all("weights" in part for part in parts(entry)):
            raise ManifestError(f"{path.stem}: the entry has no weights.")
        files = [part.get(kind) for part in parts(entry) for kind in ("graph", "weights")]
        for file in filter(None, [*files, entry.get("identification", {}).get("cohort")]):
            check_file(models, path.stem, file)
        networks[path.stem] = entry
    return {"schema": SCHEMA, "networks": networks}


def main() -> None:
    """Write the manifest, or say in one sentence why not."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--models", type=Path, default=Path("Models"))
    options = parser.parse_args()
    try:
        manifest = assemble(options.models)
    except ManifestError as error:
        sys.exit(str(error))
    save(options.models / MANIFEST, manifest)


if __name__ == "__main__":
    main()
