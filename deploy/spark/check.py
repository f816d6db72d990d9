"""Checks als.py as an operator runs it, beside a recommender that leaves the batch to Spark: started by `check`.

Two groups of people like the videos of their own group; the bundled catalogue gives the videos. Prints a line a check
and ends at the first that fails.
"""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import UUID

import numpy as np
import psycopg

HERE = Path(__file__).resolve().parent
ROWS = 4
SETTINGS = {
    "ALS_ENGINE": "spark", "ALS_RANK": "2", "ALS_ITERATIONS": "10", "ALS_ROWS": str(ROWS), "ALS_KEEP": "2",
    "ALS_MINIMUM_NEW_RATINGS": "1", "ALS_KEEP_DAYS": "0",
}  # fmt: skip
SPARK = [
    "spark-submit", "--master", "local[2]", "--driver-memory", "1g", "--jars", "/usr/share/java/postgresql.jar",
    "--conf", "spark.driver.bindAddress=127.0.0.1", "--conf", "spark.driver.host=127.0.0.1",
    "--conf", "spark.ui.enabled=false", "--conf", "spark.sql.shuffle.partitions=4", str(HERE / "als.py"),
]  # fmt: skip
VIDEOS_OF_A_GROUP = 12
PEOPLE_OF_A_GROUP = 30


class Failed(Exception):
    """A check that did not hold."""


def check(text: str, holds: object, found: object = "") -> None:
    if not holds:
        raise Failed(f"{text}: {found}" if found != "" else text)
    print(f"ok      {text}", flush=True)


def wait(text: str, condition: Callable[[], Any], seconds: float = 60) -> Any:
    """Waits until the condition gives something true, and returns it."""
    end = time.monotonic() + seconds
    while not (value := condition()):
        if time.monotonic() > end:
            raise Failed(f"waited {seconds:.0f} s for {text}")
        time.sleep(0.05)
    return value


# MARK: Processes


def als(*arguments: str, **settings: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [*SPARK, *arguments], env=os.environ | SETTINGS | settings, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        start_new_session=True,
    )  # fmt: skip


def finish(process: subprocess.Popen[str]) -> str:
    """What a run came to; fails unless it succeeded."""
    output, errors = process.communicate(timeout=300)
    lines = (output or errors).strip().splitlines()
    if process.returncode != 0:
        raise Failed("als.py failed: " + "\n".join(errors.strip().splitlines()[-20:]))
    return lines[-1]


def heard(process: subprocess.Popen[str], text: str) -> None:
    """Waits for a line that a run prints."""
    for line in process.stdout:
        if text in line:
            return
    raise Failed(f'als.py ended before "{text}": ' + "\n".join(process.stderr.read().splitlines()[-20:]))


def refusal(**settings: str) -> str:
    """What als.py says when it can't run."""
    result = subprocess.run(
        [sys.executable, HERE / "als.py"], env=os.environ | SETTINGS | settings, capture_output=True, text=True
    )
    return result.stderr if result.returncode == 1 else f"status {result.returncode}: {result.stdout}"


def recommender(*arguments: str) -> str:
    result = subprocess.run([BINARY, *arguments], env=os.environ | SETTINGS, capture_output=True, text=True, timeout=60)
    if result.returncode != 0:
        raise Failed(f"recommender {arguments[0]} failed: {result.stderr.strip()}")
    return result.stdout


@contextmanager
def service() -> Iterator[None]:
    """A recommender that looks five times a second whether a batch is due."""
    with (Path(os.environ["MIEN_HOME"]) / "log" / "recommender.log").open("w") as log:
        process = subprocess.Popen(
            [BINARY], env=os.environ | SETTINGS | {"ALS_INTERVAL": "0.2"}, stdout=log, stderr=subprocess.STDOUT
        )
        try:
            yield
            check("the service still runs", process.poll() is None, Path(log.name).read_text()[-500:])
        finally:
            process.terminate()
            try:
                process.wait(30)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


# MARK: The database


BINARY = str(Path(os.environ["MIEN_BIN"]) / "recommender")
DATABASE = psycopg.connect(os.environ["DATABASE_URL"], autocommit=True)


