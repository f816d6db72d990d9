"""Measures training and top ten for everyone, ours and implicit's in turns, on made-up ratings of MovieLens 20M's shape.

Figures are CPU-seconds, user and system, of all threads: on a shared machine they say more than the clock. Training includes
turning the ratings round; reading the file counts for neither. The last line is one JSON object; a ratio is ours over theirs,
by medians."""

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
from pathlib import Path

import shape

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent.parent
RANKS = (64, 128)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--ratings", type=int, default=shape.ML20M.ratings, help="a smaller shape of the same form")
    parser.add_argument("--repeat", type=int, default=3, help="measurements of each")
    parser.add_argument("--epochs", type=int, default=15)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--spark", action="store_true", help="also Spark's ALS, at MovieLens 1M's shape; needs Java 17")
    parser.add_argument("--scale", action="store_true", help="only cost against ratings: 1, 5, 20 and 50 million")
    arguments = parser.parse_args()
    if arguments.spark and not shutil.which("java"):
        sys.exit("bench-als: --spark needs Java 17, and there is no java (Debian: openjdk-17-jre-headless).")
    print(f"on {cpu()}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.2f}", flush=True)
    result = measure_scale(arguments) if arguments.scale else compare(arguments)
    print(json.dumps(result))


def compare(arguments):
    file = ratings(shape.ML20M.scaled(arguments.ratings))
    runs = {(name, rank): [] for rank in RANKS for name in ("mien", "implicit")}
    for _ in range(arguments.repeat):
        for rank in RANKS:
            runs["mien", rank].append(mien(file, rank, arguments.epochs, arguments.threads))
            runs["implicit", rank].append(implicit(file, rank, arguments.epochs, arguments.threads))
    print(f"{arguments.ratings:,} ratings, {arguments.epochs} epochs, {arguments.threads} threads, "
          f"medians of {arguments.repeat}")  # fmt: skip
    print(f"{'':14} {'rank':>4} {'fit CPU-s':>10} {'fit s':>8} {'top-10 CPU-s':>13} {'top-10 s':>9} {'peak MB':>8}")
    medians = {}
    for (name, rank), costs in runs.items():
        cost = medians[name, rank] = {
            key: statistics.median(run[key] for run in costs)
            for key in ("fit_cpu", "fit_seconds", "top_cpu", "top_seconds", "peak_mb")}  # fmt: skip
        print(f"{name:14} {rank:4} {cost['fit_cpu']:10.2f} {cost['fit_seconds']:8.2f} {cost['top_cpu']:13.2f} "
              f"{cost['top_seconds']:9.2f} {cost['peak_mb']:8.0f}")  # fmt: skip

    def ratio(key, rank):
        return round(medians["mien", rank][key] / medians["implicit", rank][key], 3)

    return {
        "cpu_ratio_f64": ratio("fit_cpu", 64),
        "cpu_ratio_f128": ratio("fit_cpu", 128),
        "topn_ratio_f64": ratio("top_cpu", 64),
        "topn_ratio_f128": ratio("top_cpu", 128),
        "peak_mb": round(max(run["peak_mb"] for rank in RANKS for run in runs["mien", rank])),
        "spark_cpu_ratio": measure_spark(arguments) if arguments.spark else None,
        "corename": runs["mien", RANKS[0]][0]["corename"],
        "instructions": runs["mien", RANKS[0]][0]["instructions"],
        "cpu": cpu(),
    }


def measure_scale(arguments):
    """CPU-seconds an epoch and rating: between two epochs and the wanted ones beyond, so that what is done once doesn't count.
    Off the line is how far the costs lie from the proportional one that fits them best."""
    print(f"{'ratings':>12} {'rank':>4} {'CPU-s an epoch':>14} {'ns a rating':>12} {'peak MB':>8}")
    costs = {}
    for count in (1_000_000, 5_000_000, 20_000_000, 50_000_000):
        if count == 50_000_000 and available_gigabytes() < 6:
            print("50 million ratings are left out: making them takes 6 GB of memory")
            continue
        file = ratings(shape.ML20M.scaled(count))
        short, long = ([mien(file, 64, epochs, arguments.threads) for _ in range(arguments.repeat)]
                       for epochs in (2, 2 + arguments.epochs))  # fmt: skip
        epoch = (statistics.median(run["fit_cpu"] for run in long)
                 - statistics.median(run["fit_cpu"] for run in short)) / arguments.epochs  # fmt: skip
        costs[count] = epoch / count * 1e9
        print(f"{count:12,} {64:4} {epoch:14.3f} {costs[count]:12.1f} {long[0]['peak_mb']:8.0f}", flush=True)
    least, most = min(costs.values()), max(costs.values())
    return {"nanoseconds_a_rating": {str(count): round(cost, 1) for count, cost in costs.items()},
            "off_the_line": round((most - least) / (most + least), 3), "cpu": cpu()}  # fmt: skip


def measure_spark(arguments):
    """Ours over Spark's CPU-seconds for 15 epochs at rank 64 and MovieLens 1M's shape; Spark's without its start."""
    file = ratings(shape.ML1M)
    ours = statistics.median(mien(file, 64, arguments.epochs, arguments.threads)["fit_cpu"] for _ in range(5))
    subprocess.run(
        [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "pyspark==3.5.7"], check=True)
    theirs = run([sys.executable, HERE / "spark.py", file, "--rank", "64", "--epochs", str(arguments.epochs)])
    print(f"MovieLens 1M's shape, rank 64: mien {ours:.2f}, Spark {theirs['fit_cpu']:.1f} CPU-s")
    return round(ours / theirs["fit_cpu"], 4)


def mien(file, rank, epochs, threads):
    cost = run([
        ROOT / ".build/release/bench-als", file, "--rank", rank, "--epochs", epochs, "--threads", threads])  # fmt: skip
    if cost["poor"]:
        sys.exit(f"bench-als: OpenBLAS runs its {cost['corename']} kernel, a poor one for this processor: set OPENBLAS_CORETYPE")
    return cost


def implicit(file, rank, epochs, threads):
    # One thread for its BLAS, as its documentation asks for: it has threads of its own.
    return run(
        [sys.executable, HERE / "peer.py", file, "--rank", rank, "--epochs", epochs, "--threads", threads],
        OPENBLAS_NUM_THREADS="1")  # fmt: skip


def run(command, **environment):
    """The JSON object that a command prints last."""
    output = subprocess.run(
        [str(part) for part in command], env={**os.environ, **environment}, stdout=subprocess.PIPE, text=True, check=True)
    return json.loads(output.stdout.splitlines()[-1])


def ratings(wanted):
    """The file with made-up ratings of a shape, in .local/bench-als; made where it is not there."""
    folder = ROOT / ".local/bench-als"
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / f"{wanted.ratings}-{wanted.users}-{wanted.items}.ratings"
    if not file.exists():
        print(f"making {wanted.ratings:,} ratings of {wanted.users:,} users and {wanted.items:,} items", flush=True)
        # In a process of its own, which gives its memory back.
        subprocess.run([sys.executable, HERE / "shape.py", file, *map(str, wanted)], check=True)
    return file


def available_gigabytes():
    for line in Path("/proc/meminfo").read_text().splitlines():
        if line.startswith("MemAvailable:"):
            return int(line.split()[1]) / 2**20
    return 0


def cpu():
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.split(":", 1)[1].strip()
    return "unknown"


if __name__ == "__main__":
    main()
