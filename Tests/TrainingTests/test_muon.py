"""Muon: its updates are nearly orthogonal."""

from __future__ import annotations

import unittest

import torch

from Training.muon import Muon, StackedMuon, orthogonalise


class MuonTests(unittest.TestCase):
    def test_orthogonalised_matrix_has_singular_values_near_one(self) -> None:
        for shape in ((32, 96), (96, 32)):
            matrix = torch.randn(shape, generator=torch.Generator().manual_seed(0))
            values = torch.linalg.svdvals(orthogonalise(matrix))
            self.assertGreater(float(values.min()), 0.5)
            self.assertLess(float(values.max()), 1.5)

    def test_small_directions_survive(self) -> None:
        """A gradient whose singular values span a factor of thirty still moves the weights along every one of them."""
        torch.manual_seed(0)
        left, _, right = torch.linalg.svd(torch.randn(48, 200), full_matrices=False)
        update = orthogonalise(left @ torch.diag(torch.logspace(0, -1.5, 48)) @ right)
        moved = torch.diagonal(left.T @ update @ right.T)
        self.assertGreater(float(moved.min()), 0.3)
        self.assertLess(float(moved.max()), 1.5)

    def test_step_goes_against_the_gradient(self) -> None:
        weight = torch.nn.Parameter(torch.zeros(8, 4, 3, 3))
        weight.grad = torch.randn(8, 4, 3, 3, generator=torch.Generator().manual_seed(0))
        Muon([weight], lr=0.1).step()
        self.assertLess(float((weight.detach() * weight.grad).sum()), 0)

    def test_stacked_does_what_one_at_a_time_does(self) -> None:
        torch.manual_seed(0)
        shapes = [(16, 8, 3, 3), (16, 8, 3, 3), (64, 16, 1, 1), (8, 4, 3, 3)]
        ones = [torch.nn.Parameter(torch.randn(shape)) for shape in shapes]
        others = [torch.nn.Parameter(one.detach().clone(memory_format=torch.channels_last)) for one in ones]
        alone, stacked = Muon(ones), StackedMuon(others)
        for _ in range(3):
            for one, other in zip(ones, others, strict=True):
                one.grad = torch.randn_like(one)
                other.grad = one.grad.clone(memory_format=torch.channels_last)
            alone.step()
            stacked.step()
        for one, other in zip(ones, others, strict=True):
            torch.testing.assert_close(one, other, atol=1e-3, rtol=1e-3)


if __name__ == "__main__":
    unittest.main()