def rows(sql: str, *parameters: object) -> list[tuple[Any, ...]]:
    return DATABASE.execute(sql, parameters).fetchall()


def value(sql: str, *parameters: object) -> Any:
    return rows(sql, *parameters)[0][0]


def rate(user: UUID, videos: dict[str, int]) -> None:
    """Stores reactions and counts the change, as the service does."""
    with DATABASE.transaction():
        DATABASE.execute("SELECT pg_advisory_xact_lock(3360, hashtext(%s))", (str(user),))
        DATABASE.execute("SELECT pg_advisory_xact_lock_shared(3361, 0)")
        DATABASE.execute(
            "INSERT INTO recommender.people (user_id, mood) VALUES (%s, 'happy') ON CONFLICT DO NOTHING", (user,)
        )
        with DATABASE.cursor() as cursor:
            cursor.executemany(
                """
                INSERT INTO recommender.reactions (user_id, video, session, rating, job)
                VALUES (%s, %s, 'check', %s, gen_random_uuid())
                """,
                [(user, video, rating) for video, rating in videos.items()],
            )
        touch([user])


def touch(users: list[UUID]) -> None:
    """Marks people's ratings as changed, and counts one change."""
    DATABASE.execute("UPDATE recommender.people SET changed = pg_current_xact_id() WHERE user_id = ANY (%s)", (users,))
    DATABASE.execute("SELECT nextval('recommender.changes')")


def click(user: UUID, video: str) -> None:
    DATABASE.execute(
        "INSERT INTO recommender.clicks (job, user_id, video) VALUES (gen_random_uuid(), %s, %s)", (user, video)
    )


def say(user: UUID, video: str, kind: str) -> None:
    DATABASE.execute("INSERT INTO recommender.feedback VALUES (%s, %s, %s, now())", (user, video, kind))


def erase(user: UUID) -> None:
    """As the service does."""
    with DATABASE.transaction():
        DATABASE.execute("SELECT pg_advisory_xact_lock(3360, hashtext(%s))", (str(user),))
        DATABASE.execute("SELECT pg_advisory_xact_lock_shared(3361, 0)")
        for table in ("reactions", "clicks", "feedback", "top", "summaries", "people"):
            DATABASE.execute(f"DELETE FROM recommender.{table} WHERE user_id = %s", (user,))
        DATABASE.execute("INSERT INTO recommender.erased (user_hash) VALUES (sha256(uuid_send(%s)))", (user,))
        DATABASE.execute("SELECT nextval('recommender.changes')")


def top(version: int) -> dict[UUID, list[tuple[str, float]]]:
    """A version's rows, best first, by person."""
    lists: dict[UUID, list[tuple[str, float]]] = {}
    for user, video, score in rows(
        "SELECT user_id, video, score FROM recommender.top WHERE version = %s ORDER BY user_id, rank", version
    ):
        lists.setdefault(user, []).append((video, score))
    return lists


def watched(user: UUID) -> dict[str, float]:
    """A person's ratings; zero for what they only watched, or said that it is not for them."""
    return dict(rows(
        """
        SELECT video, CASE WHEN bool_or(kind = 'not_for_me') THEN 0 ELSE sum(rating) END::float4 FROM (
            SELECT video, rating::float4, NULL AS kind FROM recommender.reactions WHERE user_id = %s
            UNION ALL SELECT video, 1::float4, NULL FROM recommender.clicks WHERE user_id = %s
            UNION ALL SELECT video, 2::float4, kind FROM recommender.feedback WHERE user_id = %s
        ) AS watched GROUP BY video
        """, user, user, user,
    ))  # fmt: skip


def close(left: dict[UUID, list[tuple[str, float]]], right: dict[UUID, list[tuple[str, float]]]) -> bool:
    """Whether the same people have the same videos with scores that agree to 0.001."""
    return left.keys() == right.keys() and all(
        dict(left[user]).keys() == dict(right[user]).keys()
        and all(abs(dict(left[user])[video] - score) < 1e-3 for video, score in right[user])
        for user in left
    )


# MARK: Checks


