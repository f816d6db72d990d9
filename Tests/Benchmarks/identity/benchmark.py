"""Measures the search for the face most alike among 100,000, 300,000 and a million made-up ones: identity's own, OpenBLAS's
products (what identity did before), and FAISS's, on one thread each, in batches of 32 probes.

Figures are CPU-milliseconds a probe, medians over the batches: on a shared machine they say more than the clock. Recall is of the
nearest template by float64. The last line is one JSON object; faiss_flat_ratio is ours over IndexFlatIP's at the most faces."""

import argparse
import json
import os
import statistics
import subprocess
import time
from pathlib import Path

import faces
import faiss
import numpy as np

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent.parent
BATCH = 32
# What identity looks for: the nearest person and the four that come next.
NEAREST = 5


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--faces", type=int, nargs="+", default=[100_000, 300_000, 1_000_000])
    parser.add_argument("--probes", type=int, default=320)
    parser.add_argument("--hnsw", type=int, default=100_000, help="the most faces of which HNSW's graph is made")
    arguments = parser.parse_args()
    print(f"on {cpu()}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.2f}", flush=True)
    faiss.omp_set_num_threads(1)
    path = ROOT / ".local/faces"
    faces.write(path, max(arguments.faces), arguments.probes)
    print(f"{'faces':>10} {'':24} {'CPU-ms a probe':>14} {'alone':>8} {'recall':>7} {'ready in CPU-s':>14}", flush=True)
    result = {"cpu": cpu()}
    try:
        for count in sorted(arguments.faces):
            result |= measure(path, count, arguments)
    finally:
        path.unlink()
    print(json.dumps(result))


def measure(path, count, arguments):
    ours = mien(path, count)
    templates, probes = faces.read(path, count)
    truth = nearest(templates, probes)
    best = np.array(ours["nearest"])

    def row(name, cpu_ms, alone_ms, recall, ready):
        print(f"{count:10,} {name:24} {cpu_ms:14.2f} {alone_ms:8.2f} {recall:7.4f} {ready:14.1f}", flush=True)

    recall = float(np.mean(best == truth))
    row(f"Mien, {ours['instructions']}", ours["search_ms"], ours["search_alone_ms"], recall, ours["ready_s"])
    row("OpenBLAS", ours["blas_ms"], ours["blas_alone_ms"], 1, 0)
    rows = np.ascontiguousarray(templates)
    flat = None
    for name, index, settings in peers(count, arguments):
        start = time.process_time()
        if not index.is_trained:
            index.train(rows[:: max(1, len(rows) // (64 * index.nlist))])
        index.add(rows)
        ready = time.process_time() - start
        for setting in settings:
            if setting:
                faiss.ParameterSpace().set_index_parameters(index, setting)
            cpu_ms, found = searched(index, probes, BATCH)
            alone_ms, _ = searched(index, probes[:BATCH], 1)
            row(f"{name} {setting}", cpu_ms, alone_ms, float(np.mean(found == truth)), ready)
            flat = flat or cpu_ms
    return {
        f"search_ms_{named(count)}": round(ours["search_ms"], 3),
        f"rss_mb_{named(count)}": round(ours["resident_mb"]),
        f"peak_mb_{named(count)}": round(ours["peak_mb"]),
        "recall": recall,
        "faiss_flat_ratio": round(ours["search_ms"] / flat, 3),
    }


def peers(count, arguments):
    """Names, indexes and what they can be set to."""
    yield "IndexFlatIP", faiss.IndexFlatIP(faces.WIDTH), [""]
    lists = 1024
    quantiser = faiss.IndexFlatIP(faces.WIDTH)
    yield (
        f"IVF{lists}", faiss.IndexIVFFlat(quantiser, faces.WIDTH, lists, faiss.METRIC_INNER_PRODUCT),
        ["nprobe=8", "nprobe=32", "nprobe=128"],
    )  # fmt: skip
    if count <= arguments.hnsw:
        yield "HNSW32", faiss.IndexHNSWFlat(faces.WIDTH, 32, faiss.METRIC_INNER_PRODUCT), ["efSearch=64", "efSearch=512"]


def searched(index, probes, batch):
    """CPU-milliseconds a probe, the median over the batches, and the nearest."""
    costs, found = [], []
    for start in range(0, len(probes), batch):
        begin = time.process_time()
        _, ids = index.search(probes[start : start + batch], NEAREST)
        costs.append((time.process_time() - begin) / min(batch, len(probes) - start))
        found.append(ids[:, 0])
    return 1000 * statistics.median(costs), np.concatenate(found)


def nearest(templates, probes):
    """The nearest template of each probe by float64."""
    best, at = np.full(len(probes), -2.0), np.zeros(len(probes), np.int64)
    probes = probes.astype(np.float64)
    for start in range(0, len(templates), 20_000):
        cosines = probes @ templates[start : start + 20_000].astype(np.float64).T
        places = cosines.argmax(axis=1)
        values = cosines[np.arange(len(probes)), places]
        at = np.where(values > best, places + start, at)
        best = np.maximum(best, values)
    return at


def mien(path, count):
    command = [ROOT / ".build/release/bench-identity", path, "--faces", str(count)]
    output = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    return json.loads(output.splitlines()[-1])


def named(count):
    return f"{count // 1_000_000}m" if count % 1_000_000 == 0 else f"{count // 1000}k"


def cpu():
    with open("/proc/cpuinfo") as file:
        return next((line.split(":")[1].strip() for line in file if line.startswith("model name")), "unknown")


if __name__ == "__main__":
    main()
