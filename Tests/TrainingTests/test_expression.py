"""Tests of the expression network's training code: `python -m unittest discover -s Tests/TrainingTests`."""

from __future__ import annotations

import json
import tempfile
import unittest
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from Training.expression import export, geometry, loss, metrics
from Training.expression.augmentation import augment, jpeg
from Training.expression.calibration import fit
from Training.expression.network import ExpressionNetwork, standardise
from Training.expression.optimization import Average, optimizers, set_rate
from Training.expression.synthetic import synthetic_faces

MODELS = Path(__file__).parents[2] / "Models"


class AugmentationTests(unittest.TestCase):
    def test_views_keep_shape_and_range(self) -> None:
        torch.manual_seed(0)
        views = augment(torch.rand(64, 1, 48, 48) * 255)
        self.assertEqual(views.shape, (64, 1, 48, 48))
        self.assertTrue(views.isfinite().all() and views.min() >= 0 and views.max() <= 255)

    def test_jpeg_stays_close_to_a_smooth_picture(self) -> None:
        smooth = torch.linspace(50, 200, 48).expand(4, 1, 48, 48).contiguous()
        self.assertLess((jpeg(smooth) - smooth).abs().mean(), 10)


class LossTests(unittest.TestCase):
    def test_hellinger_is_zero_to_one(self) -> None:
        p = torch.tensor([[1.0, 0.0], [0.0, 1.0], [0.5, 0.5]])
        apart = loss.hellinger(p, p)
        self.assertAlmostEqual(apart[0, 1].item(), 1)
        self.assertLess(apart.diagonal().max().item(), 1e-3)

    def test_smoothed_labels_stay_distributions(self) -> None:
        faces = synthetic_faces(100)
        smooth = loss.smooth_labels(faces.labels, faces.shares)
        np.testing.assert_allclose(smooth.sum(1), 1, atol=1e-5)
        self.assertTrue((smooth.argmax(1) == faces.labels.argmax(1)).mean() > 0.9)

    def test_faces_without_votes_do_not_count(self) -> None:
        vectors, shares = torch.randn(4, 16), torch.zeros(4, 8)
        for value in (
            loss.cross_entropy(torch.randn(4, 8), shares),
            loss.relational(vectors, shares),
            loss.odd_one_out(vectors, shares),
        ):
            self.assertEqual(value.item(), 0)

    def test_right_distances_lose_less(self) -> None:
        torch.manual_seed(0)
        shares = torch.from_numpy(synthetic_faces(64).shares)
        right, wrong = shares.sqrt(), torch.randn(64, 8)
        self.assertLess(loss.relational(right, shares), loss.relational(wrong, shares))
        self.assertLess(loss.odd_one_out(right, shares), loss.odd_one_out(wrong, shares))


class OptimizationTests(unittest.TestCase):
    def test_a_few_steps_lower_the_loss(self) -> None:
        torch.manual_seed(0)
        faces = synthetic_faces(64)
        images = torch.from_numpy(faces.images).float().unsqueeze(1)
        targets = loss.Targets(torch.from_numpy(faces.shares), torch.from_numpy(faces.labels))
        network = ExpressionNetwork()
        average, steppers, losses = Average(network), optimizers(network), []
        for step in range(6):
            value = loss.total(network(images), targets)
            losses.append(value.item())
            for stepper in steppers:
                stepper.zero_grad()
            value.backward()
            set_rate(steppers, 0.1)
            for stepper in steppers:
                stepper.step()
            average.update()
        self.assertLess(losses[-1], 0.8 * losses[0])
        self.assertFalse(average.network.training)

    def test_rate_warms_up_and_ends_near_zero(self) -> None:
        steppers = optimizers(ExpressionNetwork())
        group = steppers[0].param_groups[0]
        rates = []
        for progress in (0.0, 0.03, 0.5, 1.2):
            set_rate(steppers, progress)
            rates.append(group["lr"] / group["peak"])
        self.assertLess(rates[0], 0.01)
        self.assertAlmostEqual(rates[1], 1)
        self.assertLess(rates[3], 0.01)


class NetworkTests(unittest.TestCase):
    def test_light_and_contrast_do_not_matter(self) -> None:
        network = ExpressionNetwork().eval()
        image = torch.rand(2, 1, 48, 48) * 100
        for one, other in zip(network(image), network(image * 2 + 30), strict=True):
            torch.testing.assert_close(one, other, atol=0.02, rtol=0.02)
        self.assertEqual(standardise(torch.full((1, 1, 48, 48), 77.0)).abs().max(), 0)

    def test_size_is_within_the_budget(self) -> None:
        network, macs = ExpressionNetwork().eval(), 0

        def count(module: torch.nn.Module, _: object, output: torch.Tensor) -> None:
            nonlocal macs
            macs += module.weight.numel() * output.shape[2] * output.shape[3]

        for module in network.modules():
            if isinstance(module, torch.nn.Conv2d):
                module.register_forward_hook(count)
        network(torch.zeros(1, 1, 48, 48))
        self.assertLessEqual(2 * macs, 0.25e9)
        self.assertLessEqual(2 * sum(weight.numel() for weight in network.parameters()), 6e6)


