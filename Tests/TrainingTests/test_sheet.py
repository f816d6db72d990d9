"""Sheets of real faces: which are drawn, and where they stand."""

from __future__ import annotations

import unittest

import numpy as np
from PIL import Image

from Training.expression import sheet


class SheetTests(unittest.TestCase):
    def test_draws_evenly_from_the_least_sure_to_the_surest(self) -> None:
        first = np.linspace(0.4, 1, 101)
        scores = np.column_stack([first, 1 - first, np.zeros(101), np.zeros(101)])[::-1]
        chosen = sheet.spread(scores, 0, 3)
        known = scores[scores.argmax(1) == 0, 0]
        np.testing.assert_allclose(scores[chosen, 0], [known.min(), np.median(known), 1], atol=0.01)
        self.assertEqual(len(sheet.spread(scores, 1, 50)), (first < 0.5).sum())
        self.assertEqual(len(sheet.spread(scores, 2, 50)), 0)

    def test_faces_stand_in_rows_above_their_captions(self) -> None:
        faces = [Image.new("RGB", (112, 112), (number * 20, 0, 0)) for number in range(12)]
        drawn = sheet.sheet(faces, [f"{number}" for number in range(12)])
        self.assertEqual(drawn.size, (1120, 2 * 126))
        self.assertEqual(drawn.getpixel((50, 50)), (0, 0, 0))
        self.assertEqual(drawn.getpixel((112 + 50, 126 + 50)), (220, 0, 0))
        self.assertEqual(drawn.getpixel((500, 200)), (255, 255, 255))


if __name__ == "__main__":
    unittest.main()
