"""Tests of the identity network's training code: `python -m unittest discover -s Tests/TrainingTests`."""

from __future__ import annotations

import json
import os
import tempfile
import unittest
from pathlib import Path

os.environ.setdefault("ONEDNN_MAX_CPU_ISA", "AVX512_CORE_BF16")

import numpy as np
import openvino as ov
import torch

from Training.identity import augmentation, export
from Training.identity.network import IdentityNetwork
from Training.identity.optimiser import Horizon, rate_factor
from Training.identity.shipped import start_from
from Training.identity.train import swap_halves
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


class DataTests(unittest.TestCase):
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
            digest = export.hashlib.sha256((MODELS / entry[key]["file"]).read_bytes()).hexdigest()
            self.assertEqual(digest, entry[key]["sha256"])
        model = ov.Core().read_model(MODELS / entry["graph"]["file"])
        self.assertEqual(list(model.input("image").partial_shape)[1:], [3, 112, 112])
        self.assertEqual(model.output("embedding").partial_shape[1].get_length(), 512)
        self.assertLess((MODELS / "identity.bin").stat().st_size, 8e6)
        self.assertLess(entry["identification"]["match"], entry["identification"]["enrol"])


if __name__ == "__main__":
    unittest.main()
