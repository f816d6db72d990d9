"""Tests of the identity network's training code: `python -m unittest discover -s Tests/TrainingTests`."""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
import unittest
from dataclasses import replace
from pathlib import Path

os.environ.setdefault("ONEDNN_MAX_CPU_ISA", "AVX512_CORE_BF16")

import numpy as np
import openvino as ov
import torch

from Training.identity import augmentation, export
from Training.identity.average import between
from Training.identity.blends import Blends
from Training.identity.cohort import NEAREST, WEIGHT, Cohort
from Training.identity.data import Crop, find_alike
from Training.identity.distance import RIVALS, RIVALS_USUAL, RIVALS_WEIGHT, Faces, Nearest, rivalry
from Training.identity.teacher import normalise
from Training.identity.thresholds import Pictures, Thresholds, Visits, group_newcomers, one_of_each
from Training.identity.network import IdentityNetwork
from Training.identity.optimiser import Horizon, rate_factor
from Training.identity.shipped import start_from
from Training.identity.train import Settings, Trainer, swap_halves
from Training.identity.training_set import TrainingSet, paired
from Training.identity.winograd import WinogradConv2d, kernels

MODELS = Path(__file__).parents[2] / "Models"


class NetworkTests(unittest.TestCase):
    def test_size_is_within_the_budget(self) -> None:
        network = IdentityNetwork().eval()
        parameters = sum(parameter.numel() for parameter in network.parameters())
        self.assertLess(2 * parameters, 8e6)
        macs = 0

        def count(module: torch.nn.Module, _: object, output: torch.Tensor) -> None:
            nonlocal macs
            macs += module.weight.numel() * output[0].numel() // len(module.weight)  # type: ignore[operator, arg-type]

        for module in network.modules():
            if isinstance(module, torch.nn.Conv2d | torch.nn.Linear):
                module.register_forward_hook(count)
        network(torch.zeros(1, 3, 112, 112))
        self.assertLess(macs, 0.6e9)

    @unittest.skipIf(kernels() is None, "needs AVX-512 and g++")
    def test_winograd_equals_convolution(self) -> None:
        torch.manual_seed(0)
        for count, inputs, outputs, side in ((3, 64, 128, 14), (5, 128, 64, 7), (1, 64, 64, 28)):
            layer = WinogradConv2d(inputs, outputs)
            results = []
            for training in (True, False):
                layer.train(training).zero_grad()
                x = torch.randn(count, inputs, side, side, generator=torch.Generator().manual_seed(1)).requires_grad_()
                y = layer(x)
                (y * torch.linspace(-1, 1, y.numel()).view_as(y)).sum().backward()
                results.append((y.detach(), x.grad, layer.weight.grad))
            for fast, plain in zip(*results, strict=True):
                self.assertLess(float((fast - plain).abs().max() / plain.abs().max()), 1e-4)

    def test_winograd_refuses_odd_channels(self) -> None:
        with self.assertRaisesRegex(ValueError, "multiples of 64"):
            WinogradConv2d(48, 64)


class OptimiserTests(unittest.TestCase):
    def test_horizon_ends_at_its_deadline_and_goes_on_from_a_checkpoint(self) -> None:
        horizon = Horizon(deadline=100.0)
        for second in range(1, 51):
            horizon.advance(0, 1, float(second), float(second - 1))
        self.assertAlmostEqual(horizon.progress, 0.5)
        horizon = Horizon(progress=horizon.progress, deadline=1000.0)
        horizon.advance(0, 1, 550.0, 100.0)
        self.assertAlmostEqual(horizon.progress, 0.75)
        horizon.advance(0, 1, 1001.0, 550.0)
        self.assertEqual(horizon.progress, 1)

    def test_horizon_in_views(self) -> None:
        horizon = Horizon(views=100)
        for done in range(0, 100, 25):
            self.assertAlmostEqual(horizon.progress, done / 100)
            horizon.advance(done, 25)
        self.assertEqual(horizon.progress, 1)

    def test_rate_rises_stays_and_falls_to_zero(self) -> None:
        self.assertLess(rate_factor(0), 0.01)
        self.assertEqual(rate_factor(0.2), 1)
        self.assertAlmostEqual(rate_factor(0.65), 0.5)
        self.assertEqual(rate_factor(1), 0)


class TrainerTests(unittest.TestCase):
    def test_a_resumed_run_has_its_own_rate(self) -> None:
        data, device = TrainingSet.synthetic(16), torch.device("cpu")
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "checkpoint.pt"
            trainer = Trainer(Settings(batch=4), data, device)
            trainer.step(data.rows[:4])
            trainer.save(path)
            resumed = Trainer(Settings(batch=4, muon_lr=0.005, adam_lr=0.0005), data, device)
            resumed.resume(path)
        self.assertEqual(resumed.views, 4)
        resumed.progress = 0.1  # where the rate is full
        resumed.step(data.rows[:4])
        self.assertEqual([optimiser.param_groups[0]["lr"] for optimiser in resumed.optimisers], [0.005, 0.0005])


