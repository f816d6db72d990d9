"""Tests of the identity training for a GPU, on the CPU: what is packed, the teachers without OpenVINO, a few steps."""

from __future__ import annotations

import argparse
import io
import os
import tempfile
import unittest
from pathlib import Path

os.environ.setdefault("ONEDNN_MAX_CPU_ISA", "AVX512_CORE_BF16")

import numpy as np
import openvino as ov
import openvino.opset13 as op
import torch
from PIL import Image

from Training.identity import export
from Training.identity.gpu import teacher_torch, train, views
from Training.identity.gpu.pack import Pieces, encode, in_halves
from Training.identity.network import IdentityNetwork


def teacher(folder: Path, side: int, width: int) -> Path:
    """A small network of the kinds of layer that the teachers have, as an IR."""
    generator = np.random.default_rng(width)

    def constant(*shape: int) -> ov.Node:
        return op.constant(generator.standard_normal(shape).astype(np.float32) * 0.2)

    image = op.parameter([-1, 3, side, side], np.float32, name="image")
    x = op.convolution(image, constant(8, 3, 3, 3), [4, 4], [1, 1], [1, 1], [1, 1])
    x = op.prelu(op.add(x, constant(1, 8, 1, 1)), op.constant(np.array([0.2], np.float32)))
    x = op.group_convolution(x, constant(8, 1, 1, 3, 3), [4, 4], [1, 1], [1, 1], [1, 1])
    x = op.batch_norm_inference(x, *(op.constant(np.full(8, v, np.float32)) for v in (1.5, 0.1, 0.2, 2.0)), 1e-5)
    x = op.multiply(x, op.sigmoid(x))
    last = side // 16
    x = op.convolution(x, constant(width, 8, last, last), [1, 1], [0, 0], [0, 0], [1, 1])
    path = folder / f"teacher-{width}.xml"
    ov.save_model(ov.Model([op.reshape(x, op.constant(np.array([0, -1], np.int64)), True)], [image], "teacher"), path, False)
    return path


def picture(generator: np.random.Generator) -> bytes:
    """A picture of coloured patches as WebP."""
    patches = generator.integers(0, 255, (7, 7, 3), np.uint8)
    file = io.BytesIO()
    Image.fromarray(patches).resize((112, 112), Image.Resampling.BICUBIC).save(file, "WEBP", quality=85)
    return file.getvalue()


class TeacherTests(unittest.TestCase):
    def test_a_network_computes_what_openvino_computes(self) -> None:
        generator = torch.Generator().manual_seed(0)
        pictures = torch.rand(3, 3, 112, 112, generator=generator)
        with tempfile.TemporaryDirectory() as folder:
            graph = teacher(Path(folder), 112, 128)
            torch.save(teacher_torch.convert(graph), Path(folder, "second.pt"))
            network = teacher_torch.load(Path(folder, "second.pt"), torch.device("cpu"), torch.float32, warped=False)
            options = {"INFERENCE_PRECISION_HINT": "f32"}
            expected = ov.Core().compile_model(graph, "CPU", options)((pictures.numpy() * 255 - 127.5) / 128)[0]
        expected /= np.linalg.norm(expected, axis=1, keepdims=True)
        np.testing.assert_allclose(network(pictures).numpy(), expected, atol=1e-5)

    def test_an_operation_that_is_not_known_is_named(self) -> None:
        image = op.parameter([1, 3, 8, 8], np.float32)
        with tempfile.TemporaryDirectory() as folder:
            ov.save_model(ov.Model([op.tanh(image)], [image], "other"), Path(folder, "other.xml"))
            with self.assertRaisesRegex(ValueError, "Tanh is not known"):
                teacher_torch.convert(Path(folder, "other.xml"))