class Scenario:
    """Two groups of people, who each enjoyed six videos of their group, clicked one of them, liked another, found that a
    third is not for them after all, and watched a seventh."""

    def __init__(self) -> None:
        chosen = [
            video
            for (video,) in rows("SELECT video FROM recommender.items ORDER BY video LIMIT %s", 2 * VIDEOS_OF_A_GROUP)
        ]
        chance = random.Random(5)
        self.videos = [chosen[:VIDEOS_OF_A_GROUP], chosen[VIDEOS_OF_A_GROUP:]]
        self.group: dict[UUID, int] = {}
        for group in (0, 1):
            for _ in range(PEOPLE_OF_A_GROUP):
                user = UUID(int=chance.getrandbits(128), version=4)
                self.group[user] = group
                *enjoyed, bored = chance.sample(self.videos[group], 7)
                rate(user, {video: 1 for video in enjoyed} | {bored: 0})
                click(user, enjoyed[0])
                say(user, enjoyed[1], "like")
                say(user, enjoyed[2], "not_for_me")

    def whole(self, version: int) -> None:
        """That a version is the current one, complete and right."""
        check(
            f"version {version} is current", value("SELECT number FROM recommender.versions WHERE current") == version
        )
        engine, items, ratings, loss, parameters = rows(
            "SELECT engine, items, ratings, loss, parameters FROM recommender.versions WHERE number = %s", version
        )[0]
        check(
            f"version {version} names its engine, objective and size",
            engine == "spark" and parameters["objective"] == {"weightedLambda": {"alpha": 20, "lambda": 0.1}}
            and items == 2 * VIDEOS_OF_A_GROUP and ratings >= 5 * len(self.group) and np.isfinite(loss),
            (engine, items, ratings, loss, parameters),
        )  # fmt: skip
        lists = top(version)
        check(f"version {version} has {ROWS} rows for everyone", lists.keys() == self.group.keys() and all(
            len(list_) == ROWS and [score for _, score in list_] == sorted((score for _, score in list_), reverse=True)
            for list_ in lists.values()
        ))  # fmt: skip
        check("everyone's rows are of their own group", all(
            video in self.videos[self.group[user]] for user, list_ in lists.items() for video, _ in list_
        ))  # fmt: skip
        check("nobody's rows have been seen", all(
            video not in watched(user) for user, list_ in lists.items() for video, _ in list_
        ))  # fmt: skip

    def folded_in(self, version: int) -> tuple[dict[UUID, list[tuple[str, float]]], float]:
        """Everyone's rows, and the loss, by the closed form from the version's own factors and parameters."""
        parameters = value("SELECT parameters FROM recommender.versions WHERE number = %s", version)
        videos, data = rows("SELECT videos, factors FROM recommender.models WHERE version = %s", version)[0]
        items = np.frombuffer(data, "<f4").reshape(len(videos), parameters["rank"]).astype(float)
        alpha, penalty = (parameters["objective"]["weightedLambda"][name] for name in ("alpha", "lambda"))
        lists, loss, counts = {}, 0.0, np.zeros(len(videos))
        for user in self.group:
            history = watched(user)
            ratings = np.array([history.get(video, 0) for video in videos])
            confidence, liked = 1 + alpha * ratings, ratings > 0
            strength = penalty * liked.sum()
            matrix = (items.T * confidence) @ items + strength * np.eye(items.shape[1])
            vector = np.linalg.solve(matrix, items.T @ (confidence * liked))
            scores = items @ vector
            loss += confidence @ (liked - scores) ** 2 + strength * vector @ vector
            counts += liked
            unseen = sorted((-scores[index], video) for index, video in enumerate(videos) if video not in history)
            lists[user] = [(video, -score) for score, video in unseen[:ROWS]]
        return lists, loss + penalty * counts @ (items**2).sum(axis=1)


