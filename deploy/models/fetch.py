#!/usr/bin/env python3
"""Gets what the vision service needs and the repository doesn't hold: OpenVINO's runtime and MTCNN's weights.

Both come from wheels of the package index that are downloaded, checked against requirements.txt and unpacked; nothing is
installed. OpenVINO goes to .local/openvino/{include,lib}; MTCNN's weights become Models/third-party/*.bin and are
checked against Models/{proposal,refinement,output}.json. What is there already is left alone.
"""

import hashlib
import json
import platform
import shutil
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

import mtcnn
from torch_pickle import read_state

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
LOCAL = ROOT / ".local"
OPENVINO = LOCAL / "openvino"
MODELS = ROOT / "Models"
REQUIREMENTS = HERE / "requirements.txt"

# Libraries of the wheel that a CPU process reading IR loads, and the names that a linker looks for.
LIBRARIES = (
    "libopenvino.so.", "libopenvino_c.so.", "libopenvino_intel_cpu_plugin.so", "libopenvino_ir_frontend.so.",
    "libtbb.so.", "libtbbmalloc.so.", "libtbbbind_", "libhwloc.so.",
)  # fmt: skip
LINKED = ("libopenvino", "libopenvino_c", "libtbb")

NETWORKS = {"proposal": "pnet.pt", "refinement": "rnet.pt", "output": "onet.pt"}


class SetupError(Exception):
    """One sentence for the person who runs set-up."""


def say(text):
    print(f"models: {text}", flush=True)


def download(package, folder):
    """Downloads the wheel of `package` (a line of requirements.txt) and returns its path."""
    line = next(line for line in REQUIREMENTS.read_text().splitlines() if line.startswith(package + "=="))
    say(f"downloading {line.split()[0]}")
    wanted = folder / f"{package}.txt"
    wanted.write_text(line + "\n")
    command = [
        sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps", "--require-hashes",
        "--only-binary=:all:", "--implementation=cp", "--python-version=3.11", "--abi=cp311", "--abi=none",
        "--platform=manylinux_2_28_x86_64", "--platform=any", "--dest", str(folder), "--requirement", str(wanted),
    ]  # fmt: skip
    run = subprocess.run(command, capture_output=True, text=True)
    if run.returncode != 0:
        reason = [line for line in run.stderr.splitlines() if line.strip()]
        raise SetupError(f"{package} can't be downloaded: {reason[-1].strip() if reason else 'pip failed'}")
    return next(folder.glob(package.replace("-", "_") + "-*.whl"))


def openvino_is_there():
    stamp = OPENVINO / "requirements.txt"
    return stamp.exists() and stamp.read_bytes() == REQUIREMENTS.read_bytes()


def fetch_openvino():
    if openvino_is_there():
        say("OpenVINO is there")
        return
    if platform.machine() != "x86_64":
        raise SetupError(f"OpenVINO is fetched for x86_64 only, and this machine is {platform.machine()}.")
    with tempfile.TemporaryDirectory(dir=LOCAL, prefix="openvino-") as folder:
        folder = Path(folder)
        wheel = download("openvino", folder)
        say("unpacking OpenVINO's C headers and CPU runtime")
        tree = folder / "openvino"
        (tree / "lib").mkdir(parents=True)
        with zipfile.ZipFile(wheel) as archive:
            for name in archive.namelist():
                if name.startswith("openvino/include/openvino/c/") and not name.endswith("/"):
                    unpack(archive, name, tree / name.removeprefix("openvino/"))
                elif name.startswith("openvino/libs/") and Path(name).name.startswith(LIBRARIES):
                    unpack(archive, name, tree / "lib" / Path(name).name)
                elif name.endswith(".dist-info/LICENSE") or "/licenses/" in name and name.endswith("LICENSE"):
                    unpack(archive, name, tree / "LICENSE")
        for name in LINKED:
            target = next((tree / "lib").glob(name + ".so.*"))
            (tree / "lib" / (name + ".so")).symlink_to(target.name)
        shutil.copy(REQUIREMENTS, tree / "requirements.txt")
        if OPENVINO.exists():
            shutil.rmtree(OPENVINO)
        tree.rename(OPENVINO)
    say(f"OpenVINO is in {OPENVINO.relative_to(ROOT)}")


def unpack(archive, name, path):
    path.parent.mkdir(parents=True, exist_ok=True)
    with archive.open(name) as source, open(path, "wb") as target:
        shutil.copyfileobj(source, target)


def weights(name):
    """The path and SHA-256 of a network's weights, from its manifest entry."""
    entry = json.loads((MODELS / f"{name}.json").read_text())["weights"]
    return MODELS / entry["file"], entry["sha256"]


def is_whole(path, digest):
    return path.exists() and hashlib.sha256(path.read_bytes()).hexdigest() == digest


def fetch_mtcnn():
    if all(is_whole(*weights(name)) for name in NETWORKS):
        say("MTCNN's networks are there")
        return
    with tempfile.TemporaryDirectory(dir=LOCAL, prefix="mtcnn-") as folder:
        wheel = download("facenet-pytorch", Path(folder))
        say("converting MTCNN's three networks")
        with zipfile.ZipFile(wheel) as archive:
            for name, file in NETWORKS.items():
                unpack(archive, f"facenet_pytorch/data/{file}", Path(folder) / file)
                data = mtcnn.weights(name, read_state(Path(folder) / file))
                path, digest = weights(name)
                if hashlib.sha256(data).hexdigest() != digest:
                    raise SetupError(f"{path.name} came out differently from what Models/{name}.json says.")
                path.parent.mkdir(parents=True, exist_ok=True)
                partial = path.with_suffix(path.suffix + ".partial")
                partial.write_bytes(data)
                partial.rename(path)
    say("MTCNN's networks are in Models/third-party")


def main():
    LOCAL.mkdir(exist_ok=True)
    try:
        fetch_openvino()
        fetch_mtcnn()
    except SetupError as error:
        sys.exit(f"models: {error}")
    except (OSError, ValueError, KeyError) as error:
        sys.exit(f"models: set-up failed: {error}")


if __name__ == "__main__":
    main()
