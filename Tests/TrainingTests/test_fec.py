"""Tests of the FEC loader on a small list and pictures made here."""

from __future__ import annotations

import tempfile
import unittest
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from Training.expression.fec import FECBatches, Face, read_face, read_triplet, read_triplets, triplet_loss
from Training.expression.network import ExpressionNetwork


def line(names: tuple[str, str, str], answers: list[int], kind: str = "TWO_CLASS_TRIPLET") -> str:
    faces = [f"http://pictures.example/a/{name}?size=b,0.25,0.75,0.2,0.7" for name in names]
    given = [f"annotator_{i},{answer}" for i, answer in enumerate(answers)]
    return ",".join([*faces, kind, *given])


class FECTests(unittest.TestCase):
    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)
        self.list = self.folder / "triplets.csv"
        self.pictures = self.folder / "pictures"
        self.pictures.mkdir()
        for name, level in (("bright.jpg", 200), ("light.jpg", 190), ("dark.jpg", 40)):
            picture = np.full((100, 200, 3), 128, np.uint8)
            picture[20:70, 50:150] = level
            Image.fromarray(picture).save(self.pictures / name, quality=95)

    def test_answer_names_the_odd_one(self) -> None:
        triplet = read_triplet(line(("bright.jpg", "light.jpg", "dark.jpg"), [3, 3, 1, 3, 2]).split(","))
        self.assertEqual(triplet.odd, 2)
        self.assertEqual(triplet.agreement, 0.6)
        self.assertEqual(triplet.faces[0].file, "bright.jpg")
        self.assertEqual(triplet.faces[1].box, (0.25, 0.75, 0.2, 0.7))

    def test_triplets_without_agreement_are_left_out(self) -> None:
        names = ("bright.jpg", "light.jpg", "dark.jpg")
        self.list.write_text("\n".join([line(names, [3, 3, 3]), line(names, [1, 2, 3]), ""]))
        self.assertEqual(len(read_triplets(self.list)), 1)
        self.assertEqual(len(read_triplets(self.list, agreement=0.3)), 2)

    def test_bad_lines_are_named(self) -> None:
        names = ("bright.jpg", "light.jpg", "dark.jpg")
        good = line(names, [3, 3, 3])
        bad = {
            "a,b,c": "fields",
            line(names, [4]): "answers",
            line(names, [3], kind="FOUR_CLASS_TRIPLET"): "type",
            good.replace("0.25,0.75", "0.75,0.25", 1): "empty box",
        }
        for text, reason in bad.items():
            self.list.write_text(f"{good}\n{text}\n")
            with self.assertRaisesRegex(ValueError, f"line 2: .*{reason}"):
                read_triplets(self.list)

    def test_crop_surrounds_the_box(self) -> None:
        crop = read_face(self.pictures / "dark.jpg", Face("dark.jpg", (0.25, 0.75, 0.2, 0.7)))
        self.assertEqual(crop.shape, (48, 48))
        self.assertLess(crop[24, 24], 60)
        self.assertGreater(crop[24, 0], 100)
        self.assertLess(crop[0, 24], 10)

    def test_missing_pictures_are_skipped_and_none_is_an_error(self) -> None:
        self.list.write_text(
            "\n".join(
                [
                    line(("bright.jpg", "light.jpg", "dark.jpg"), [3, 3]),
                    line(("bright.jpg", "gone.jpg", "dark.jpg"), [3, 3]),
                ]
            )
        )
        batches = FECBatches(read_triplets(self.list), self.pictures, size=4)
        self.assertEqual(len(batches), 1)
        self.assertEqual(batches.images.shape, (3, 48, 48))
        images, odd = batches.next()
        self.assertEqual(images.shape, (12, 1, 48, 48))
        self.assertEqual(odd.tolist(), [2] * 4)
        empty = self.folder / "empty"
        empty.mkdir()
        with self.assertRaises(ValueError):
            FECBatches(read_triplets(self.list), empty)

    def test_loss_rewards_the_annotators_pairing(self) -> None:
        vectors = torch.tensor([[1.0, 0.1], [1.0, 0.0], [0.0, 1.0]])
        self.assertLess(triplet_loss(vectors, torch.tensor([2])), triplet_loss(vectors, torch.tensor([0])))

    def test_network_learns_from_triplets(self) -> None:
        torch.manual_seed(0)
        self.list.write_text(line(("bright.jpg", "light.jpg", "dark.jpg"), [3, 3]))
        images, odd = FECBatches(read_triplets(self.list), self.pictures, size=2).next()
        network = ExpressionNetwork()
        triplet_loss(network(images).expression, odd).backward()
        self.assertGreater(network.expression.weight.grad.abs().sum(), 0)


if __name__ == "__main__":
    unittest.main()