class CalibrationTests(unittest.TestCase):
    def test_calibration_corrects_overconfidence(self) -> None:
        torch.manual_seed(0)
        truth = torch.randint(0, 4, (4000,))
        logits = torch.randn(4000, 4) + 1.5 * torch.nn.functional.one_hot(truth, 4)
        calibration = fit(4 * logits, torch.nn.functional.one_hot(truth, 4).float())
        error = metrics.calibration_error(calibration(4 * logits).numpy(), truth.numpy())
        self.assertLess(error, 0.03)


class GeometryTests(unittest.TestCase):
    def test_similarity_recovers_a_transform(self) -> None:
        turn = np.array([[0.6, -0.8], [0.8, 0.6]]) * 1.5
        points = np.random.default_rng(0).normal(size=(5, 2))
        found = geometry.similarity(points, points @ turn.T + [3, 4])
        np.testing.assert_allclose(found, np.column_stack([turn, [3, 4]]), atol=1e-9)

    def test_crop_puts_landmarks_on_the_template(self) -> None:
        template = geometry.read_template()
        self.assertEqual(template.shape, (5, 2))
        landmarks = template * 5 + [60, 20]
        photo = Image.new("L", (400, 400), 255)
        x, y = landmarks[2].round().astype(int)
        photo.paste(0, (x - 6, y - 6, x + 7, y + 7))
        crop = np.asarray(geometry.crop(photo, landmarks), np.float64)
        weight = 255 - crop
        rows, columns = np.mgrid[0:48, 0:48]
        centre = [(columns * weight).sum() / weight.sum(), (rows * weight).sum() / weight.sum()]
        np.testing.assert_allclose(centre, template[2], atol=0.3)


class ExportTests(unittest.TestCase):
    def test_exported_network_equals_pytorch(self) -> None:
        torch.manual_seed(0)
        model = export.CalibratedNetwork(ExpressionNetwork().eval())
        faces = synthetic_faces(9)
        with tempfile.TemporaryDirectory() as name:
            path = Path(name) / "expression.xml"
            export.convert(model, path)
            found = export.run(path, faces.images, batch=4)
            with torch.no_grad():
                expected = model(torch.from_numpy(faces.images).float().unsqueeze(1))
            training, held = synthetic_faces(200, seed=1), synthetic_faces(60, seed=2)
            enjoyment = export.fit_reaction(path, training, held)
            entry = export.entry(path, "expression-test", enjoyment)
        for (output, values), wanted in zip(found.items(), expected, strict=True):
            self.assertEqual(values.shape, (9, export.OUTPUTS[output]))
            # fp16 weights
            np.testing.assert_allclose(values, wanted.numpy(), atol=5e-3)
        self.assertEqual(entry["outputs"], {"ferplus": 8, "fer": 7, "expression": 16})
        self.assertEqual(entry["reaction"], enjoyment)
        self.assertTrue(0 < enjoyment["tau"] < 2)
        happy = next(one["vector"] for one in enjoyment["references"] if one["name"] == "happy")
        self.assertAlmostEqual(float(np.linalg.norm(happy)), 1, places=4)

    def test_mirrored_face_gives_the_same(self) -> None:
        model = export.CalibratedNetwork(ExpressionNetwork().eval())
        image = torch.rand(2, 1, 48, 48) * 255
        with torch.no_grad():
            for one, other in zip(model(image), model(image.flip(3)), strict=True):
                torch.testing.assert_close(one, other, atol=1e-4, rtol=1e-4)

    def test_shipped_network_is_what_its_entry_says(self) -> None:
        entry = json.loads((MODELS / "expression.json").read_text())
        for part in ("graph", "weights"):
            self.assertEqual(export.digest(MODELS / entry[part]["file"]), entry[part]["sha256"])
        outputs = export.run(MODELS / entry["graph"]["file"], synthetic_faces(3).images)
        self.assertEqual({name: values.shape[1] for name, values in outputs.items()}, entry["outputs"])
        np.testing.assert_allclose(outputs["ferplus"].sum(1), 1, atol=1e-3)
        np.testing.assert_allclose(outputs["fer"].sum(1), 1, atol=1e-3)
        for reference in entry["reaction"]["references"]:
            self.assertAlmostEqual(float(np.linalg.norm(reference["vector"])), 1, places=4)

if __name__ == "__main__":
    unittest.main()
