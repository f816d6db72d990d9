"""Trains Spark's ALS on a file that shape.py wrote, with local[2], and prints its CPU-seconds as one JSON object.

They are those of the Java process between the loaded ratings and the fitted model: neither its start nor the reading counts."""

import argparse
import json
import os
import time
from pathlib import Path

import numpy as np
from peer import read
from pyspark.ml.recommendation import ALS
from pyspark.sql import SparkSession


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("file")
    parser.add_argument("--rank", type=int, required=True)
    parser.add_argument("--epochs", type=int, required=True)
    arguments = parser.parse_args()
    ratings = read(arguments.file).tocoo()
    session = (
        SparkSession.builder.master("local[2]").config("spark.driver.memory", "4g")
        .config("spark.ui.enabled", "false")
        .config("spark.ui.showConsoleProgress", "false").getOrCreate())  # fmt: skip
    session.sparkContext.setLogLevel("ERROR")
    java = session.sparkContext._jvm.java.lang.ProcessHandle.current().pid()
    table = Path(arguments.file).with_suffix(".csv")
    np.savetxt(table, np.column_stack([ratings.row, ratings.col, ratings.data]), fmt="%d", delimiter=",")
    frame = session.read.csv(str(table), schema="user int, item int, rating float").repartition(2).cache()
    frame.count()
    als = ALS(
        userCol="user", itemCol="item", ratingCol="rating", rank=arguments.rank, maxIter=arguments.epochs,
        implicitPrefs=True, alpha=1.0, regParam=0.1, seed=1, numUserBlocks=2, numItemBlocks=2)  # fmt: skip
    before, start = cpu_seconds(java), time.perf_counter()
    model = als.fit(frame)
    model.userFactors.count()
    print(json.dumps({"fit_cpu": cpu_seconds(java) - before, "fit_seconds": time.perf_counter() - start}))
    session.stop()
    table.unlink()


def cpu_seconds(process):
    fields = Path(f"/proc/{process}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


if __name__ == "__main__":
    main()
