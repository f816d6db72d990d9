"""The recommender's batch on Apache Spark, for ratings that outgrow one machine: what `Batch.swift` does, by MLlib.

    spark-submit --jars /usr/share/java/postgresql.jar deploy/spark/als.py

One run: ratings in, a version of factors and rows out, or nothing at all. Run it from the cluster's timer, or with
`--repeat`, which makes a run every `als.interval` until it is stopped. Set ALS_ENGINE=spark for the recommender, which
then trains nothing itself. The driver needs `requirements.txt`, the
executors numpy, and all of them reach the database by the host that `database.url` names. The JDBC driver is Debian's
libpostgresql-jdbc-java.

Settings are those of the recommender, from the environment (ALS_RANK=64), a file of /run/secrets or SECRETS_DIRECTORY
(als-rank), or the JSON file named by MIEN_CONFIG, in this order:

| key | default | meaning |
|---|---|---|
| `database.url` | required | libpq URI or conninfo of Postgres, with a host |
| `als.interval` | 60 | seconds between runs with `--repeat` |
| `als.minimumNewRatings` | 10 | ratings, clicks and erasures since the last version that make a run due |
| `als.rank` | 32 | numbers a vector, 1...512 |
| `als.alpha` | 20 | confidence c = 1 + alpha · r |
| `als.lambda` | 0.1 | regularisation; see below |
| `als.iterations` | 15 | epochs |
| `als.seed` | 1 | what the first vectors are drawn from |
| `als.rows` | 10 | rows a person has in a version |
| `als.keep`, `als.keepDays` | 3, 3 | versions that stay for `rollback`: the newest, and the last of each of so many days |
| `click.weight`, `like.weight` | 1, 2 | what a click and a like add to r, a reaction being 1 |

MLlib multiplies lambda, for each row, by the row's number of ratings above zero, which the service's own engine does
not: the same lambda regularises a person with n ratings n times as strongly. When changing engines, divide lambda by
the number of ratings of a typical person. The version stores lambda as it was set, under the objective
`weightedLambda`, by which the service folds new ratings in.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import psycopg
from numpy.typing import NDArray
from py4j.protocol import Py4JError, Py4JJavaError
from pyspark import StorageLevel
from pyspark.errors import PySparkException
from pyspark.ml.recommendation import ALS
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

JDBC_JAR = "/usr/share/java/postgresql.jar"
JDBC_DRIVER = "org.postgresql.Driver"
# The name under which one worker at a time, of the service or of Spark, leads the batch: `Batch.lockName`.
LEADER = "recommender batch"
# Reading is split by the first hexadecimal digit of the user's id, which is random.
BOUNDS = [f"{digit:x}0000000-0000-0000-0000-000000000000" for digit in range(16)]
# Scores computed at a time, users times items: 32 MiB.
BLOCK = 1 << 23


class Failure(Exception):
    """Why the batch can't run, as one sentence."""


class Pinned(Exception):
    """Somebody pinned a version, which must stay the current one."""


# MARK: Settings


def setting(key: str) -> str | None:
    """The text of a dotted key, from the first source that has it."""
    words = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", key.replace(".", "_")).upper()
    if words in os.environ:
        return os.environ[words]
    secret = Path(os.environ.get("SECRETS_DIRECTORY", "/run/secrets"), key.replace(".", "-"))
    if secret.is_file():
        return secret.read_text().strip()
    if file := os.environ.get("MIEN_CONFIG"):
        try:
            value: Any = json.loads(Path(file).read_text())
        except (OSError, ValueError) as error:
            raise Failure(f"The settings in {file} can't be read: {error}.") from error
        for part in key.split("."):
            value = value.get(part) if isinstance(value, dict) else None
        return None if value is None else str(value)
    return None


def number(key: str, default: float, least: float, most: float, kind: Callable[[str], float] = float) -> Any:
    """A number within a range; `kind` is `int` for a whole one."""
    text = setting(key)
    try:
        value = default if text is None else kind(text)
    except ValueError:
        value = float("nan")
    if not least <= value <= most:
        what = "a whole number" if kind is int else "a number"
        raise Failure(f'The setting {key} is "{text}" and must be {what} in {least:g}...{most:g}.')
    return value


