import Database
package import FoundationEssentials
import ImplicitALS
import Messages

/// The versions that were published and are kept.
package struct Versions: Sendable {
    /// One published version.
    package struct Version: Sendable {
        package var number: Int
        package var isCurrent: Bool
        /// Since when the version stays the current one whatever batches would do.
        package var pinned: Date?
        package var published: Date
        package var users: Int
        package var items: Int
        package var ratings: Int
        package var loss: Double
        package var seconds: Double
        /// What the gate measured; `nil` where there were too few users to measure by.
        package var figures: Gate.Figures?
    }

    /// Which versions stay.
    package struct Retention: Sendable, Hashable {
        /// So many of the newest.
        package var count: Int
        /// And of each of the last so many days, today among them, the last one: a fault is often seen later than the next batch
        /// is published.
        package var days: Int

        package init(count: Int, days: Int) {
            self.count = count
            self.days = days
        }
    }

    /// A publication came too late: meanwhile somebody pinned a version.
    struct Pinned: Error {
        var version: Int
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
            SELECT number, current, pinned_at, published_at, users, items, ratings, loss, seconds, figures
            FROM recommender.versions
            ORDER BY number DESC
            """
        ).map { row in
            Version(
                number: try row.decode("number"), isCurrent: try row.decode("current"),
                pinned: try row.decode("pinned_at"), published: try row.decode("published_at"),
                users: try row.decode("users"),
                items: try row.decode("items"),
                ratings: try row.decode("ratings"), loss: try row.decode("loss"), seconds: try row.decode("seconds"),
                figures: try row.decode("figures", as: Data?.self).map {
                    try JSONDecoder().decode(Gate.Figures.self, from: $0)
                })
        }
    }

    /// What is known of the batch beside the versions.
    package func state() async throws -> BatchState {
        try await BatchState.read(store.database)
    }

    /// Makes a kept version the current one, by default the newest before the current, and pins it: no batch runs until
    /// `unpin`. Whoever rated since it was trained is folded into it again. Returns its number.
    package func rollBack(to number: Int? = nil) async throws -> Int {
        guard let number = try await store.database.withAdvisoryLock(Batch.lockName, { try await change(to: number) })
        else { throw RollbackError.batchRuns }
        return number
    }

    /// Lets the pinned version go: it stays until the next batch publishes. Returns its number; `nil` when none was pinned.
    package func unpin() async throws -> Int? {
        try await store.database.query(
            "UPDATE recommender.versions SET pinned_at = NULL WHERE pinned_at IS NOT NULL RETURNING number"
        ).first?.decode("number")
    }

    private func change(to number: Int?) async throws -> Int {
        let (model, trained, moment, changed) = try await store.database.transaction { connection in
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
            let trained: String = try row.decode("snapshot")
            let moment = try Self.moment(connection)
            return (model, trained, moment, try Self.changed(since: trained, connection))
        }
        // Others see and erase these rows: a person's are changed under the person's locks, as by everybody else, and none are
        // held when the publication's lock is asked for.
        for user in changed {
            try await store.database.transaction { connection in
                try connection.query("SET LOCAL synchronous_commit = off")
                _ = try Lock.person(user, connection)
                try store.foldIn(user, History(of: user, weights: store.weights, connection), model, connection)
            }
        }
        try await store.database.transaction { connection in
            try connection.liftLimit()
            try Lock.publication(connection)
            try Self.promote(to: model, trained: trained, foldedIn: moment, isPinned: true, store, connection)
        }
        return model.version
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

    /// Makes a version the current one: without the rows of those erased since the snapshot that it was `trained` at, and with
    /// those who rated since the moment up to which all are `foldedIn` folded in too. The transaction holds the publication's
    /// lock.
    static func promote(
        to model: PublishedModel, trained snapshot: String, foldedIn moment: String, isPinned: Bool, _ store: Store,
        _ connection: isolated Connection
    ) throws {
        for user in try changed(since: moment, connection) {
            try store.foldIn(user, History(of: user, weights: store.weights, connection), model, connection)
        }
        try connection.query(
            """
            DELETE FROM recommender.top WHERE version = $1
                AND EXISTS (
                    SELECT FROM recommender.erased WHERE NOT pg_visible_in_snapshot(erased_by, $2::text::pg_snapshot)
                ) AND NOT EXISTS (SELECT FROM recommender.people WHERE people.user_id = top.user_id)
            """, .integer(model.version), .text(snapshot))
        try connection.query("UPDATE recommender.versions SET current = false, pinned_at = NULL WHERE current")
        try connection.query(
            """
            UPDATE recommender.versions SET current = true, pinned_at = CASE WHEN $2 THEN now() END WHERE number = $1
            """, .integer(model.version), .boolean(isPinned))
    }

    /// Now, as a snapshot's text: what `changed(since:)` understands.
    static func moment(_ connection: isolated Connection) throws -> String {
        try connection.query("SELECT pg_current_snapshot()::text AS moment")[0].decode("moment")
    }

    /// Whoever rated since a snapshot.
    static func changed(since snapshot: String, _ connection: isolated Connection) throws -> [UserID] {
        try connection.query(
            """
            SELECT user_id FROM recommender.people
            WHERE changed >= pg_snapshot_xmin($1::text::pg_snapshot)
                AND NOT pg_visible_in_snapshot(changed, $1::text::pg_snapshot)
            """, .text(snapshot)
        ).map { UserID(try $0.decode("user_id", as: UUID.self)) }
    }

    /// The version that is pinned.
    static func pinned(_ connection: isolated Connection) throws -> Int? {
        try connection.query("SELECT number FROM recommender.versions WHERE pinned_at IS NOT NULL").first?
            .decode("number")
    }

    /// Drops what need not be kept, and never the current version; returns their numbers. The caller leads the batch.
    ///
    /// Throws a `DatabaseError` of a lock that was not to be had where somebody reads the rows for long, as a backup does:
    /// whoever comes after this transaction waits behind it, so it gives up quickly.
    static func prune(_ kept: Retention, _ store: Store) async throws -> [Int] {
        try await store.database.transaction { connection in
            let old = try connection.query(
                """
                SELECT number FROM recommender.versions WHERE NOT current
                    AND number NOT IN (SELECT number FROM recommender.versions ORDER BY number DESC LIMIT $1)
                    AND number NOT IN (
                        SELECT max(number) FROM recommender.versions
                        WHERE (published_at AT TIME ZONE 'UTC')::date > (now() AT TIME ZONE 'UTC')::date - $2::int
                        GROUP BY (published_at AT TIME ZONE 'UTC')::date
                    ) ORDER BY number
                """, .integer(kept.count), .integer(kept.days)
            ).map { try $0.decode("number", as: Int.self) }
            guard !old.isEmpty else { return [] }
            try connection.query("SET LOCAL lock_timeout = '50ms'")
            try connection.query("LOCK TABLE ONLY recommender.top IN ACCESS EXCLUSIVE MODE")
            for table in ["versions WHERE number", "models WHERE version"] {
                try connection.query(
                    "DELETE FROM recommender.\(table) = ANY ($1)", .integers(old.map { Int64($0) }))
            }
            for number in old { try connection.query("DROP TABLE \(table(number))") }
            return old
        }
    }
}
