internal import Database

/// Identity's tables.
enum Schema {
    static let name = "identity"

    static let migrations = [
        Migration(
            version: 1, name: "users, faces and their changes",
            sql: """
                CREATE TABLE identity.users (
                    id uuid PRIMARY KEY,
                    created_at timestamptz NOT NULL DEFAULT now()
                );
                -- A template is 512 float32, little-endian; only those of one version are compared.
                CREATE TABLE identity.faces (
                    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
                    user_id uuid NOT NULL REFERENCES identity.users ON DELETE CASCADE,
                    job_id uuid NOT NULL UNIQUE,
                    version text NOT NULL,
                    template bytea NOT NULL,
                    distance real,
                    created_at timestamptz NOT NULL DEFAULT now()
                );
                ALTER TABLE identity.faces ALTER template SET STORAGE PLAIN;
                CREATE INDEX ON identity.faces (user_id);
                CREATE INDEX ON identity.faces (version);
                -- What happened to faces, in the order of commits: a number is taken under the lock that is held until
                -- the commit, so that whoever has seen one has seen all before it. No user is named.
                CREATE TABLE identity.changes (
                    sequence bigint PRIMARY KEY,
                    kind text NOT NULL CHECK (kind IN ('enrolled', 'erased')),
                    face bigint NOT NULL
                );
                -- Jobs that had enrolled somebody who is erased since, as digests: should one come again, it enrols nobody.
                CREATE TABLE identity.erased_jobs (
                    digest bytea PRIMARY KEY,
                    erased_at timestamptz NOT NULL DEFAULT now()
                );
                CREATE INDEX ON identity.erased_jobs (erased_at);
                """)
    ]
}