class DataTests(unittest.TestCase):
    def test_alike_faces_are_found_anew_for_other_rows(self) -> None:
        angles = np.arange(12) * 0.1
        targets = np.stack([np.cos(angles), np.sin(angles)], 1).astype(np.float16)
        with tempfile.TemporaryDirectory() as folder:
            for rows in (np.arange(12), np.arange(12), np.arange(0, 12, 2)):
                alike = find_alike(Path(folder), targets, rows, count=2)
                self.assertEqual(set(alike[2]), {rows[1], rows[3]})

    def test_views_keep_shape_and_range(self) -> None:
        torch.manual_seed(0)
        images = torch.rand(16, 3, 112, 112)
        views = augmentation.augment(images, strength=5)
        self.assertEqual(views.shape, images.shape)
        self.assertGreaterEqual(float(views.min()), 0)
        self.assertLessEqual(float(views.max()), 1)

    def test_compression_keeps_smooth_pictures(self) -> None:
        ramp = torch.linspace(0.2, 0.8, 112).expand(1, 3, 112, 112)
        self.assertLess(float((augmentation.compress(ramp, 90) - ramp).abs().mean()), 0.01)
        noise = torch.rand(1, 3, 112, 112)
        self.assertLess(float(augmentation.compress(noise, 5).var()), float(noise.var()))

    def test_mirrored_target_swaps_halves(self) -> None:
        self.assertEqual(swap_halves(torch.tensor([[1, 2, 3, 4]])).tolist(), [[3, 4, 1, 2]])