@dataclass(frozen=True)
class Settings:
    """What the batch can be told, each key read and checked when it is made."""

    interval: float = field(default_factory=lambda: number("als.interval", 60, 0.001, 1e9))
    minimum_new_ratings: int = field(default_factory=lambda: number("als.minimumNewRatings", 10, 1, 1e18, int))
    rank: int = field(default_factory=lambda: number("als.rank", 32, 1, 512, int))
    alpha: float = field(default_factory=lambda: number("als.alpha", 20, 1e-37, 1e9))
    regularisation: float = field(default_factory=lambda: number("als.lambda", 0.1, 1e-37, 1e9))
    iterations: int = field(default_factory=lambda: number("als.iterations", 15, 1, 10_000, int))
    seed: int = field(default_factory=lambda: number("als.seed", 1, 0, 2**63 - 1, int))
    rows: int = field(default_factory=lambda: number("als.rows", 10, 1, 1000, int))
    kept: int = field(default_factory=lambda: number("als.keep", 3, 1, 1000, int))
    kept_days: int = field(default_factory=lambda: number("als.keepDays", 3, 0, 1000, int))
    click_weight: float = field(default_factory=lambda: number("click.weight", 1, 0, 1e6))
    like_weight: float = field(default_factory=lambda: number("like.weight", 2, 0, 1e6))

    def parameters(self) -> str:
        """As the service stores and reads them; MLlib solves each row by Cholesky factorisation too."""
        objective = {"weightedLambda": {"alpha": self.alpha, "lambda": self.regularisation}}
        return json.dumps({
            "rank": self.rank, "objective": objective, "iterations": self.iterations, "solver": "cholesky",
            "seed": self.seed,
        })  # fmt: skip


# MARK: The model


