"""Tests of what the expression network learns from and is measured by. They need neither PyTorch nor OpenVINO."""

from __future__ import annotations

import csv
import json
import tempfile
import unittest
from pathlib import Path

import numpy as np
from PIL import Image

from Training import manifest
from Training.expression import metrics, reaction, triplets
from Training.expression.data import merge_copies, read_faces
from Training.expression.labels import FER, FERPLUS, MOODS, mood_of
from Training.expression.synthetic import synthetic_faces


class DataTests(unittest.TestCase):
    def test_manifest_is_read_and_cleaned(self) -> None:
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            columns = ["file", "usage", "fer_label", *(f"fp_{emotion}" for emotion in FERPLUS), "fp_unknown", "fp_NF"]
            columns += ["same_picture_in_heldout", "blank"]
            rows = []
            for index, (usage, label, held, blank) in enumerate(
                [
                    ("Training", "happy", 0, 0),
                    ("Training", "sad", 1, 0),
                    ("PublicTest", "angry", 0, 0),
                    ("Training", "fear", 0, 1),
                ]
            ):
                file = f"{index}.png"
                Image.fromarray(np.full((48, 48), 40 * index, np.uint8)).save(folder / file)
                votes = [3, 7, 0, 0, 0, 0, 0, 0, 0, 0]
                rows.append([file, usage, label, *votes, held, blank])
            with (folder / "manifest.csv").open("w", newline="") as file:
                csv.writer(file).writerows([columns, *rows])
            faces = read_faces(folder, folder / "manifest.csv")
        self.assertEqual(faces["Training"].files.tolist(), ["0.png"])
        self.assertEqual(FER[faces["PublicTest"].labels[0].argmax()], "anger")
        np.testing.assert_allclose(faces["Training"].shares[0, :2], [0.3, 0.7])
        self.assertTrue(faces["Training"].majority[0])

    def test_copies_are_merged_and_test_pictures_dropped(self) -> None:
        faces = synthetic_faces(6)
        faces.images[1] = faces.images[0]
        merged = merge_copies(faces[np.arange(4)], without=faces[np.array([3, 5])])
        self.assertEqual(len(merged), 2)
        row = merged.files.tolist().index("synthetic/0.png")
        np.testing.assert_allclose(merged.votes[row], faces.votes[:2].mean(0))

    def test_majority_needs_more_than_half_of_all_votes(self) -> None:
        faces = synthetic_faces(2)
        faces.votes[:] = [5, 3, 0, 0, 0, 0, 0, 0]
        faces.others[:] = [1, 2]
        self.assertEqual(faces.majority.tolist(), [True, False])


class LabelTests(unittest.TestCase):
    def test_every_emotion_has_one_mood(self) -> None:
        self.assertEqual(sorted(sum(MOODS.values(), ())), sorted(FERPLUS))
        self.assertEqual(mood_of(("happiness", "contempt")), [0, 3])


class MetricsTests(unittest.TestCase):
    def test_calibration_error(self) -> None:
        sure = np.tile([0.9, 0.1], (10, 1))
        self.assertAlmostEqual(metrics.calibration_error(sure, np.array([0] * 9 + [1])), 0)
        self.assertAlmostEqual(metrics.calibration_error(sure, np.array([0] * 5 + [1] * 5)), 0.4)

    def test_roc_area(self) -> None:
        scores, positive = np.array([0.9, 0.8, 0.3, 0.1]), np.array([True, True, False, False])
        self.assertEqual(metrics.area(*metrics.roc(scores, positive)[1:]), 1)
        self.assertEqual(metrics.area(*metrics.roc(-scores, positive)[1:]), 0)

    def test_odd_one_out(self) -> None:
        features = np.array([[0.0], [0.1], [5.0]])
        self.assertEqual(metrics.odd_one_out(features, np.array([[0, 1, 2], [2, 0, 1]])).tolist(), [2, 0])


class TripletTests(unittest.TestCase):
    def test_triplets_within_an_emotion_share_it(self) -> None:
        faces = synthetic_faces(600)
        rows, odd = triplets.within_emotion(faces, 800)
        self.assertGreater(len(rows), 50)
        top = faces.votes.argmax(1)[rows]
        self.assertTrue((top == top[:, :1]).all())
        roots = np.sqrt(faces.shares)
        self.assertEqual((metrics.odd_one_out(roots, rows) == odd).mean(), 1)

    def test_list_is_read_by_file(self) -> None:
        faces = synthetic_faces(3)
        with tempfile.TemporaryDirectory() as name:
            path = Path(name) / "triplets.csv"
            known = "synthetic/2.png,synthetic/0.png,synthetic/1.png,1"
            path.write_text(f"first,second,third,odd_one_out\n{known}\nsynthetic/0.png,gone.png,synthetic/1.png,0\n")
            rows, odd = triplets.read_triplets(path, faces)
        self.assertEqual((rows.tolist(), odd.tolist()), ([[2, 0, 1]], [1]))


class ReactionTests(unittest.TestCase):
    def test_references_are_unit_and_tau_separates(self) -> None:
        faces = synthetic_faces(800)
        # Faces of the wanted mixtures do not occur among the made-up ones.
        faces.votes[:20] = [0, 6, 4, 0, 0, 0, 0, 0]
        faces.votes[20:40] = [5, 5, 0, 0, 0, 0, 0, 0]
        faces.votes[40:60] = [0, 10, 0, 0, 0, 0, 0, 0]
        vectors = np.sqrt(faces.shares)
        anchors = reaction.references(faces, vectors)
        self.assertEqual(list(anchors), ["happy", "interested", "amused"])
        for anchor in anchors.values():
            self.assertAlmostEqual(float(np.linalg.norm(anchor)), 1, places=5)
        near = reaction.distance(vectors, anchors)
        tau = reaction.choose_tau(near, faces)
        (rate,), area = reaction.rates(near, faces, [tau])
        self.assertGreater(rate.true_positive - rate.false_positive, 0.8)
        self.assertGreater(area, 0.9)


class ManifestTests(unittest.TestCase):
    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.models = Path(folder.name)
        (self.models / "net.xml").write_text("graph")
        (self.models / "net.bin").write_text("weights")
        self.entry = {"graph": {"file": "net.xml", "sha256": ""}, "weights": {"file": "net.bin", "sha256": ""}}

    def write(self) -> None:
        (self.models / "net.json").write_text(json.dumps(self.entry))

    def test_sums_are_checked(self) -> None:
        self.write()
        with self.assertRaisesRegex(manifest.ManifestError, "net.xml has SHA-256"):
            manifest.assemble(self.models)
        for part in self.entry.values():
            part["sha256"] = manifest.digest(self.models / part["file"])
        self.write()
        self.assertEqual(manifest.assemble(self.models), {"schema": 1, "networks": {"net": self.entry}})

    def test_missing_files_and_parts_are_named(self) -> None:
        self.entry["graph"]["file"] = "gone.xml"
        self.write()
        with self.assertRaisesRegex(manifest.ManifestError, "gone.xml is missing"):
            manifest.assemble(self.models)
        del self.entry["weights"]
        self.write()
        with self.assertRaisesRegex(manifest.ManifestError, "no weights"):
            manifest.assemble(self.models)

    def test_third_party_files_may_be_made_later(self) -> None:
        self.entry = {part: {"file": f"third-party/net.{part}", "sha256": "00"} for part in ("graph", "weights")}
        self.write()
        self.assertIn("net", manifest.assemble(self.models)["networks"])

if __name__ == "__main__":
    unittest.main()