def main() -> None:
    wait("the recommender's tables", lambda: value("SELECT to_regclass('recommender.versions') IS NOT NULL"))
    needed = 2 * VIDEOS_OF_A_GROUP
    wait("the catalogue", lambda: value("SELECT count(*) >= %s FROM recommender.items", needed))

    said = refusal(ALS_RANK="0")
    check("a setting that makes no sense is named", "als.rank" in said and len(said.splitlines()) == 1, said)
    said = refusal(DATABASE_URL="postgresql://mien@127.0.0.1:1/mien")
    check("a database that is away is said in one line", "database" in said and len(said.splitlines()) == 1, said)
    said = finish(als())
    check("a run waits for new ratings", "0 ratings are new" in said, said)

    scenario = Scenario()
    erased, late = random.Random(1).sample(sorted(scenario.group), 2)
    first = als()
    heard(first, "reading")
    said = finish(als())
    check("a second leader is turned away", "another worker leads" in said, said)
    erase(erased)
    del scenario.group[erased]
    own = scenario.videos[scenario.group[late]]
    chosen = next(video for video in own if video not in watched(late))
    rate(late, {chosen: 1})
    check("someone is erased and someone rates in mid-run", value("SELECT count(*) FROM recommender.versions") == 0)
    finish(first)
    scenario.whole(1)
    check("the erased person has no rows", not value("SELECT count(*) FROM recommender.top WHERE user_id = %s", erased))
    check("who rated in mid-run is folded in", chosen not in dict(top(1)[late]))
    folded, _ = scenario.folded_in(1)
    check("the stored factors and parameters give everyone's rows", close(folded, top(1)))

    touch([late])
    killed = als()
    heard(killed, "reading")
    os.killpg(killed.pid, signal.SIGKILL)
    killed.communicate()
    locked = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND database = (SELECT oid FROM pg_database " \
        "WHERE datname = current_database()) AND objsubid = 1 AND granted"  # fmt: skip
    wait("the killed run's lock to end", lambda: value(locked) == 0)
    check("a killed run leaves the version as it was", value("SELECT max(number) FROM recommender.versions") == 1)

    for version in (2, 3):
        touch([late])
        finish(als())
        scenario.whole(version)
    folded, loss = scenario.folded_in(3)
    stored = value("SELECT loss FROM recommender.versions WHERE number = 3")
    check("the stored loss is the objective's", abs(stored - loss) < 1e-3 * loss, (stored, loss))
    for table, column in (("versions", "number"), ("models", "version"), ("top", "version")):
        kept = [number for (number,) in rows(f"SELECT DISTINCT {column} FROM recommender.{table} ORDER BY 1")]
        check(f"two versions are kept in {table}", kept == [2, 3], kept)
    check("the erased person did not return", erased not in top(2) and erased not in top(3))

    listed = recommender("versions").splitlines()
    check("recommender versions shows it", len(listed) == 3 and listed[1].split()[:2] == ["*", "3"], listed)
    spark = top(2)
    DATABASE.execute("DELETE FROM recommender.top WHERE version = 2")
    touch(list(scenario.group))
    said = recommender("rollback")
    check("recommender rollback goes back", "The current version is 2" in said, said)
    check("the service folds everyone into Spark's version as Spark did", close(top(2), spark))
    numbers = rows("SELECT number, engine FROM recommender.versions ORDER BY number")
    check("the service trained nothing", numbers == [(2, "spark"), (3, "spark")], numbers)

    touch([late])
    said = finish(als())
    check("a pinned version stays", "version 2 is pinned" in said, said)
    check("recommender unpin lets it go", "Version 2 is not pinned" in recommender("unpin"))
    with psycopg.connect(os.environ["DATABASE_URL"]) as reader:
        reader.execute("SELECT count(*) FROM recommender.top")
        said = finish(als())
        check("a reader of the rows does not stop a publication", "version 4 is published" in said, said)
        numbers = rows("SELECT number FROM recommender.versions ORDER BY number")
        check("what is being read is not dropped", numbers == [(2,), (3,), (4,)], numbers)
    finish(als())
    numbers = rows("SELECT number FROM recommender.versions ORDER BY number")
    check("the next run drops it", numbers == [(3,), (4,)], numbers)

    touch([late])
    repeated = als("--repeat", ALS_INTERVAL="1")
    heard(repeated, "version 5 is published")
    heard(repeated, "0 ratings are new")
    touch([late])
    heard(repeated, "version 6 is published")
    os.killpg(repeated.pid, signal.SIGTERM)
    repeated.communicate()
    check("with --repeat a run follows another when ratings are new", True)


if __name__ == "__main__":
    try:
        with service():
            main()
    except Failed as failure:
        sys.exit(f"FAILED  {failure}")
