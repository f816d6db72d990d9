package import Database

/// The network versions that templates are kept of: how far everybody has come from one to the next, and the end of an old one.
package enum NetworkVersions {
    /// What is kept of one version.
    package struct Standing: Hashable, Sendable {
        package var version: String
        package var users: Int
        package var templates: Int
        /// Users whom no other version knows.
        package var alone: Int
    }

    /// Every version, by name.
    package static func all(on connection: isolated Connection) throws -> [Standing] {
        try connection.query(
            """
            WITH known AS (SELECT user_id, version, count(*) AS templates FROM identity.faces GROUP BY 1, 2),
                versions AS (SELECT *, count(*) OVER (PARTITION BY user_id) AS versions FROM known)
            SELECT version, count(*) AS users, sum(templates)::bigint AS templates,
                count(*) FILTER (WHERE versions = 1) AS alone
            FROM versions GROUP BY version ORDER BY version
            """
        ).map { row in
            Standing(
                version: try row.decode("version"), users: try row.decode("users"),
                templates: try row.decode("templates"), alone: try row.decode("alone"))
        }
    }

    /// Deletes the templates of a version; workers forget them. The caller holds the lock.
    ///
    /// - Returns: how many there were.
    package static func drop(_ version: String, on connection: isolated Connection) throws -> Int {
        let dropped = try connection.query(
            """
            WITH gone AS (DELETE FROM identity.faces WHERE version = $1 RETURNING id)
            INSERT INTO identity.changes (sequence, face_id, added)
            SELECT (SELECT coalesce(max(sequence), 0) FROM identity.changes) + row_number() OVER (ORDER BY id), id, false
            FROM gone
            """, .text(version)
        ).affected
        try connection.query("SELECT pg_notify('\(Schema.channel)', '')")
        return Int(dropped)
    }
}
