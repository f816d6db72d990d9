import Database
package import FoundationEssentials
import Messages

/// The versions that were published and are kept.
package struct Versions: Sendable {
    /// One published version.
    package struct Version: Sendable {
        package var number: Int
        package var isCurrent: Bool
        package var published: Date
        package var users: Int
        package var items: Int
        package var ratings: Int
        package var loss: Double
        package var seconds: Double
        /// What the gate measured; `nil` where there were too few users to measure by.
        package var figures: Gate.Figures?
    }

    /// Why there is no going back.
    package enum RollbackError: Error, Equatable, CustomStringConvertible {
        case notKept(Int)
        case noEarlier
        case batchRuns

        package var description: String {
            switch self {
            case .notKept(let number): "Version \(number) is not kept."
            case .noEarlier: "There is no earlier version to go back to."
            case .batchRuns: "A batch is running and would publish over it: try again when it is done."
            }
        }
    }

    private let store: Store

    package init(_ store: Store) {
        self.store = store
    }

    /// The newest first.
    package func all() async throws -> [Version] {
        try await store.database.query(
            """
            SELECT number, current, published_at, users, items, ratings, loss, seconds, figures
            FROM recommender.versions
            ORDER BY number DESC
            """
        ).map { row in
            Version(
                number: try row.decode("number"), isCurrent: try row.decode("current"),
                published: try row.decode("published_at"), users: try row.decode("users"),
                items: try row.decode("items"),
                ratings: try row.decode("ratings"), loss: try row.decode("loss"), seconds: try row.decode("seconds"),
                figures: try row.decode("figures", as: Data?.self).map {
                    try JSONDecoder().decode(Gate.Figures.self, from: $0)
                })
        }
    }

    /// Makes a kept version the current one, by default the newest before the current. Whoever rated since it was trained
    /// is folded into it again. Returns its number.
    package func rollBack(to number: Int? = nil) async throws -> Int {
        guard let number = try await store.database.withAdvisoryLock(Batch.lockName, { try await change(to: number) })
        else { throw RollbackError.batchRuns }
        return number
    }

    private func change(to number: Int?) async throws -> Int {
        try await store.database.transaction { connection in
            let rows = try connection.query(
                """
                SELECT number, parameters, snapshot::text AS snapshot FROM recommender.versions
                WHERE number = $1
                    OR $1 IS NULL AND number < (SELECT number FROM recommender.versions WHERE current)
                ORDER BY number DESC LIMIT 1
                """, .optional(number) { .integer(Int64($0)) })
            guard let row = rows.first else { throw number.map(RollbackError.notKept) ?? RollbackError.noEarlier }
            let parameters = try JSONDecoder().decode(
                TrainingParameters.self, from: try row.decode("parameters", as: Data.self))
            let model = try ModelCache.read(
                try row.decode("number"), parameters.objective, rank: parameters.rank, connection)
            try Self.flip(to: model, snapshot: try row.decode("snapshot"), store, connection)
            return model.version
        }
    }

    // MARK: Rows

    /// The table of a version's rows.
    private static func table(_ number: Int) -> String { "recommender.top_\(number)" }

    /// Makes the table of a new version's rows, and returns its name. It has no index yet and is no part of
    /// `recommender.top`: so rows are written fastest.
    static func createRows(_ number: Int, _ connection: isolated Connection) throws -> String {
        try connection.query(
            "CREATE TABLE \(table(number)) (LIKE recommender.top, CHECK (version = \(number)))")
        return table(number)
    }

    /// Makes the table that was written a part of `recommender.top`.
    static func attachRows(_ number: Int, _ connection: isolated Connection) throws {
        try connection.query("ALTER TABLE \(table(number)) ADD PRIMARY KEY (user_id, rank, version)")
        try connection.query(
            "ALTER TABLE recommender.top ATTACH PARTITION \(table(number)) FOR VALUES IN (\(number))")
    }

    /// Makes a version the current one at the end of a transaction that may have written it: without the rows of those
    /// erased meanwhile, and with those who rated since the snapshot folded in again.
    static func flip(
        to model: PublishedModel, snapshot: String, _ store: Store, _ connection: isolated Connection
    ) throws {
        // Most are folded in while answers go on; only those who rate during that are left for the moment of the lock.
        let moment: String = try connection.query("SELECT pg_current_snapshot()::text AS moment")[0].decode("moment")
        try foldInChanged(since: snapshot, model, store, connection)
        try Lock.publication(connection)
        try foldInChanged(since: moment, model, store, connection)
        try connection.query(
            """
            DELETE FROM recommender.top WHERE version = $1
                AND EXISTS (
                    SELECT FROM recommender.erased WHERE NOT pg_visible_in_snapshot(erased_by, $2::text::pg_snapshot)
                ) AND NOT EXISTS (SELECT FROM recommender.people WHERE people.user_id = top.user_id)
            """, .integer(model.version), .text(snapshot))
        try connection.query("UPDATE recommender.versions SET current = false WHERE current")
        try connection.query(
            "UPDATE recommender.versions SET current = true WHERE number = $1", .integer(model.version))
    }

    /// Drops the oldest versions so that `count` stay, and never the current one. The transaction must hold the lock of a
    /// publication: then nobody is reading the rows.
    static func prune(keeping count: Int, _ connection: isolated Connection) throws {
        let pruned = try connection.query(
            """
            WITH pruned AS (
                DELETE FROM recommender.versions
                WHERE NOT current AND number NOT IN (SELECT number FROM recommender.versions ORDER BY number DESC LIMIT $1)
                RETURNING number
            ) DELETE FROM recommender.models WHERE version IN (SELECT number FROM pruned) RETURNING version
            """, .integer(count))
        for row in pruned { try connection.query("DROP TABLE \(table(try row.decode("version")))") }
    }

    private static func foldInChanged(
        since snapshot: String, _ model: PublishedModel, _ store: Store, _ connection: isolated Connection
    ) throws {
        let rows = try connection.query(
            """
            SELECT user_id FROM recommender.people
            WHERE changed >= pg_snapshot_xmin($1::text::pg_snapshot)
                AND NOT pg_visible_in_snapshot(changed, $1::text::pg_snapshot)
            """, .text(snapshot))
        for row in rows {
            let user = UserID(try row.decode("user_id", as: UUID.self))
            let history = try History(of: user, clickWeight: store.clickWeight, connection)
            try store.foldIn(user, history, model, connection)
        }
    }
}
