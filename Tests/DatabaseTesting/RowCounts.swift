package import Database

extension TestDatabase {
    /// How many rows every table of every schema has, by its full name; those that list migrations are left out.
    package static func rowCounts(_ database: Database) async throws -> [String: Int] {
        let tables = try await database.query(
            """
            SELECT format('%I.%I', schemaname, tablename) AS name FROM pg_tables
            WHERE schemaname NOT IN ('pg_catalog', 'information_schema') AND tablename <> 'migrations'
            """
        ).map { try $0.decode("name", as: String.self) }
        var counts: [String: Int] = [:]
        for table in tables {
            counts[table] = try await database.query("SELECT count(*) AS n FROM \(table)")[0].decode("n")
        }
        return counts
    }
}