class BlendTests(unittest.TestCase):
    def setUp(self) -> None:
        self.data = TrainingSet.synthetic(64)
        self.blends = Blends.draw(self.data.rows, self.data.alike, seed=1, count=256)

    def test_a_blend_is_its_first_crop_but_for_the_box(self) -> None:
        for index in range(len(self.blends)):
            picture = self.blends.picture(self.data.images, index)
            first, second = (self.data.images[rows[index]] for rows in (self.blends.first, self.blends.second))
            left, top, right, bottom = self.blends.boxes[index]
            inside = np.zeros((112, 112, 1), bool)
            inside[top:bottom, left:right] = True
            share = self.blends.shares[index]
            expected = np.where(inside, (1 - share) * first + share * second, first)
            self.assertLessEqual(np.abs(picture - expected).max(), 0.51)

    def test_half_are_whole_mixtures_and_half_rectangles(self) -> None:
        whole = (self.blends.boxes == [0, 0, 112, 112]).all(1)
        self.assertAlmostEqual(whole.mean(), 0.5, delta=0.15)
        self.assertTrue((self.blends.shares[~whole] == 1).all())
        self.assertTrue((self.blends.first[::2] == self.blends.first[1::2]).all())

    def test_parts_are_kept_and_read_together(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            self.assertEqual(len(Blends.load(Path(folder))), 0)
            Path(folder, "blends").mkdir()
            targets = np.ones((len(self.blends), 512), np.float16)
            for part in range(2):
                replace(self.blends, targets=targets * part).save(Path(folder, "blends", f"{part:04}.npz"))
            loaded = Blends.load(Path(folder))
        self.assertEqual(len(loaded), 512)
        self.assertEqual(loaded.targets[[0, 256], 0].tolist(), [0, 1])
        np.testing.assert_array_equal(loaded.first[256:], self.blends.first)

    def test_batches_are_pairs_and_half_of_them_blends(self) -> None:
        targets = np.full((len(self.blends), 512), 0.5, np.float16)
        data = replace(self.data, blends=replace(self.blends, targets=targets))
        batches = paired(data, 16, np.random.default_rng(0))
        for _ in range(5):
            rows = next(batches)
            blended = rows >= len(data.images)
            self.assertEqual(int(blended.sum()), 8)
            np.testing.assert_array_equal(blended[::2], blended[1::2])
            first = data.blends.first[rows[blended] - len(data.images)]
            np.testing.assert_array_equal(first[::2], first[1::2])
            self.assertEqual(data.pictures(rows).shape, (16, 112, 112, 3))
            self.assertTrue((data.answers(rows)[blended] == 0.5).all())
        self.assertTrue((next(paired(self.data, 16, np.random.default_rng(0))) < len(self.data.images)).all())


class CohortTests(unittest.TestCase):
    def setUp(self) -> None:
        generator = np.random.default_rng(0)
        crowd = generator.standard_normal(32) + 0.2 * generator.standard_normal((300, 32))
        self.vectors = normalise(np.concatenate([generator.standard_normal((300, 32)), crowd]).astype(np.float32))
        self.cohort = Cohort.of(self.vectors, members=24)

    def test_members_are_unit_vectors_and_usual_is_the_mean(self) -> None:
        np.testing.assert_allclose(np.linalg.norm(self.cohort.members, axis=1), 1, rtol=1e-5)
        self.assertAlmostEqual(self.cohort.usual, float(self.cohort.crowding(self.vectors).mean()), places=5)

    def test_a_distance_counts_for_more_where_faces_lie_close_together(self) -> None:
        faces = Faces.seen_by(self.cohort, self.vectors)
        self.assertGreater(faces.crowding[300:].min(), faces.crowding[:300].max())
        mine = self.cohort.members @ self.vectors[[0, 300]].T
        expected = np.sort(mine, axis=0)[-NEAREST:].mean(0) - self.cohort.usual
        np.testing.assert_allclose(faces.crowding[[0, 300]], expected, rtol=1e-4)
        distance = (1 - self.vectors[0] @ self.vectors[300]) * np.exp(WEIGHT * expected.sum())
        self.assertAlmostEqual(float(faces[[0]].distances(faces[[300]])[0, 0]), float(distance), places=5)

    def test_the_nearest_is_so_by_cosine_and_not_one_left_out(self) -> None:
        faces = Faces.seen_by(self.cohort, self.vectors)
        without = np.eye(600, dtype=bool)
        nearest = faces.nearest(faces, without)
        cosines = np.where(without, -1, self.vectors @ self.vectors.T)
        np.testing.assert_array_equal(nearest.rows, cosines.argmax(1))
        np.testing.assert_allclose(nearest.cosine, 1 - cosines.max(1), atol=1e-6)
        alone = faces.distances(faces)[np.arange(600), nearest.rows]
        np.testing.assert_allclose(nearest.normalised, alone * np.exp(RIVALS_WEIGHT * rivalry(cosines)), rtol=1e-4)

    def test_the_next_ones_are_rivals_when_there_are_enough_and_they_are_alike(self) -> None:
        cosines = np.array([[0.9, 0.5, 0.1, 0.5, 0.5, 0.5], [0.9, 0.1, 0.2, 0.1, 0.1, 0.1]], np.float32)
        np.testing.assert_allclose(rivalry(cosines), [0.5 - RIVALS_USUAL, 0], atol=1e-6)
        np.testing.assert_array_equal(rivalry(cosines[:, :RIVALS]), [0, 0])

    def test_what_is_written_is_what_the_manifest_says(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            entry = self.cohort.write(Path(folder))
            content = Path(folder, entry["file"]).read_bytes()
        self.assertEqual(hashlib.sha256(content).hexdigest(), entry["sha256"])
        np.testing.assert_array_equal(np.frombuffer(content, "<f4").reshape(24, 32), self.cohort.members)


class AverageTests(unittest.TestCase):
    def test_statistics_go_along_and_counters_do_not(self) -> None:
        start, end = IdentityNetwork().state_dict(), IdentityNetwork().state_dict()
        name, counter = "features.1.running_var", "features.1.num_batches_tracked"
        end[name] = start[name] + 1
        end[counter] = start[counter] + 7
        mean = between(start, end, 0.25)
        torch.testing.assert_close(mean[name], start[name] + 0.25)
        self.assertEqual(mean[counter], 7)
        self.assertEqual(mean.keys(), start.keys())


class ThresholdTests(unittest.TestCase):
    def test_what_happens_to_people(self) -> None:
        def nearest(*normalised: float) -> Nearest:
            return Nearest(np.zeros(4, np.int64), np.array([0.4, 0.4, 0.4, 0.2]), np.array(normalised))

        visits = Visits(nearest(0.2, 0.4, 0.6, 0.8), nearest(0.1, 0.2, 0.9, 0.8), np.array([True, False, True, True]))
        self.assertEqual(visits.rates(Thresholds(0.3, 0.5, near=0.2)), {
            "newcomers_wrongly_merged": 0.25, "newcomers_enrolled": 0.25, "returning_found": 0.25,
            "returning_as_somebody_else": 0.25, "returning_enrolled_again": 0.25,
        })  # fmt: skip

    def test_newcomers_come_to_galleries_of_their_group_and_of_others(self) -> None:
        generator = np.random.default_rng(0)

        def pictures(direction: int) -> Pictures:
            vectors = generator.standard_normal((300, 32)).astype(np.float32)
            vectors[:, direction] += 12
            vectors = normalise(vectors)
            return Pictures(Faces(vectors, np.zeros(300, np.float32)), normalise(generator.standard_normal((300, 32))))

        group, others = pictures(0), pictures(1)
        alone, one = (group_newcomers(group, others, 100, share).normalised for share in (1.0, 0.01))
        self.assertEqual((len(alone), len(one)), (8 * 200, 8 * 299))
        # The one of their group is nearer to all of them than anybody else, and has no rivals.
        cosine = (group.faces.vectors @ group.faces.vectors.T)[np.triu_indices(300, 1)]
        self.assertLess(one.max(), 1 - cosine.min() + 1e-5)
        self.assertGreater(np.median(alone), np.median(one))

    def test_who_is_there_more_than_once_counts_once(self) -> None:
        crops = [Crop(f"utkface/{stem}.webp", "utkface", "", 0) for stem in (
            "38_0_1_20170117012906285", "1_1_1_1", "28_0_1_20170116203937699", "2_2_2_2",
        )]  # fmt: skip
        self.assertEqual(one_of_each(crops).tolist(), [0, 1, 3])


class ExportTests(unittest.TestCase):
    def test_exported_network_equals_pytorch_at_any_batch(self) -> None:
        torch.manual_seed(0)
        network = IdentityNetwork()
        with torch.no_grad():
            network(torch.randn(32, 3, 112, 112))
        network.eval()
        with tempfile.TemporaryDirectory() as folder:
            export.write(export.to_openvino(network), Path(folder), export.manifest_entry("test-1", {"match": 0.5}))
            compiled = ov.Core().compile_model(
                Path(folder, "identity.xml"), "CPU", {"INFERENCE_PRECISION_HINT": "f32"}
            )
            for count in (1, 4):
                images = torch.randn(count, 3, 112, 112)
                exported = compiled({"image": images.numpy()})["embedding"]
                with torch.no_grad():
                    expected = network(images).numpy()
                self.assertEqual(exported.shape, (count, 512))
                cosine = (exported * expected).sum(1)
                cosine /= np.linalg.norm(exported, axis=1) * np.linalg.norm(expected, axis=1)
                self.assertGreater(cosine.min(), 0.9999)

    def test_training_goes_on_from_an_exported_network(self) -> None:
        torch.manual_seed(0)
        network = IdentityNetwork(pairs=(0, 0, 2, 1))  # fewer blocks than the one that goes on from it
        with torch.no_grad():
            for parameter in network.parameters():
                if parameter.ndim == 1:  # scales and shifts of the normalisations, as a trained network has them
                    parameter.uniform_(0.5, 1.5)
            network(torch.randn(32, 3, 112, 112))
        network.eval()
        images = torch.randn(32, 3, 112, 112)
        with tempfile.TemporaryDirectory() as folder:
            export.write(export.to_openvino(network), Path(folder), export.manifest_entry("test-1", {"match": 0.5}))
            other = IdentityNetwork()
            start_from(other, Path(folder, "identity.xml"), torch.randn(64, 3, 112, 112))
        with torch.no_grad():
            cosine = torch.nn.functional.cosine_similarity(network(images), other.eval()(images))
        self.assertGreater(float(cosine.min()), 0.999)

    def test_shipped_manifest_entry_matches_its_files(self) -> None:
        entry = json.loads((MODELS / "identity.json").read_text())
        for key in ("graph", "weights"):
            digest = hashlib.sha256((MODELS / entry[key]["file"]).read_bytes()).hexdigest()
            self.assertEqual(digest, entry[key]["sha256"])
        model = ov.Core().read_model(MODELS / entry["graph"]["file"])
        self.assertEqual(list(model.input("image").partial_shape)[1:], [3, 112, 112])
        self.assertEqual(model.output("embedding").partial_shape[1].get_length(), 512)
        self.assertLess((MODELS / "identity.bin").stat().st_size, 8e6)
        self.assertLess(entry["identification"]["match"], entry["identification"]["enrol"])
        cohort = entry["identification"]["cohort"]
        content = (MODELS / cohort["file"]).read_bytes()
        self.assertEqual(hashlib.sha256(content).hexdigest(), cohort["sha256"])
        members = np.frombuffer(content, "<f4").reshape(-1, 512)
        self.assertGreater(len(members), cohort["nearest"])
        np.testing.assert_allclose(np.linalg.norm(members, axis=1), 1, rtol=1e-4)
        rivals = entry["identification"]["rivals"]
        self.assertEqual(rivals, {"count": RIVALS, "weight": RIVALS_WEIGHT, "usual": RIVALS_USUAL})


if __name__ == "__main__":
    unittest.main()
