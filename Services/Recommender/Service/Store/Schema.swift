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
        Migration(
            version: 3, name: "ratings summed up",
            sql: """
                ALTER TABLE recommender.items ADD COLUMN number integer GENERATED ALWAYS AS IDENTITY UNIQUE;

                -- What a person's reactions and clicks come to, so that a batch need not read them again. A row is valid as long as
                -- its `changed` is the person's.
                CREATE TABLE recommender.summaries (
                    user_id uuid NOT NULL,
                    changed xid8 NOT NULL,
                    click_weight real NOT NULL,
                    -- Numbers of videos (int32) and how much each was enjoyed (float32), and of those that were only watched; all
                    -- little-endian, by ascending number.
                    enjoyed bytea NOT NULL,
                    ratings bytea NOT NULL,
                    watched bytea NOT NULL,
                    -- The video enjoyed last; -1 for none.
                    latest integer NOT NULL,
                    PRIMARY KEY (user_id, changed, click_weight)
                );
                -- To compress the numbers takes longer than to read them.
                ALTER TABLE recommender.summaries ALTER COLUMN enjoyed SET STORAGE EXTERNAL,
                    ALTER COLUMN ratings SET STORAGE EXTERNAL, ALTER COLUMN watched SET STORAGE EXTERNAL;
                """),
        Migration(
            version: 4, name: "a table a version",
            sql: """
                -- The transaction that erased the user: a flip finds who was erased since its snapshot.
                ALTER TABLE recommender.erased ADD COLUMN erased_by xid8 NOT NULL DEFAULT pg_current_xact_id();

                ALTER TABLE recommender.top RENAME TO unpartitioned;
                -- A version's rows are a table of their own: without an index they are written three times as fast, and dropped
                -- in an instant.
                CREATE TABLE recommender.top (
                    LIKE recommender.unpartitioned,
                    PRIMARY KEY (user_id, rank, version)
                ) PARTITION BY LIST (version);
                DO $$
                DECLARE number bigint;
                BEGIN
                    FOR number IN SELECT versions.number FROM recommender.versions LOOP
                        EXECUTE format(
                            'CREATE TABLE recommender.top_%s PARTITION OF recommender.top FOR VALUES IN (%s)', number, number);
                    END LOOP;
                END $$;
                INSERT INTO recommender.top SELECT * FROM recommender.unpartitioned;
                DROP TABLE recommender.unpartitioned;
                """),
        Migration(
            version: 5, name: "batches of all workers",
            sql: """
                -- A version that somebody went back to stays the current one until it is let go: no batch runs meanwhile.
                ALTER TABLE recommender.versions ADD COLUMN pinned_at timestamptz,
                    ADD CONSTRAINT pinned_is_current CHECK (current OR pinned_at IS NULL);

                -- What all workers know of the batch, in one row.
                CREATE TABLE recommender.batch (
                    single boolean PRIMARY KEY DEFAULT true CHECK (single),
                    -- When the last run began, whoever's it was.
                    began_at timestamptz,
                    -- When the gate refused the last run that came to an end, and what it measured; null where it did not.
                    refused_at timestamptz,
                    refusal jsonb
                );
                INSERT INTO recommender.batch DEFAULT VALUES;
                """),
        Migration(
            version: 6, name: "popularity",
            sql: """
                -- Nobody rates between the count and the first rating that is counted on top of it.
                LOCK TABLE recommender.reactions, recommender.clicks IN SHARE ROW EXCLUSIVE MODE;

                -- Who chose what: enjoyed it by a reaction, or clicked on it.
                CREATE VIEW recommender.chosen AS
                    SELECT user_id, video FROM recommender.reactions WHERE rating = 1
                    UNION
                    SELECT user_id, video FROM recommender.clicks;

                -- How many people chose a video, kept up by whatever changes `chosen`.
                CREATE TABLE recommender.popularity (
                    video text PRIMARY KEY,
                    people bigint NOT NULL DEFAULT 0
                );
                INSERT INTO recommender.popularity
                    SELECT video, count(user_id) FROM recommender.items LEFT JOIN recommender.chosen USING (video)
                    GROUP BY video;
                CREATE INDEX popularity_order ON recommender.popularity (people DESC, video);
                -- It was there to count anew for each list.
                DROP INDEX recommender.reactions_enjoyed;
                """),
        Migration(
            version: 7, name: "feedback",
            sql: """
                -- What people say of videos; the later word replaces the earlier.
                CREATE TABLE recommender.feedback (
                    user_id uuid NOT NULL,
                    video text NOT NULL REFERENCES recommender.items,
                    kind text NOT NULL CHECK (kind IN ('like', 'not_for_me')),
                    at timestamptz NOT NULL,
                    PRIMARY KEY (user_id, video)
                );

                -- The rows that ratings are the sums of. What is not for somebody outweighs all else.
                CREATE FUNCTION recommender.ratings(click_weight real, like_weight real)
                RETURNS TABLE (user_id uuid, video text, rating real, at timestamptz) LANGUAGE sql STABLE AS $$
                    SELECT user_id, video, rating::real, at FROM recommender.reactions
                    UNION ALL
                    SELECT user_id, video, click_weight, at FROM recommender.clicks
                    UNION ALL
                    SELECT user_id, video, CASE kind WHEN 'like' THEN like_weight ELSE '-Infinity'::real END, at
                    FROM recommender.feedback
                $$;

                CREATE OR REPLACE VIEW recommender.chosen AS
                    SELECT user_id, video FROM recommender.reactions WHERE rating = 1
                    UNION
                    SELECT user_id, video FROM recommender.clicks
                    UNION
                    SELECT user_id, video FROM recommender.feedback WHERE kind = 'like';

                -- Sums hold for these weights; the next batch makes them anew, once.
                TRUNCATE recommender.summaries;
                ALTER TABLE recommender.summaries ADD COLUMN like_weight real NOT NULL,
                    DROP CONSTRAINT summaries_pkey, ADD PRIMARY KEY (user_id, changed, click_weight, like_weight);
                """),
        Migration(
            version: 8, name: "merges",
            sql: """
                -- Under which id the rows of a user are kept who was merged with another, or parted again, and since which of all
                -- merges; of who never was there is no row.
                CREATE TABLE recommender.aliases (
                    user_id uuid PRIMARY KEY,
                    principal uuid NOT NULL,
                    sequence bigint NOT NULL
                );
                CREATE INDEX aliases_principal ON recommender.aliases (principal);

                -- Whose a row was before a merge; null for one that was always its user's.
                ALTER TABLE recommender.reactions ADD COLUMN origin uuid, DROP CONSTRAINT reactions_pkey,
                    ADD CONSTRAINT reactions_key UNIQUE NULLS NOT DISTINCT (user_id, video, session, origin);
                ALTER TABLE recommender.clicks ADD COLUMN origin uuid;
                ALTER TABLE recommender.feedback ADD COLUMN origin uuid, DROP CONSTRAINT feedback_pkey,
                    ADD CONSTRAINT feedback_key UNIQUE NULLS NOT DISTINCT (user_id, video, origin);
                CREATE INDEX reactions_origin ON recommender.reactions (origin) WHERE origin IS NOT NULL;
                CREATE INDEX clicks_origin ON recommender.clicks (origin) WHERE origin IS NOT NULL;
                CREATE INDEX feedback_origin ON recommender.feedback (origin) WHERE origin IS NOT NULL;
                """),
    ]
}
