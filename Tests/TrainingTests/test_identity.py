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

from Training import manifest
from Training.identity import augmentation, compose, export
from Training.identity.sface import Graph, graph_over, onnx_tensors, sface
from Training.identity.average import between
from Training.identity.blends import Blends
from Training.identity.cohort import NEAREST, Cohort
from Training.identity.data import Crop, find_alike
from Training.identity.distance import IMPOSTORS, Faces, Nearest, Normalisation, impostor_likeness
from Training.identity.thresholds import (
    Pictures, Thresholds, Visits, choose_thresholds, group_newcomers, one_of_each, one_person,
)  # fmt: skip
from Training.identity.vectors import Embedder, KeptVectors, normalise, side_by_side
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
        self.assertAlmostEqual(self.cohort.usual, float(self.cohort.scores(self.vectors).mean()), places=5)

    def test_a_distance_counts_for_more_where_faces_lie_close_together(self) -> None:
        faces = Faces.seen_by(self.cohort, self.vectors)
        self.assertGreater(faces.cohort_score[300:].min(), faces.cohort_score[:300].max())
        mine = self.cohort.members @ self.vectors[[0, 300]].T
        expected = np.sort(mine, axis=0)[-NEAREST:].mean(0) - self.cohort.usual
        np.testing.assert_allclose(faces.cohort_score[[0, 300]], expected, rtol=1e-4)
        distance = (1 - self.vectors[0] @ self.vectors[300]) * np.exp(0.7 * expected.sum())
        by = Normalisation(cohort=0.7)
        self.assertAlmostEqual(float(faces[[0]].distances(faces[[300]], by)[0, 0]), float(distance), places=5)

    def test_the_nearest_is_so_by_cosine_and_not_one_left_out(self) -> None:
        faces = Faces.seen_by(self.cohort, self.vectors)
        without = np.eye(600, dtype=bool)
        nearest = faces.nearest(faces, without)
        cosines = np.where(without, -1, self.vectors @ self.vectors.T)
        np.testing.assert_array_equal(nearest.rows, cosines.argmax(1))
        np.testing.assert_allclose(nearest.cosine, 1 - cosines.max(1), atol=1e-6)
        by = Normalisation(0.7, 1.1, 0.25)
        alone = faces.distances(faces, by)[np.arange(600), nearest.rows]
        excess = np.maximum(impostor_likeness(cosines) - 0.25, 0)
        np.testing.assert_allclose(nearest.normalised(by), alone * np.exp(1.1 * excess), rtol=1e-4)

    def test_the_next_ones_are_impostors_when_there_are_enough_and_they_are_alike(self) -> None:
        cosines = np.array([[0.9, 0.5, 0.1, 0.5, 0.5, 0.5], [0.9, 0.1, 0.2, 0.1, 0.1, 0.1]], np.float32)
        np.testing.assert_allclose(impostor_likeness(cosines), [0.5, 0.125], atol=1e-6)
        by, nobody = Normalisation(impostors=2, usual=0.2), np.zeros(2, np.float32)
        self.assertEqual((by.factor(nobody, impostor_likeness(cosines)) > 1).tolist(), [True, False])
        np.testing.assert_array_equal(by.factor(nobody, impostor_likeness(cosines[:, :IMPOSTORS])), [1, 1])

    def test_what_is_written_is_what_the_manifest_says(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            entry = self.cohort.write(Path(folder), 0.7)
            content = Path(folder, entry["file"]).read_bytes()
        self.assertEqual(hashlib.sha256(content).hexdigest(), entry["sha256"])
        np.testing.assert_array_equal(np.frombuffer(content, "<f4").reshape(24, 32), self.cohort.members)
        self.assertEqual(Normalisation.of({"identification": {"cohort": entry}}).cohort, 0.7)


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
        by = Normalisation(cohort=1, impostors=0)

        def nearest(*normalised: float) -> Nearest:
            cosine = np.array([0.4, 0.4, 0.4, 0.2])
            return Nearest(np.zeros(4, np.int64), cosine, np.log(np.array(normalised) / cosine), np.zeros(4))

        visits = Visits(nearest(0.2, 0.4, 0.6, 0.8), nearest(0.1, 0.2, 0.9, 0.8), np.array([True, False, True, True]))
        self.assertEqual(visits.rates(Thresholds(0.3, 0.5, near=0.2, by=by)), {
            "newcomers_wrongly_merged": 0.25, "newcomers_enrolled": 0.25, "returning_found": 0.25,
            "returning_as_somebody_else": 0.25, "returning_enrolled_again": 0.25,
        })  # fmt: skip

    def test_no_gallery_of_adults_merges_more_than_the_limit(self) -> None:
        generator = np.random.default_rng(0)

        def nearest(usual: float, count: int = 4000) -> Nearest:
            cosine = generator.normal(usual, 0.1, count).clip(0).astype(np.float32)
            return Nearest(np.zeros(count, np.int64), cosine, np.zeros(count), np.zeros(count))

        lfw = Visits(nearest(0.8), nearest(0.3), np.ones(4000, bool))
        few = Visits(nearest(0.1, 20), nearest(0.3), np.ones(4000, bool))
        newcomers = {
            (1000, "UTKFace Asian 16 and older", 1.0): nearest(0.6), (1000, "ages 0-5", 1.0): nearest(0.2),
            (100, "UTKFace White 16 and older", 0.1): nearest(0.7),
        }  # fmt: skip
        thresholds, limits = choose_thresholds({1000: lfw, 2000: few}, newcomers, Normalisation())
        self.assertEqual({at[:2] for at in limits}, {
            (1000, "LFW"), (1000, "UTKFace Asian 16 and older"), (100, "UTKFace White 16 and older"),
        })  # fmt: skip
        self.assertAlmostEqual(thresholds.match, min(limits.values()), delta=0.001)
        for at in ((1000, "UTKFace Asian 16 and older", 1.0), (100, "UTKFace White 16 and older", 0.1)):
            self.assertLessEqual(thresholds.merged(newcomers[at]).mean(), 0.005)
        self.assertGreaterEqual(lfw.rates(thresholds)["newcomers_enrolled"], 0.9295)

    def test_either_network_tells_who_is_one_person(self) -> None:
        alike, other = [1, 0, 0], [0, 1, 0]
        teacher = np.array([alike, alike, other, [0, 0, 1]], np.float32)
        sface = np.array([alike, other, other, [0, 0, 1]], np.float32)
        self.assertEqual([pair[:2] for pair in one_person((teacher, sface))], [(0, 1), (1, 2)])
        pictures = Pictures(Faces(teacher, np.zeros(4, np.float32)), (teacher, sface))
        same = pictures.same(pictures[np.array([1, 3])])
        self.assertEqual(same.tolist(), [[True, False], [True, False], [True, False], [False, True]])

    def test_newcomers_come_to_galleries_of_their_group_and_of_others(self) -> None:
        generator = np.random.default_rng(0)

        def pictures(direction: int) -> Pictures:
            vectors = generator.standard_normal((300, 32)).astype(np.float32)
            vectors[:, direction] += 12
            vectors = normalise(vectors)
            judges = tuple(normalise(generator.standard_normal((300, 256))) for _ in range(2))
            return Pictures(Faces(vectors, np.zeros(300, np.float32)), judges)

        group, others = pictures(0), pictures(1)
        by = Normalisation()
        alone, one = (group_newcomers(group, others, 100, share).normalised(by) for share in (1.0, 0.01))
        self.assertEqual((len(alone), len(one)), (8 * 200, 8 * 299))
        # The one of their group is nearer to all of them than anybody else, and has no impostors.
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
            export.write(export.to_openvino(network), Path(folder), Path(folder), export.manifest_entry("test-1", {"match": 0.5}))
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
            export.write(export.to_openvino(network), Path(folder), Path(folder), export.manifest_entry("test-1", {"match": 0.5}))
            other = IdentityNetwork()
            start_from(other, Path(folder, "identity.xml"), torch.randn(64, 3, 112, 112))
        with torch.no_grad():
            cosine = torch.nn.functional.cosine_similarity(network(images), other.eval()(images))
        self.assertGreater(float(cosine.min()), 0.999)

    def test_shipped_entries_match_their_files(self) -> None:
        for folder in (MODELS, MODELS / "alone", MODELS / "int8"):
            entry = json.loads((folder / "identity.json").read_text())
            width = 0
            for part in manifest.parts(entry):
                files = [folder / part[key]["file"] for key in ("graph", "weights")]
                if not files[1].exists() and files[1].parent.name == "third-party":
                    self.skipTest("set-up could not get SFace")
                for path, key in zip(files, ("graph", "weights"), strict=True):
                    self.assertEqual(hashlib.sha256(path.read_bytes()).hexdigest(), part[key]["sha256"])
                self.assertLess(files[1].stat().st_size, 40e6 if files[1].parent.name == "third-party" else 12e6)
                self.assertTrue((folder / part["card"]).exists())
                model = ov.Core().read_model(*files)
                self.assertEqual(list(model.input("image").partial_shape)[1:], [3, 112, 112])
                self.assertEqual(model.output("embedding").partial_shape[1].get_length(), part["outputs"]["embedding"])
                width += part["outputs"]["embedding"]
            self.assertEqual((width, entry["outputs"]), (512, {"embedding": 512}))
            self.assertLess(entry["identification"]["match"], entry["identification"]["enrol"])
            cohort = entry["identification"]["cohort"]
            content = (folder / cohort["file"]).read_bytes()
            self.assertEqual(hashlib.sha256(content).hexdigest(), cohort["sha256"])
            members = np.frombuffer(content, "<f4").reshape(-1, 512)
            self.assertGreater(len(members), cohort["nearest"])
            np.testing.assert_allclose(np.linalg.norm(members, axis=1), 1, rtol=1e-4)
            self.assertEqual(entry["identification"]["rivals"]["count"], IMPOSTORS)


class CompositionTests(unittest.TestCase):
    def test_parts_stand_side_by_side_at_their_weights(self) -> None:
        generator = np.random.default_rng(0)
        first, second = (normalise(generator.standard_normal((5, width)).astype(np.float32)) for width in (384, 128))
        whole = side_by_side([first, second], [1.0, 1.4])
        np.testing.assert_allclose(np.linalg.norm(whole, axis=1), 1, rtol=1e-5)
        expected = (first @ first.T + 1.4**2 * second @ second.T) / (1 + 1.4**2)
        np.testing.assert_allclose(whole @ whole.T, expected, atol=1e-5)

    def test_directions_keep_what_vectors_span(self) -> None:
        generator = np.random.default_rng(0)
        vectors = normalise((generator.standard_normal((200, 6)) @ generator.standard_normal((6, 16))).astype(np.float32))
        seen = vectors @ compose.directions(vectors, 6).T
        np.testing.assert_allclose(seen @ seen.T, vectors @ vectors.T, atol=1e-4)

    def test_one_file_of_weights_serves_the_network_alone_and_as_a_part(self) -> None:
        torch.manual_seed(0)
        onto = compose.directions(normalise(np.random.default_rng(0).standard_normal((900, 512)).astype(np.float32)))
        images = torch.rand(2, 3, 112, 112).numpy()
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            entry = export.manifest_entry("test-1", {"match": 0.5})
            export.write(export.to_openvino(IdentityNetwork().eval()), folder, folder, entry)
            weights = folder / "identity.bin"
            before = weights.read_bytes()
            for _ in range(2):  # a second time it is there already
                compose.put_behind(compose.project(folder / "identity.xml", onto), folder / "identity-384.xml", weights)
            self.assertTrue(weights.read_bytes().startswith(before))
            core = ov.Core()
            alone, part = (
                core.compile_model(core.read_model(folder / graph, weights), "CPU", {"INFERENCE_PRECISION_HINT": "f32"})(images)[0]
                for graph in ("identity.xml", "identity-384.xml")
            )
        self.assertEqual(part.shape, (2, 384))
        np.testing.assert_allclose(part, alone @ onto.T, atol=2e-3 * np.abs(alone).max())

    def test_vectors_are_made_once_and_kept(self) -> None:
        class Counted:
            name, width, asked = "counted", 4, 0

            def embed(self, crops: np.ndarray) -> np.ndarray:
                self.asked += len(crops)
                return normalise(np.repeat(crops.reshape(len(crops), -1)[:, :1].astype(np.float32) + 1, 4, 1))

        images = np.arange(10 * 3, dtype=np.uint8).reshape(10, 1, 1, 3)
        with tempfile.TemporaryDirectory() as folder:
            part = Counted()
            for rows in (np.array([3, 1]), np.array([1, 3, 5]), np.array([5])):
                kept = KeptVectors(part, images, Path(folder))  # type: ignore[arg-type]
                np.testing.assert_allclose(kept[rows], np.full((len(rows), 4), 0.5))
            self.assertEqual(part.asked, 3)

    @unittest.skipUnless((MODELS / "third-party" / "sface.bin").exists(), "set-up could not get SFace")
    def test_the_shipped_networks_make_unit_vectors(self) -> None:
        crops = np.random.default_rng(0).integers(0, 256, (3, 112, 112, 3), np.uint8)
        for folder in (MODELS, MODELS / "alone"):
            vectors = Embedder(folder).embed(crops)
            self.assertEqual(vectors.shape, (3, 512))
            np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, rtol=1e-4)


