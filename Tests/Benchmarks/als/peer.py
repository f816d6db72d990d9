"""Trains implicit on a file that shape.py wrote, ranks ten items for everyone, and prints what each took as one JSON object.

Fitting includes turning the ratings round (implicit does so in `fit`), which ours includes too; reading the file counts for
neither."""

import argparse
import json
import resource
import time

import implicit.cpu.als
import numpy as np
import scipy.sparse


def read(path):
    with open(path, "rb") as file:
        users, items, ratings = np.fromfile(file, np.int64, 3)
        offsets = np.fromfile(file, np.int64, users + 1).astype(np.int32)
        columns = np.fromfile(file, np.int32, ratings)
        values = np.fromfile(file, np.float32, ratings)
    return scipy.sparse.csr_matrix((values, columns, offsets), (users, items))


def measured(work):
    """CPU-seconds (user and system) and seconds."""
    usage, start = resource.getrusage(resource.RUSAGE_SELF), time.perf_counter()
    work()
    seconds = time.perf_counter() - start
    after = resource.getrusage(resource.RUSAGE_SELF)
    return after.ru_utime + after.ru_stime - usage.ru_utime - usage.ru_stime, seconds


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("file")
    parser.add_argument("--rank", type=int, required=True)
    parser.add_argument("--epochs", type=int, required=True)
    parser.add_argument("--threads", type=int, default=2)
    arguments = parser.parse_args()
    ratings = read(arguments.file)
    model = implicit.cpu.als.AlternatingLeastSquares(
        factors=arguments.rank, regularization=1, alpha=1, dtype=np.float32, use_cg=True,
        iterations=arguments.epochs, num_threads=arguments.threads, random_state=1)  # fmt: skip
    assert model.cg_steps == 3
    fit_cpu, fit_seconds = measured(lambda: model.fit(ratings, show_progress=False))
    top_cpu, top_seconds = measured(
        lambda: model.recommend(np.arange(ratings.shape[0]), ratings, N=10, filter_already_liked_items=True))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({
        "fit_cpu": fit_cpu, "fit_seconds": fit_seconds, "top_cpu": top_cpu, "top_seconds": top_seconds,
        "peak_mb": peak})
    )  # fmt: skip


if __name__ == "__main__":
    main()
