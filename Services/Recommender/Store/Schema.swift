package import Database

/// The tables of the recommender, in the schema `recommender`.
package enum Schema {
    package static let name = "recommender"

    package static let migrations = [
        Migration(
            version: 1, name: "people, ratings, versions",
            sql: """
                CREATE TABLE recommender.items (
                    video text PRIMARY KEY,
                    title text NOT NULL
                );

                -- Whoever a rating may be stored for, and how they last looked.
                CREATE TABLE recommender.people (
                    user_id uuid PRIMARY KEY,
                    mood text NOT NULL,
                    seen_at timestamptz NOT NULL DEFAULT now(),
                    -- The transaction that last changed the person's ratings: a batch finds who rated since its snapshot.
                    changed xid8
                );
                CREATE INDEX people_changed ON recommender.people (changed);

                -- One row a user, video and play session: the paper's f(user).
                CREATE TABLE recommender.reactions (
                    user_id uuid NOT NULL,
                    video text NOT NULL REFERENCES recommender.items,
                    session text NOT NULL,
                    rating smallint NOT NULL CHECK (rating IN (0, 1)),
                    job uuid NOT NULL,
                    at timestamptz NOT NULL DEFAULT now(),
                    PRIMARY KEY (user_id, video, session)
                );
                CREATE INDEX reactions_enjoyed ON recommender.reactions (video, user_id) WHERE rating = 1;

                CREATE TABLE recommender.clicks (
                    job uuid PRIMARY KEY,
                    user_id uuid NOT NULL,
                    video text NOT NULL REFERENCES recommender.items,
                    at timestamptz NOT NULL DEFAULT now()
                );
                CREATE INDEX clicks_user ON recommender.clicks (user_id, video);

                -- Users who asked to be forgotten, as SHA-256 of their ids: nothing is stored for them again.
                CREATE TABLE recommender.erased (
                    user_hash bytea PRIMARY KEY,
                    at timestamptz NOT NULL DEFAULT now()
                );

                -- Counts ratings, clicks and erasures, so that a batch knows how much is new without counting rows.
                CREATE SEQUENCE recommender.changes MINVALUE 0 START 0;
                SELECT nextval('recommender.changes');

                CREATE TABLE recommender.versions (
                    number bigint PRIMARY KEY,
                    published_at timestamptz NOT NULL DEFAULT now(),
                    current boolean NOT NULL,
                    -- What of other transactions the training saw, and the value of `changes` then.
                    snapshot pg_snapshot NOT NULL,
                    change bigint NOT NULL,
                    engine text NOT NULL,
                    parameters jsonb NOT NULL,
                    users bigint NOT NULL,
                    items bigint NOT NULL,
                    ratings bigint NOT NULL,
                    loss double precision NOT NULL,
                    seconds double precision NOT NULL
                );
                CREATE UNIQUE INDEX versions_current ON recommender.versions (current) WHERE current;

                -- The items' vectors of a version: float32, little-endian, one row a video of `videos`.
                CREATE TABLE recommender.models (
                    version bigint PRIMARY KEY,
                    videos text[] NOT NULL,
                    factors bytea NOT NULL
                );

                -- What a version recommends to whom. No foreign keys: COPY would check each of millions of rows.
                CREATE TABLE recommender.top (
                    version bigint NOT NULL,
                    user_id uuid NOT NULL,
                    rank smallint NOT NULL,
                    video text NOT NULL,
                    score real NOT NULL,
                    PRIMARY KEY (version, user_id, rank)
                );
                CREATE INDEX top_user ON recommender.top (user_id);

                -- What YouTube found for a keyword, and when it was last asked.
                CREATE TABLE recommender.youtube (
                    query text PRIMARY KEY,
                    asked_at timestamptz NOT NULL,
                    found_at timestamptz,
                    videos jsonb
                );
                """),
        Migration(
            version: 2, name: "what the gate measured",
            sql: "ALTER TABLE recommender.versions ADD COLUMN figures jsonb"),
    ]
}