class SFaceTests(unittest.TestCase):
    """SFace's graph over a made-up file of its form."""

    def setUp(self) -> None:
        generator = np.random.default_rng(0)
        self.tensors: dict[str, onnx_tensors.Tensor] = {}
        self.plain: dict[str, np.ndarray] = {}

        def add(name: str, values: np.ndarray) -> None:
            self.tensors[name] = onnx_tensors.Tensor(values.shape, values.tobytes())

        def pack(name: str, shape: list[int], block: int) -> None:
            rows, columns = (1, shape[0]) if len(shape) == 1 else (shape[0], int(np.prod(shape[1:])))
            values = generator.integers(-128, 128, (rows, columns // block, block), np.int8)
            zero = generator.integers(-9, 9, (rows, columns // block, 1), np.int8)
            scale = generator.uniform(0.001, 0.002, zero.shape).astype(np.float32)
            of_blocks = [columns // block] if len(shape) == 1 else [rows, columns // block]
            add(f"{name}_scales", scale.reshape(of_blocks))
            add(f"{name}_zero_point", zero.reshape(of_blocks))
            add(f"{name}_shape", np.array(shape, np.int64))
            add(f"{name}_quantized", values.reshape([columns] if len(shape) == 1 else [rows, columns]))
            self.plain[name] = ((values.astype(np.float32) - zero) * scale).reshape(shape)

        def normalisation(name: str, channels: int) -> None:
            for part, low, high in (("gamma", 0.5, 1.5), ("beta", -0.1, 0.1), ("moving_mean", -0.1, 0.1), ("moving_var", 0.5, 2)):
                self.plain[f"{name}_{part}"] = generator.uniform(low, high, channels).astype(np.float32)
                add(f"{name}_{part}", self.plain[f"{name}_{part}"])

        def slopes(name: str, channels: int) -> None:
            self.plain[f"{name}_relu_gamma"] = generator.uniform(0, 0.5, (channels, 1, 1)).astype(np.float32)
            add(f"{name}_relu_gamma", self.plain[f"{name}_relu_gamma"])

        self.channels = [4, 8, 8, 8, 8, 8, 8, 8, 8, 8, 8, 8, 8, 8]
        pack("conv_1_conv2d_weight", [4, 3, 3, 3], 27)
        normalisation("conv_1_batchnorm", 4)
        slopes("conv_1", 4)
        for layer in range(2, 15):
            before, after = self.channels[layer - 2 : layer]
            pack(f"conv_{layer}_dw_conv2d_weight", [before, 1, 3, 3], 9)
            normalisation(f"conv_{layer}_dw_batchnorm", before)
            slopes(f"conv_{layer}_dw", before)
            pack(f"conv_{layer}_conv2d_weight", [after, before, 1, 1], 4)
            normalisation(f"conv_{layer}_batchnorm", after)
            slopes(f"conv_{layer}", after)
        normalisation("bn1", 8)
        pack("pre_fc1_weight", [16, 8 * 49], 56)
        pack("pre_fc1_bias", [16], 8)
        normalisation("fc1", 16)

    def expected(self, image: torch.Tensor) -> torch.Tensor:
        """The same network in PyTorch."""
        functional = torch.nn.functional
        plain = {name: torch.from_numpy(values) for name, values in self.plain.items()}

        def normalised(x: torch.Tensor, name: str, epsilon: float) -> torch.Tensor:
            gamma, beta, mean, variance = (plain[f"{name}_{part}"] for part in ("gamma", "beta", "moving_mean", "moving_var"))
            return functional.batch_norm(x, mean, variance, gamma, beta, eps=epsilon)

        def activated(x: torch.Tensor, name: str) -> torch.Tensor:
            return functional.prelu(normalised(x, f"{name}_batchnorm", 1e-3), plain[f"{name}_relu_gamma"].flatten())

        x = activated(functional.conv2d(image, plain["conv_1_conv2d_weight"], padding=1), "conv_1")
        for layer in range(2, 15):
            weight, stride = plain[f"conv_{layer}_dw_conv2d_weight"], 2 if layer in (3, 5, 7, 13) else 1
            x = functional.conv2d(x, weight, stride=stride, padding=1, groups=len(weight))
            x = activated(x, f"conv_{layer}_dw")
            x = activated(functional.conv2d(x, plain[f"conv_{layer}_conv2d_weight"]), f"conv_{layer}")
        x = normalised(x, "bn1", 2e-5).flatten(1)
        return normalised(functional.linear(x, plain["pre_fc1_weight"], plain["pre_fc1_bias"]), "fc1", 2e-5)

    def test_the_graph_reads_the_tensors_where_set_up_puts_them(self) -> None:
        torch.manual_seed(0)
        image = torch.rand(2, 3, 112, 112) * 2 - 1
        offsets, _ = sface.layout(self.tensors)
        with tempfile.TemporaryDirectory() as name:
            graph, weights = Path(name, "sface.xml"), Path(name, "other.bin")
            graph.write_bytes(graph_over(Graph(self.tensors).model(), offsets))
            weights.write_bytes(sface.weights(self.tensors))
            core = ov.Core()
            streams = {"INFERENCE_PRECISION_HINT": "f32", "NUM_STREAMS": 2, "INFERENCE_NUM_THREADS": 2}
            compiled = core.compile_model(core.read_model(graph, weights), "CPU", streams)
            found = compiled({"image": image.numpy()})["embedding"].copy()
            alone = compiled({"image": image.numpy()[:1]})["embedding"].copy()
        np.testing.assert_allclose(alone, found[:1], rtol=1e-3, atol=1e-3 * np.abs(found).max())
        expected = self.expected(image).numpy()
        self.assertEqual(found.shape, (2, 16))
        np.testing.assert_allclose(found, expected, rtol=1e-3, atol=1e-3 * np.abs(expected).max())


if __name__ == "__main__":
    unittest.main()