class PackTests(unittest.TestCase):
    def test_pieces_hold_every_face_once_and_no_more_than_their_size(self) -> None:
        generator = np.random.default_rng(0)
        pictures = [picture(generator) for _ in range(9)]
        size = 4 * max(len(one) for one in pictures)
        with tempfile.TemporaryDirectory() as folder:
            pieces = Pieces(Path(folder), size, np.array([100, 104]))
            for row, one in enumerate(pictures, 100):
                pieces.add(row, one)
            pieces.close()
            files = sorted(Path(folder).rglob("faces-*.bin"))
            self.assertGreater(len(files), 2)
            self.assertTrue(all(path.stat().st_size <= size for path in files))
            pack = Path(folder, "pack")
            pack.mkdir()
            for path in Path(folder).rglob("[a-h]/faces-*"):
                path.rename(pack / path.name)
            found, index = train.crops(pack, Path(folder), 2)
        self.assertEqual(index["row"].tolist(), list(range(100, 109)))
        self.assertEqual(np.flatnonzero(index["watched"]).tolist(), [0, 4])
        for one, decoded in zip(pictures, found, strict=True):
            np.testing.assert_array_equal(np.asarray(Image.open(io.BytesIO(one)).convert("RGB")), decoded)

    def test_a_crop_becomes_smaller(self) -> None:
        one = picture(np.random.default_rng(1))
        self.assertLess(len(encode(one, 40)), len(one))
        self.assertEqual(encode(one, 100), one)


class ViewTests(unittest.TestCase):
    def test_views_are_pictures_of_which_some_are_mirrored(self) -> None:
        torch.manual_seed(0)
        images = torch.linspace(0, 1, 112).expand(64, 3, 112, 112).contiguous()
        mirrored = torch.arange(64) % 2 == 0
        seen = views.augment(images, mirrored, 1.0)
        self.assertEqual(seen.shape, images.shape)
        self.assertTrue(bool(((seen >= 0) & (seen <= 1)).all()))
        rising = seen[:, :, :, 56:].mean((1, 2, 3)) > seen[:, :, :, :56].mean((1, 2, 3))
        self.assertGreater(int((rising != mirrored).sum()), 56)

    def test_blends_lie_between_their_pictures(self) -> None:
        torch.manual_seed(0)
        blended = views.blend(torch.zeros(64, 3, 112, 112), torch.ones(64, 3, 112, 112))
        share = blended.mean((1, 2, 3))
        self.assertTrue(bool(((share > 0.05) & (share < 0.81)).all()))


class RunTests(unittest.TestCase):
    def test_a_few_steps_learn_and_can_be_exported(self) -> None:
        generator = np.random.default_rng(0)
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            pieces = Pieces(folder, 2**30, np.arange(8))
            for row in range(72):
                pieces.add(row, picture(generator))
            pieces.close()
            pack = folder / "a"
            for file, side, width in (("teacher.pt", 128, 256), ("second.pt", 112, 128)):
                torch.save(in_halves(teacher_torch.convert(teacher(folder, side, width))), pack / file)
            torch.manual_seed(0)
            torch.save(IdentityNetwork().state_dict(), pack / "start.pt")
            np.savez(pack / "check.npz", row=np.arange(8), teacher=np.zeros((8, 256), np.int8))
            arguments = argparse.Namespace(
                pack=pack, out=folder, cache=folder / "cache", limit=None, seed=0, fresh=False,
                average=0.5, batch=16, strength=0.6, rate=1.0,
                line_seconds=0.0, save_seconds=60.0,
            )  # fmt: skip
            run = train.Run(arguments, folder)
            norms = run.targets.norm(dim=1)
            np.testing.assert_allclose(norms.numpy(), 1, rtol=1e-3)
            with torch.no_grad():
                vectors = run.network(run.scaled(run.clean(run.rows[:32])))
            cosine = torch.nn.functional.cosine_similarity(vectors, run.targets[run.rows[:32]]).mean()
            self.assertGreater(float(cosine), 0.9)  # the last layer was read out
            run.train(deadline=0, steps=2)
            network = export.load_checkpoint(folder / "identity.pt")
            self.assertIn("progress 1.000", (folder / "identity-log.txt").read_text())
            self.assertTrue(bool(torch.isfinite(network(torch.zeros(1, 3, 112, 112))).all()))


if __name__ == "__main__":
    unittest.main()
