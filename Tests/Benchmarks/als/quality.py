"""How good the lists are: ours, implicit's at equal settings, and the most popular items.

Protocol: trained on train.txt; every item competes for a user but those the user has there; measured on test.txt. Recall@20 is
hits over the smaller of 20 and the user's targets, and beside it over all targets, as graph recommenders are reported; NDCG
has binary gains and is over a perfect list's. Means over the users with targets, by one evaluator for all; what `recommender
evaluate` says of ours stands beside it.
--tune picks ours on valid.txt, from a grid; test.txt is looked at once."""

import argparse
import csv
import itertools
import json
import subprocess
import tempfile
from pathlib import Path

import implicit.cpu.als
import numpy as np
import scipy.sparse

ROOT = Path(__file__).resolve().parent.parent.parent.parent
LENGTH = 20
MEASURES = ("Recall@20", "hits/targets", "NDCG@10", "NDCG@20")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--sets", nargs="+", default=["ml-1m", "gowalla", "lastfm"])
    parser.add_argument("--recommender", type=Path, default=ROOT / ".build/release/recommender")
    parser.add_argument("--rank", type=int, default=64)
    parser.add_argument("--alpha", type=float, default=10)
    parser.add_argument("--lambda", dest="regularisation", type=float, default=10)
    parser.add_argument("--epochs", type=int, default=15)
    parser.add_argument("--seeds", type=int, default=3, help="means over so many starts")
    parser.add_argument("--tune", action="store_true")
    arguments = parser.parse_args()
    print(f"{'':10} {'':44} " + " ".join(f"{name:>12}" for name in MEASURES))
    results = {}
    for name in arguments.sets:
        lists = {part: read(arguments.data / name / f"{part}.txt") for part in ("train", "valid", "test")}
        with tempfile.TemporaryDirectory() as folder:
            results[name] = dict(measure(name, lists, Path(folder), arguments))
    print(json.dumps(results))


def measure(name, lists, folder, arguments):
    for part, users in lists.items():
        write(users, folder / f"{part}.csv")
    shared = ["--rank", arguments.rank, "--iterations", arguments.epochs]
    equal = [*shared, "--alpha", arguments.alpha, "--lambda", arguments.regularisation]
    title = f"rank {arguments.rank}, alpha {arguments.alpha:g}, lambda {arguments.regularisation:g}"

    def row(system, figures, spread=None):
        text = " ".join(f"{figure:12.4f}" for figure in figures)
        print(f"{name:10} {system:44} {text}" + (f"  ± {max(spread):.4f}" if spread is not None else ""), flush=True)
        return system, [round(float(figure), 4) for figure in figures]

    def over_seeds(ranked):
        runs = np.array([evaluate(ranked(seed), lists["test"]) for seed in range(1, arguments.seeds + 1)])
        return runs.mean(axis=0), runs.std(axis=0)

    yield row("popular", evaluate(popular(lists["train"]), lists["test"]))
    yield row(f"mien, {title}", *over_seeds(lambda seed: mien(arguments, folder, [*equal, "--seed", seed])))
    own = own_evaluation(arguments, folder, "test", [*equal, "--seed", 1])
    print(f"{name:10} {'  seed 1 by recommender evaluate':44} {own[0]:12.4f} {'':12} {own[1]:12.4f} {own[2]:12.4f}")
    yield row(f"implicit, {title}", *over_seeds(lambda seed: peer(arguments, lists["train"], seed)))
    if arguments.tune:
        best = tuned(arguments, folder)
        text = ", ".join(f"{key} {value:g}" for key, value in best.items())
        options = [part for key, value in best.items() for part in (f"--{key}", value)]
        yield row(f"mien, {text}", *over_seeds(lambda seed: mien(arguments, folder, [*options, "--seed", seed])))