class Model:
    """The items' vectors, and what follows from them for anybody whose ratings are at hand."""

    def __init__(self, items: NDArray[np.float32], settings: Settings) -> None:
        self.items = items
        self.settings = settings
        exact = items.astype(np.float64)
        self.gram = exact.T @ exact

    def fold_in(self, rated: NDArray[np.int32], ratings: NDArray[np.float32]) -> NDArray[np.float32]:
        """A user's vector for these ratings above zero: the closed-form solution against the fixed items."""
        vectors = self.items[rated].astype(np.float64)
        weights = self.settings.alpha * ratings.astype(np.float64)
        penalty = self.settings.regularisation * len(rated)
        matrix = self.gram + (vectors.T * weights) @ vectors + penalty * np.eye(len(self.gram))
        return np.linalg.solve(matrix, vectors.T @ (1 + weights)).astype(np.float32)

    def best(self, scores: NDArray[np.float32], seen: NDArray[np.int32]) -> NDArray[np.int64]:
        """The best items of one user that are not `seen`, best first; equal scores in the order of the items."""
        count = min(self.settings.rows, len(scores) - len(np.unique(seen)))
        if count <= 0:
            return np.empty(0, np.int64)
        unseen = scores.copy()
        unseen[seen] = -np.inf
        found = np.argpartition(-unseen, count - 1)[:count]
        return found[np.lexsort((found, -unseen[found]))]

    def loss(
        self, user: NDArray[np.float32], scores: NDArray[np.float32], rated: NDArray[np.int32],
        ratings: NDArray[np.float32],
    ) -> float:  # fmt: skip
        """One user's share of the objective, without the items' penalty."""
        vector, found = user.astype(np.float64), scores[rated].astype(np.float64)
        confidence = 1 + self.settings.alpha * ratings.astype(np.float64)
        penalty = self.settings.regularisation * len(rated) * (vector @ vector)
        return float(vector @ self.gram @ vector + np.sum(confidence * (1 - found) ** 2 - found**2) + penalty)

    def penalty(self, counts: NDArray[np.int64]) -> float:
        """The items' share of the objective; `counts` are their numbers of ratings."""
        squares = np.square(self.items, dtype=np.float64).sum(axis=1)
        return float(self.settings.regularisation * (counts @ squares))

    def recommend(self, people: Iterable[Any]) -> Iterator[tuple[str, float, list[int], list[float]]]:
        """Each person's loss and best unseen items with their scores."""
        size = max(1, BLOCK // len(self.items))
        block: list[Any] = []
        for person in people:
            block.append(person)
            if len(block) == size:
                yield from self._recommend(block)
                block = []
        yield from self._recommend(block)

    def _recommend(self, block: list[Any]) -> Iterator[tuple[str, float, list[int], list[float]]]:
        if not block:
            return
        users = np.array([person.features for person in block], np.float32)
        for person, user, scores in zip(block, users, users @ self.items.T, strict=True):
            seen, ratings = np.array(person.seen, np.int32), np.array(person.ratings, np.float32)
            loss = self.loss(user, scores, seen[ratings > 0], ratings[ratings > 0])
            best = self.best(scores, seen)
            yield person.user_id, loss, best.tolist(), scores[best].tolist()


# MARK: Reading


@dataclass(frozen=True)
class Snapshot:
    """One moment of the database."""

    moment: str
    change: int
    # What lets other connections read at the same moment, for as long as the transaction that exported it is open.
    exported: str


@contextmanager
def snapshot(address: str) -> Iterator[Snapshot]:
    """Holds one moment of the database; all of a Spark job's connections, repeated tasks too, read at it."""
    with psycopg.connect(address, application_name="mien spark snapshot") as connection:
        connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        connection.read_only = True
        connection.execute("SET LOCAL idle_in_transaction_session_timeout = 0")
        row = connection.execute(
            "SELECT pg_current_snapshot()::text, last_value, pg_export_snapshot() FROM recommender.changes"
        ).fetchone()
        assert row is not None
        yield Snapshot(*row)


def read(spark: SparkSession, leader: psycopg.Connection, moment: Snapshot, settings: Settings) -> DataFrame:
    """The ratings at one moment: user_id, video, rating; zero for what was only watched or is not for somebody."""
    info = leader.info
    host = f"[{info.host}]" if ":" in info.host else info.host
    table = f"""(
        SELECT user_id, video, greatest(sum(rating), 0)::float4 AS rating
        FROM recommender.ratings({settings.click_weight!r}::real, {settings.like_weight!r}::real)
        GROUP BY user_id, video
    ) AS ratings"""
    above = [f"user_id >= '{bound}'" for bound in BOUNDS]
    below = [f" AND user_id < '{bound}'" for bound in BOUNDS[1:]] + [""]
    given = info.get_parameters()
    properties = {
        "driver": JDBC_DRIVER, "user": info.user, "password": info.password, "fetchsize": "10000",
        "ApplicationName": "mien spark",
        "sessionInitStatement": f"""
            SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY; SET TRANSACTION SNAPSHOT '{moment.exported}'
        """,
    } | {key: given[key] for key in ("sslmode", "sslrootcert", "sslcert", "sslkey") if key in given}  # fmt: skip
    return spark.read.jdbc(
        f"jdbc:postgresql://{host}:{info.port}/{info.dbname}", table,
        predicates=[first + last for first, last in zip(above, below, strict=True)], properties=properties,
    )  # fmt: skip


# MARK: Training


def numbered(frame: DataFrame, column: str, name: str) -> DataFrame:
    """The distinct values of a column in order, numbered from zero: MLlib's ids are 32-bit integers."""
    values = frame.select(column).distinct().orderBy(column).rdd.map(lambda row: row[0])
    return values.zipWithIndex().toDF(f"{column} string, {name} int").persist()


@dataclass(frozen=True)
class Trained:
    """What a version consists of."""

    model: Model
    videos: list[str]
    # user_id, loss, items, scores
    people: DataFrame
    users: int
    ratings: int
    loss: float


def train(ratings: DataFrame, settings: Settings) -> Trained | None:
    """Factors and everybody's best unseen videos; `None` when nobody has enjoyed anything yet."""
    ratings = ratings.persist(StorageLevel.MEMORY_AND_DISK)
    enjoyed = ratings.where("rating > 0")
    users, items = numbered(enjoyed, "user_id", "user"), numbered(enjoyed, "video", "item")
    videos = [row.video for row in items.orderBy("item").collect()]
    if not videos:
        return None
    # A video that nobody enjoyed has no vector, and a person who enjoyed nothing gets no rows.
    known = ratings.join(users, "user_id").join(F.broadcast(items), "video")
    known = known.select("user_id", "user", "item", "rating").persist(StorageLevel.MEMORY_AND_DISK)
    fitted = ALS(
        implicitPrefs=True, rank=settings.rank, alpha=settings.alpha, regParam=settings.regularisation,
        maxIter=settings.iterations, seed=settings.seed, userCol="user", itemCol="item", ratingCol="rating",
    ).fit(known.where("rating > 0"))  # fmt: skip

    factors = np.zeros((len(videos), settings.rank), np.float32)
    for row in fitted.itemFactors.toLocalIterator():
        factors[row.id] = row.features
    counts = np.zeros(len(videos), np.int64)
    for row in known.where("rating > 0").groupBy("item").count().toLocalIterator():
        counts[row.item] = row["count"]

    model = Model(factors, settings)
    shared = ratings.sparkSession.sparkContext.broadcast(factors)
    histories = known.groupBy("user", "user_id").agg(F.collect_list(F.struct("item", "rating")).alias("history"))
    people = (
        fitted.userFactors.join(histories, F.col("id") == F.col("user"))
        .select("user_id", "features", F.col("history.item").alias("seen"), F.col("history.rating").alias("ratings"))
        .rdd.mapPartitions(lambda rows: Model(shared.value, settings).recommend(rows))
        .toDF("user_id string, loss double, items array<int>, scores array<float>")
        .persist(StorageLevel.MEMORY_AND_DISK)
    )
    loss = people.agg(F.sum("loss")).first()[0] + model.penalty(counts)
    if not np.isfinite(loss):
        raise Failure("The training gave no finite factors; raise als.lambda.")
    return Trained(
        model, videos, people, users=ratings.select("user_id").distinct().count(), ratings=int(counts.sum()),
        loss=float(loss),
    )  # fmt: skip


# MARK: Publishing


def publish(
    leader: psycopg.Connection, moment: Snapshot, trained: Trained, seconds: float, settings: Settings
) -> tuple[int, int]:
    """Writes the version and makes it the current one, in one transaction. Returns its number and how many rows it
    has."""
    with leader.transaction(), leader.cursor() as cursor:
        cursor.execute("SET LOCAL statement_timeout = 0")
        version = cursor.execute("SELECT coalesce(max(number), 0) + 1 FROM recommender.versions").fetchone()[0]
        cursor.execute(
            "INSERT INTO recommender.models (version, videos, factors) VALUES (%s, %s, %s)",
            (version, trained.videos, trained.model.items.astype("<f4").tobytes()),
        )
        # A version's rows are a partition, as `Versions.createRows` makes it.
        rows = f"recommender.top_{version}"
        cursor.execute(f"CREATE TABLE {rows} (LIKE recommender.top, CHECK (version = {version}))")
        written = 0
        with cursor.copy(f"COPY {rows} (version, user_id, rank, video, score) FROM STDIN") as copy:
            for person in trained.people.toLocalIterator(prefetchPartitions=True):
                for place, (item, score) in enumerate(zip(person.items, person.scores, strict=True), start=1):
                    copy.write_row((version, person.user_id, place, trained.videos[item], score))
                    written += 1
        cursor.execute(f"ALTER TABLE {rows} ADD PRIMARY KEY (user_id, rank, version)")
        cursor.execute(f"ALTER TABLE recommender.top ATTACH PARTITION {rows} FOR VALUES IN ({version})")
        cursor.execute(
            """
            INSERT INTO recommender.versions
                (number, current, snapshot, change, engine, parameters, users, items, ratings, loss, seconds)
            VALUES (%s, false, %s::pg_snapshot, %s, 'spark', %s, %s, %s, %s, %s, %s)
            """,
            (
                version, moment.moment, moment.change, settings.parameters(), trained.users, len(trained.videos),
                trained.ratings, trained.loss, seconds,
            ),
        )  # fmt: skip
        promote(cursor, version, moment.moment, trained, settings)
        # The gate's refusal, of an engine that was set before, is not this version's.
        cursor.execute("UPDATE recommender.batch SET refused_at = NULL, refusal = NULL")
    return version, written


def promote(cursor: psycopg.Cursor, version: int, moment: str, trained: Trained, settings: Settings) -> None:
    """Makes the version the current one, as `Versions.promote` does: without the rows of those erased meanwhile, and with
    those who rated since the snapshot folded in."""
    # Most are folded in while answers go on; only those who rate during that are left for the moment of the lock.
    later = cursor.execute("SELECT pg_current_snapshot()::text").fetchone()[0]
    fold_in_changed(cursor, version, moment, trained, settings)
    cursor.execute("SELECT pg_advisory_xact_lock(3361, 0)")  # Lock.publication
    if (number := pinned(cursor)) is not None:
        raise Pinned(number)
    fold_in_changed(cursor, version, later, trained, settings)
    cursor.execute(
        """
        DELETE FROM recommender.top WHERE version = %s
            AND NOT EXISTS (SELECT FROM recommender.people WHERE people.user_id = top.user_id)
        """,
        (version,),
    )
    cursor.execute("UPDATE recommender.versions SET current = false WHERE current")
    cursor.execute("UPDATE recommender.versions SET current = true WHERE number = %s", (version,))


def fold_in_changed(cursor: psycopg.Cursor, version: int, since: str, trained: Trained, settings: Settings) -> None:
    """Replaces the rows of whoever rated since a snapshot by those that all their ratings give now."""
    people = cursor.execute(
        """
        SELECT user_id FROM recommender.people
        WHERE changed >= pg_snapshot_xmin(%(since)s::pg_snapshot)
            AND NOT pg_visible_in_snapshot(changed, %(since)s::pg_snapshot)
        """,
        {"since": since},
    ).fetchall()
    if not people:
        return
    indices = {video: index for index, video in enumerate(trained.videos)}
    for (user,) in people:
        watched = cursor.execute(
            """
            SELECT video, greatest(sum(rating), 0)::float4 FROM recommender.ratings(%(click)s::real, %(like)s::real)
            WHERE user_id = %(user)s GROUP BY video
            """,
            {"user": user, "click": settings.click_weight, "like": settings.like_weight},
        ).fetchall()
        history = [(indices[video], rating) for video, rating in watched if video in indices]
        seen = np.array([item for item, _ in history], np.int32)
        ratings = np.array([rating for _, rating in history], np.float32)
        cursor.execute("DELETE FROM recommender.top WHERE version = %s AND user_id = %s", (version, user))
        if not np.any(ratings > 0):
            continue
        scores = trained.model.items @ trained.model.fold_in(seen[ratings > 0], ratings[ratings > 0])
        cursor.executemany(
            "INSERT INTO recommender.top (version, user_id, rank, video, score) VALUES (%s, %s, %s, %s, %s)",
            [
                (version, user, place, trained.videos[item], float(scores[item]))
                for place, item in enumerate(trained.model.best(scores, seen), start=1)
            ],
        )


def pinned(cursor: psycopg.Cursor | psycopg.Connection) -> int | None:
    """The version that stays the current one until somebody lets it go."""
    row = cursor.execute("SELECT number FROM recommender.versions WHERE pinned_at IS NOT NULL").fetchone()
    return row[0] if row else None


def prune(leader: psycopg.Connection, settings: Settings) -> None:
    """Drops what need not be kept, as `Versions.prune` does: never the current version, and in a transaction of its own
    that gives up quickly where somebody reads the rows. The next run tries again."""
    try:
        with leader.transaction():
            old = [number for (number,) in leader.execute(
                """
                SELECT number FROM recommender.versions WHERE NOT current
                    AND number NOT IN (SELECT number FROM recommender.versions ORDER BY number DESC LIMIT %s)
                    AND number NOT IN (
                        SELECT max(number) FROM recommender.versions
                        WHERE (published_at AT TIME ZONE 'UTC')::date > (now() AT TIME ZONE 'UTC')::date - %s::int
                        GROUP BY (published_at AT TIME ZONE 'UTC')::date
                    )
                """,
                (settings.kept, settings.kept_days),
            )]  # fmt: skip
            if not old:
                return
            leader.execute("SET LOCAL lock_timeout = '50ms'")
            leader.execute("LOCK TABLE ONLY recommender.top IN ACCESS EXCLUSIVE MODE")
            leader.execute("DELETE FROM recommender.versions WHERE number = ANY (%s)", (old,))
            leader.execute("DELETE FROM recommender.models WHERE version = ANY (%s)", (old,))
            for number in old:
                leader.execute(f"DROP TABLE recommender.top_{number}")
    except psycopg.errors.LockNotAvailable:
        say("old versions are being read: the next run drops them.")


# MARK: The run


def say(text: str) -> None:
    print(f"als: {text}", flush=True)


def complain(reason: str) -> None:
    print(f"als: {reason}", file=sys.stderr, flush=True)


def run(settings: Settings, address: str) -> str:
    """Trains and publishes unless there is too little new or another worker is doing so. Returns what it came to."""
    # The session that holds the lock is the one that publishes: when it is lost, so is the publication.
    with psycopg.connect(address, autocommit=True, application_name="mien spark") as leader:
        if leader.info.host.startswith("/") or not leader.info.host:
            raise Failure("The setting database.url must name a host: JDBC knows no socket files.")
        if not leader.execute("SELECT pg_try_advisory_lock(hashtextextended(%s, 0))", (LEADER,)).fetchone()[0]:
            return "another worker leads the batch; nothing to do here."
        if (number := pinned(leader)) is not None:
            raise Pinned(number)
        prune(leader, settings)
        new = leader.execute(
            """
            SELECT last_value - coalesce((SELECT change FROM recommender.versions ORDER BY number DESC LIMIT 1), 0)
            FROM recommender.changes
            """
        ).fetchone()[0]
        if new < settings.minimum_new_ratings:
            return f"{new} ratings are new, and a run waits for {settings.minimum_new_ratings}."
        leader.execute("UPDATE recommender.batch SET began_at = clock_timestamp()")
        spark = SparkSession.builder.appName("mien als").getOrCreate()
        try:
            spark.sparkContext.setLogLevel("ERROR")
            start = time.monotonic()
            with snapshot(address) as moment:
                say(f"reading at snapshot {moment.moment}")
                trained = train(read(spark, leader, moment, settings), settings)
                if trained is None:
                    return "nobody has enjoyed anything yet."
                seconds = time.monotonic() - start
                say(f"publishing: {trained.ratings} ratings, loss {trained.loss:.6g}, {seconds:.1f} s")
                version, rows = publish(leader, moment, trained, seconds, settings)
                prune(leader, settings)
        finally:
            spark.stop()
        return f"version {version} is published, with {rows} rows for {trained.users} people."


def attempt(settings: Settings, address: str) -> bool:
    """One run; says what it came to, or why it failed, and returns whether it did not fail."""
    try:
        say(run(settings, address))
        return True
    except Pinned as version:
        say(f"version {version} is pinned: no batch runs until `recommender unpin`.")
        return True
    except Failure as failure:
        reason = str(failure)
    except psycopg.errors.UndefinedTable:
        reason = "The recommender's tables are missing: start the recommender once, which makes them."
    except psycopg.Error as error:
        reason = f"The database failed: {str(error).strip().splitlines()[0]}"
    except Py4JJavaError as error:
        cause = error.java_exception
        while cause.getCause() is not None:
            cause = cause.getCause()
        reason = f"Spark failed: {cause.toString().splitlines()[0]}"
        if JDBC_DRIVER in reason:
            reason = f"The JDBC driver is missing: give spark-submit --jars {JDBC_JAR}."
    except (Py4JError, PySparkException) as error:
        reason = f"Spark failed: {str(error).strip().splitlines()[0]}"
    complain(reason)
    return False


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeat", action="store_true", help="a run every als.interval, failed or not, until stopped")
    repeats = parser.parse_args().repeat
    try:
        address, settings = setting("database.url"), Settings()
        if address is None:
            raise Failure("The setting database.url is missing: set DATABASE_URL.")
    except Failure as failure:
        complain(str(failure))
        return 1
    succeeded = attempt(settings, address)
    while repeats:
        time.sleep(settings.interval)
        attempt(settings, address)
    return 0 if succeeded else 1


if __name__ == "__main__":
    sys.exit(main())
