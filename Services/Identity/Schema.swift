package import Database

/// Identity's tables.
package enum Schema {
    package static let name = "identity"
    /// The channel on which a change of the faces is announced.
    package static let channel = "identity.changes"
    /// Taken by whoever changes the faces, until commit: it puts the changes into one order.
    package static let lock = "SELECT pg_advisory_xact_lock(hashtextextended('identity.changes', 0))"

    package static let migrations = [
        Migration(
            version: 1, name: "users, faces and their changes",
            sql: """
                CREATE TABLE identity.users (
                    id uuid PRIMARY KEY,
                    created_at timestamptz NOT NULL DEFAULT now()
                );
                CREATE TABLE identity.faces (
                    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
                    user_id uuid NOT NULL REFERENCES identity.users ON DELETE CASCADE,
                    -- A job redelivered after its commit finds its own face here and enrols no second one.
                    job_id uuid NOT NULL UNIQUE,
                    version text NOT NULL,
                    -- 512 little-endian float32 of unit length.
                    template bytea NOT NULL,
                    distance double precision,
                    created_at timestamptz NOT NULL DEFAULT now()
                );
                CREATE INDEX ON identity.faces (user_id);
                -- What workers read to keep their galleries in step. Sequence numbers are taken inside the lock that
                -- commits them, so a reader who has seen one has seen all before it.
                CREATE TABLE identity.changes (
                    sequence bigint PRIMARY KEY,
                    face_id bigint NOT NULL,
                    added boolean NOT NULL
                );
                -- Jobs whose faces were erased: redelivered late, they enrol nobody.
                CREATE TABLE identity.erased_jobs (
                    job_id uuid PRIMARY KEY
                );
                """),
        Migration(
            version: 2, name: "when jobs were erased",
            sql: "ALTER TABLE identity.erased_jobs ADD COLUMN erased_at timestamptz NOT NULL DEFAULT now()"),
        Migration(
            version: 3, name: "who was erased, and which changes are cleared away",
            sql: """
                -- Users who were erased, as SHA-256 of their ids, and when that was asked for: no picture sent until then makes
                -- anybody.
                CREATE TABLE identity.erased (
                    user_digest bytea PRIMARY KEY,
                    requested_at timestamptz NOT NULL,
                    erased_at timestamptz NOT NULL DEFAULT now()
                );
                CREATE INDEX erased_by_request ON identity.erased (requested_at);

                -- Changes of faces that are gone are cleared away. A worker that has not come as far as the last of them reads
                -- everything anew.
                ALTER TABLE identity.changes ADD COLUMN changed_at timestamptz NOT NULL DEFAULT now();
                CREATE TABLE identity.cleared (
                    sequence bigint NOT NULL
                );
                INSERT INTO identity.cleared VALUES (0);
                """),
        Migration(
            version: 4, name: "several templates a user, and users who are one person",
            sql: """
                -- Whom the user is: another one where two were merged, of which this one is then an alias.
                ALTER TABLE identity.users ADD COLUMN person uuid;
                UPDATE identity.users SET person = id;
                ALTER TABLE identity.users ALTER COLUMN person SET NOT NULL;
                CREATE INDEX ON identity.users (person);

                -- Why a template is kept.
                ALTER TABLE identity.faces ADD COLUMN origin text NOT NULL DEFAULT 'enrolment'
                    CHECK (origin IN ('enrolment', 'claim', 'search', 'migration'));
                ALTER TABLE identity.faces ALTER COLUMN origin DROP DEFAULT;
                -- A job redelivered after its commit finds its own face; by every network it has one.
                ALTER TABLE identity.faces DROP CONSTRAINT faces_job_id_key;
                ALTER TABLE identity.faces ADD UNIQUE (job_id, version);
                """),
        Migration(
            version: 5, name: "consent",
            sql: """
                -- The text by which the user last agreed to be recognised, and when; null where no client said so.
                ALTER TABLE identity.users ADD COLUMN consent text, ADD COLUMN consented_at timestamptz,
                    ADD CHECK ((consent IS NULL) = (consented_at IS NULL));
                """),
        Migration(
            version: 6, name: "merges that can be undone",
            sql: """
                -- A user who was merged with another: a link, by which the two can be told apart again.
                CREATE TABLE identity.merges (
                    user_id uuid PRIMARY KEY REFERENCES identity.users ON DELETE CASCADE,
                    into_user uuid NOT NULL REFERENCES identity.users ON DELETE CASCADE,
                    merged_at timestamptz NOT NULL DEFAULT now()
                );
                CREATE INDEX ON identity.merges (into_user);

                -- Ids that an erasure reached beside those it named. Its worker may be lost behind the commit: the next one passes on
                -- these too.
                CREATE TABLE identity.erased_aliases (
                    job_id uuid NOT NULL,
                    user_id uuid NOT NULL,
                    erased_at timestamptz NOT NULL DEFAULT now(),
                    PRIMARY KEY (job_id, user_id)
                );
                """),
        Migration(
            version: 7, name: "templates in their rows",
            // Postgres puts values of 2 KB elsewhere by itself, which makes reading a million of them many times as long.
            sql: "ALTER TABLE identity.faces ALTER COLUMN template SET STORAGE PLAIN"),
    ]
}