def tuned(arguments, folder):
    """The setting of the iALS form with the best NDCG@20 on valid.txt."""
    grid = [
        {"rank": 128, "unobserved": unobserved, "lambda": regularisation, "iterations": 15}
        for unobserved, regularisation in itertools.product((0.01, 0.03, 0.1, 0.3), (0.001, 0.003, 0.01, 0.03))
    ]

    def quality(setting):
        options = [part for key, value in setting.items() for part in (f"--{key}", value)]
        return own_evaluation(arguments, folder, "valid", options)[2]

    return max(grid, key=quality)


def mien(arguments, folder, options):
    """Lists by user."""
    output = folder / "lists.csv"
    call(arguments, ["train", folder / "train.csv", "--output", output, "--limit", LENGTH, *options])
    lists = {}
    with open(output, newline="") as file:
        for line in csv.DictReader(file):
            lists.setdefault(int(line["user"]), []).append(int(line["item"]))
    return lists


def own_evaluation(arguments, folder, part, options):
    """Recall@20, NDCG@10 and NDCG@20 as `recommender evaluate` prints them."""
    output = call(arguments, ["evaluate", folder / "train.csv", "--test", folder / f"{part}.csv", *options])
    line = next(line for line in output.splitlines() if line.startswith("als "))
    return [float(field) for field in line.split()[1:4]]


def call(arguments, command):
    return subprocess.run(
        [str(part) for part in (arguments.recommender, *command)], check=True, text=True, stdout=subprocess.PIPE,
        stderr=subprocess.PIPE).stdout  # fmt: skip


def peer(arguments, train, seed):
    """implicit stores c itself and takes 1 off: with 1 + alpha it minimises what ours does."""
    users = {user: index for index, user in enumerate(train)}
    names = np.array(sorted({item for items in train.values() for item in items}))
    rows = np.concatenate([np.full(len(items), users[user]) for user, items in train.items()])
    columns = np.searchsorted(names, np.concatenate(list(train.values())))
    values = np.full(len(rows), 1 + arguments.alpha, np.float32)
    ratings = scipy.sparse.csr_matrix((values, (rows, columns)), (len(users), len(names)))
    model = implicit.cpu.als.AlternatingLeastSquares(
        factors=arguments.rank, regularization=arguments.regularisation, alpha=1, dtype=np.float32, use_cg=True,
        iterations=arguments.epochs, random_state=seed)  # fmt: skip
    model.fit(ratings, show_progress=False)
    items, _ = model.recommend(np.arange(len(users)), ratings, N=LENGTH, filter_already_liked_items=True)
    return {user: names[items[index]].tolist() for user, index in users.items()}


def popular(train):
    items, counts = np.unique(np.concatenate(list(train.values())), return_counts=True)
    order = items[np.lexsort((items, -counts))]
    return {
        user: list(itertools.islice((item for item in order if item not in seen), LENGTH))
        for user, seen in ((user, set(items)) for user, items in train.items())
    }


def evaluate(lists, test):
    """The measures, as means over the users with targets; who has no list has no hits."""
    gains = 1 / np.log2(np.arange(2, LENGTH + 2))
    sums, count = np.zeros(len(MEASURES)), 0
    for user, targets in test.items():
        targets = set(targets)
        if not targets:
            continue
        count += 1
        hits = np.array([item in targets for item in lists.get(user, [])[:LENGTH]] + [False] * LENGTH)[:LENGTH]
        ideal = [gains[: min(length, len(targets))].sum() for length in (10, 20)]
        sums += [
            hits.sum() / min(LENGTH, len(targets)), hits.sum() / len(targets),
            (hits * gains)[:10].sum() / ideal[0], (hits * gains).sum() / ideal[1],
        ]  # fmt: skip
    return sums / count


def read(path):
    """Items by user."""
    lines = (list(map(int, line.split())) for line in path.read_text().splitlines() if line.strip())
    return {user: items for user, *items in lines}


def write(users, path):
    with open(path, "w") as file:
        file.write("user,item\n")
        file.writelines(f"{user},{item}\n" for user, items in users.items() for item in items)


if __name__ == "__main__":
    main()
