/// One step in the life of a schema. Steps are only ever added.
package struct Migration: Sendable {
    /// From 1, without gaps.
    package let version: Int
    /// What it does, for the record.
    package let name: String
    /// Statements, run in one transaction.
    package let sql: String

    package init(version: Int, name: String, sql: String) {
        self.version = version
        self.name = name
        self.sql = sql
    }
}

extension Database {
    /// Brings a schema up to date: makes it if need be and runs, in one transaction, the migrations that its own table
    /// `migrations` does not yet list. Any number of processes may do so at once: an advisory lock lets one at a time.
    ///
    /// Versions that this build does not know are left alone, so that an older worker may still run beside newer ones.
    package func migrate(schema: String, _ migrations: [Migration]) async throws {
        precondition(
            migrations.map(\.version) == Array(1...max(1, migrations.count)).prefix(migrations.count).map { $0 })
        try await transaction { connection in
            try connection.liftLimit()
            try connection.query("SELECT pg_advisory_xact_lock(hashtextextended($1, 0))", .text("migrate \(schema)"))
            try connection.script(
                """
                CREATE SCHEMA IF NOT EXISTS \(schema);
                CREATE TABLE IF NOT EXISTS \(schema).migrations (
                    version integer PRIMARY KEY,
                    name text NOT NULL,
                    applied_at timestamptz NOT NULL DEFAULT now()
                );
                """)
            var applied: [Int: String] = [:]
            for row in try connection.query("SELECT version, name FROM \(schema).migrations") {
                applied[try row.decode("version")] = try row.decode("name", as: String.self)
            }
            for migration in migrations {
                if let name = applied[migration.version] {
                    guard name == migration.name else {
                        throw DatabaseError.migration(
                            "\(schema) \(migration.version) is \"\(name)\" there and \"\(migration.name)\" here")
                    }
                    continue
                }
                try connection.script(migration.sql)
                try connection.query(
                    "INSERT INTO \(schema).migrations (version, name) VALUES ($1, $2)",
                    .integer(migration.version), .text(migration.name))
            }
        }
    }
}
