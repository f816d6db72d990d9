"""The GPU training of the mood network, a few steps of it on the CPU and on made-up faces."""

from __future__ import annotations

import io
import tempfile
import unittest
from pathlib import Path
from unittest import mock

import numpy as np
import torch
from PIL import Image

from Training.expression import export
from Training.expression.gpu import pack, train, views
from Training.expression.network import ExpressionNetwork
from Training.expression.synthetic import synthetic_faces
from Training.identity.network import IdentityNetwork

NARROW = (16, 16, 32, 32)


def encoded(image: np.ndarray, kind: str) -> bytes:
    """The picture's file."""
    file = io.BytesIO()
    Image.fromarray(image).save(file, kind, quality=90)
    return file.getvalue()


def write_piece(folder: Path, name: str, count: int) -> None:
    """A piece of crops, as the identity network's pack writes them."""
    images = np.random.default_rng(0).integers(0, 255, (count, 112, 112, 3)).astype(np.uint8)
    crops = [encoded(image, "WEBP") for image in images]
    (folder / f"faces-{name}.bin").write_bytes(b"".join(crops))
    watched = np.zeros(count, bool)
    np.savez(folder / f"faces-{name}.npz", length=[len(c) for c in crops], row=np.arange(count), watched=watched)


class ExpressionGPUTests(unittest.TestCase):
    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.addCleanup(torch.set_num_threads, torch.get_num_threads())
        torch.set_num_threads(1)
        self.folder = Path(folder.name)
        uses = {use: synthetic_faces(count, seed=count) for use, count in zip(pack.USES, (40, 16, 24), strict=True)}
        pictures = [encoded(image, "JPEG") for use in pack.USES for image in uses[use].images]
        triplets = np.random.default_rng(0).permuted(np.tile(np.arange(24), (20, 1)), axis=1)[:, :3]
        pack.pack_faces(self.folder, uses, pictures, (triplets, np.zeros(20, int)))
        torch.save(pack.pack_filters(IdentityNetwork()), self.folder / pack.START)
        self.uses = uses

    def run_training(self) -> str:
        out = self.folder / "out"
        with mock.patch.object(train, "WIDE", NARROW):
            train.main(
                ["--pack", str(self.folder), "--out", str(out), "--faces", str(self.folder), "--workers", "2"]
                + ["--steps", "2", "--teachers", "2", "--batch", "10", "--chunk", "2"]
            )
        return (out / "expression-log.txt").read_text()

    def test_both_phases_leave_students_that_can_be_exported(self) -> None:
        write_piece(self.folder, "a", 20)
        (self.folder / "faces-b.npz").write_bytes(b"PK half of it")
        log = self.run_training()
        self.assertIn("faces-a.npz: 20 faces without labels", log)
        self.assertIn("ensemble of 2", log)
        self.assertNotIn("Traceback", log)
        self.assertNotIn("as it was left", log)
        (self.folder / "out/expression-log.txt").unlink()
        (self.folder / "out/teachers/1.pt").unlink()
        self.assertEqual(self.run_training().count("as it was left"), 1)
        for name, widths in (("a", 32), ("b", NARROW[0])):
            network = export.read_network(self.folder / f"out/expression-{name}.pt")
            self.assertEqual(network.trunk[0][0].out_channels, widths)
            self.assertEqual(network.ferplus.weight.dtype, torch.float32)
            image = torch.rand(2, 1, 48, 48) * 255
            single = export.CalibratedNetwork(network, mirrored=False)(image)
            torch.testing.assert_close(single[2], network(image).expression)
            self.assertEqual(export.CalibratedNetwork(network)(image)[0].shape, (2, 8))

    def test_goes_on_without_faces_and_without_a_teacher_that_fails(self) -> None:
        (self.folder / pack.START).unlink()
        log = self.run_training()
        self.assertIn("teacher 1 is left out", log)
        self.assertIn("student a, single, calibrated", log)
        self.assertTrue((self.folder / "out/expression-b.pt").exists())

    def test_pictures_come_back_as_they_were_packed(self) -> None:
        with train.multiprocessing.get_context("fork").Pool(2) as pool:
            uses, triplets, odd = train.read_pack(self.folder, pool, 20)
        self.assertEqual([len(uses[use]) for use in pack.USES], [20, 16, 20])
        for use, faces in uses.items():
            wanted = self.uses[use][np.arange(len(faces))]
            self.assertLess(np.abs(faces.images.astype(int) - wanted.images).mean(), 8)
            np.testing.assert_array_equal(faces.votes, wanted.votes)
        self.assertTrue((triplets < 20).all() and len(triplets) == len(odd) > 0)

    def test_filters_come_back_nearly_as_they_were_packed(self) -> None:
        network, path = IdentityNetwork(), self.folder / "start.pt"
        for stored in (pack.pack_filters(network), network.state_dict()):
            torch.save(stored, path)
            for name, value in pack.read_filters(path).items():
                wanted = network.features.state_dict()[name]
                torch.testing.assert_close(value.float(), wanted.float(), atol=0.02 * float(wanted.abs().max()), rtol=0)
        self.assertLess(len(pack.read_filters(path)), len(network.state_dict()))

    def test_views_keep_shape_and_range(self) -> None:
        seen = views.views(torch.rand(64, 1, 48, 48) * 255, 1.25)
        self.assertEqual(seen.shape, (64, 1, 48, 48))
        self.assertTrue(seen.isfinite().all() and seen.min() >= 0 and seen.max() <= 255)

    def test_wide_student_costs_about_twice_as_much(self) -> None:
        def parameters(network: ExpressionNetwork) -> int:
            return sum(weight.numel() for weight in network.trunk.parameters())

        share = parameters(ExpressionNetwork(widths=train.WIDE)) / parameters(ExpressionNetwork())
        self.assertTrue(1.9 < share < 2.4)


if __name__ == "__main__":
    unittest.main()
