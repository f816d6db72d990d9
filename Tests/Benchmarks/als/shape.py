"""Made-up ratings with the shape of a real data set: so many users, items and ratings, few of them with very many ratings and
many with few, both ways. The same for the same arguments, with the pinned numpy."""

import os
import sys
from typing import NamedTuple

import numpy as np
import scipy.sparse


class Shape(NamedTuple):
    users: int
    items: int
    ratings: int

    def scaled(self, ratings):
        """So many ratings, with users and items in proportion."""
        factor = ratings / self.ratings
        return Shape(round(self.users * factor), round(self.items * factor), ratings)


ML20M = Shape(138_493, 26_744, 20_000_000)
ML1M = Shape(6_040, 3_706, 1_000_000)


def generate(shape, seed=1):
    """Users by items, values 1 to 5 with sorted columns.

    A user's share falls as 1 / (place + users / 300), an item's as its square with items / 100: at the shape of MovieLens 20M
    users have 20 ratings or more, the half of the items some 20, and the best-known item about 50 thousand, as there."""
    random = np.random.default_rng(seed)
    users = cumulative(1 / (np.arange(shape.users) + shape.users / 300))
    items = cumulative(1 / (np.arange(shape.items) + shape.items / 100) ** 2)
    # Which place has which number: neighbours in popularity are no neighbours in memory.
    user_numbers = random.permutation(shape.users)
    item_numbers = random.permutation(shape.items)
    pairs = np.empty(0, np.int64)
    while len(pairs) < shape.ratings:
        # About half of those drawn are there already.
        wanted = max(1000, 2 * (shape.ratings - len(pairs)))
        user = user_numbers[np.searchsorted(users, random.random(wanted, np.float32))]
        item = item_numbers[np.searchsorted(items, random.random(wanted, np.float32))]
        pairs = np.concatenate([pairs, user * np.int64(shape.items) + item])
        pairs.sort()
        pairs = pairs[np.diff(pairs, prepend=-1) > 0]
    surplus = random.choice(len(pairs), len(pairs) - shape.ratings, replace=False)
    pairs = np.delete(pairs, surplus)
    values = random.integers(1, 6, shape.ratings).astype(np.float32)
    offsets = np.searchsorted(pairs, np.arange(shape.users + 1) * np.int64(shape.items))
    columns = (pairs % shape.items).astype(np.int32)
    return scipy.sparse.csr_matrix((values, columns, offsets.astype(np.int32)), (shape.users, shape.items))


def cumulative(weights):
    """Where each place ends on 0...1."""
    return (np.cumsum(weights) / weights.sum()).astype(np.float32)


def write(matrix, path):
    """As `bench-als` reads it: three int64 (users, items, ratings), then int64 row offsets, int32 columns, float32 values."""
    with open(path, "wb") as file:
        np.array([*matrix.shape, matrix.nnz], np.int64).tofile(file)
        matrix.indptr.astype(np.int64).tofile(file)
        matrix.indices.astype(np.int32).tofile(file)
        matrix.data.astype(np.float32).tofile(file)


def main():
    path, *numbers = sys.argv[1:]
    partial = path + ".partial"
    write(generate(Shape(*map(int, numbers))), partial)
    os.replace(partial, path)


if __name__ == "__main__":
    main()
