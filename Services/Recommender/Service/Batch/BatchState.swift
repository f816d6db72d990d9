package import Database
package import FoundationEssentials

/// What all workers know of the batch: each looks before a run, and an operator sees it beside the versions.
package struct BatchState: Sendable {
    /// The gate's last word, where it was no.
    package struct Refusal: Sendable, Hashable {
        package var at: Date
        package var figures: Gate.Figures
    }

    /// The version that stays the current one until somebody lets it go, and since when.
    package var pinned: (version: Int, at: Date)?
    /// What the gate said of the last run that came to an end; `nil` where that was published. Until a version passes, popular
    /// videos stand in for the rows of the current one, unless that is pinned.
    package var refusal: Refusal?
    /// How many ratings, clicks and erasures came since the newest version's snapshot.
    package var new: Int
    /// How long ago the last run began, by the database's clock; `nil` before the first.
    private var sinceBegin: Duration?

    package static func read(_ database: Database) async throws -> BatchState {
        let row = try await database.query(
            """
            SELECT pinned.number AS pinned, pinned.pinned_at, refused_at, refusal,
                extract(epoch FROM clock_timestamp() - began_at)::float8 AS seconds,
                last_value - coalesce((SELECT change FROM recommender.versions ORDER BY number DESC LIMIT 1), 0) AS new
            FROM recommender.changes CROSS JOIN recommender.batch
                LEFT JOIN recommender.versions AS pinned ON pinned.pinned_at IS NOT NULL
            """)[0]
        var state = BatchState(
            new: try row.decode("new"), sinceBegin: try row.decode("seconds", as: Double?.self).map { .seconds($0) })
        if let version = try row.decode("pinned", as: Int?.self) {
            state.pinned = (version, try row.decode("pinned_at"))
        }
        if let refusal = try row.decode("refusal", as: Data?.self) {
            state.refusal = Refusal(
                at: try row.decode("refused_at"), figures: try JSONDecoder().decode(Gate.Figures.self, from: refusal))
        }
        return state
    }

    private init(new: Int, sinceBegin: Duration?) {
        self.new = new
        self.sinceBegin = sinceBegin
    }

    /// How long it is until the next run may begin, with runs `interval` apart whoever makes them.
    func wait(_ interval: Duration) -> Duration {
        guard let sinceBegin else { return .zero }
        // The gate would hardly say something else so soon, and asking it costs a training.
        let pause = refusal == nil ? interval : interval * 10
        // A clock that was set back keeps nobody waiting for longer than a pause.
        return min(pause, max(.zero, pause - sinceBegin))
    }

    /// Says that a run begins.
    static func begin(_ database: Database) async throws {
        try await database.query("UPDATE recommender.batch SET began_at = clock_timestamp()")
    }

    /// Says how a run came to its end: with the gate's figures where that refused, otherwise with a version.
    static func end(refusal: Gate.Figures?, _ connection: isolated Connection) throws {
        try connection.query(
            "UPDATE recommender.batch SET refused_at = CASE WHEN $1::jsonb IS NOT NULL THEN now() END, refusal = $1",
            .optional(try refusal.map { try JSONEncoder().encode($0) }) { .json($0) })
    }
}
