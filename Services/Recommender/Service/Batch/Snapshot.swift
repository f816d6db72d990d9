import Database
import FoundationEssentials
import ImplicitALS

/// The ratings at one moment, and what a batch must know of the current version.
struct Snapshot: Sendable {
    /// The moment, as Postgres writes it, and the value of the sequence `changes`.
    var moment: String
    var change: Int
    var users: [UUID]
    /// The videos that somebody enjoyed: the others have no vectors.
    var videos: [String]
    var ratings: Ratings
    /// What was watched without being enjoyed.
    var watched: SparseRows
    /// The video each user enjoyed last; -1 for none.
    var latest: [Int32]
    /// The current version's settings.
    var parameters: TrainingParameters?

    /// Reads everything at one moment, and turns it on `threads` threads; afterwards keeps, for the next batch, what it had to
    /// sum up.
    static func read(_ store: Store, threads: Int) async throws -> Snapshot {
        let (snapshot, new) = try await store.database.transaction { connection in
            try connection.query("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
            try connection.liftLimit()
            let moment = try connection.query(
                """
                SELECT pg_current_snapshot()::text AS moment, pg_export_snapshot() AS exported, last_value AS change
                FROM recommender.changes
                """)[0]
            let parameters = try connection.query("SELECT parameters FROM recommender.versions WHERE current").first
                .map {
                    try JSONDecoder().decode(TrainingParameters.self, from: try $0.decode("parameters", as: Data.self))
                }
            var videos: [String?] = []
            for row in try connection.query("SELECT number, video FROM recommender.items ORDER BY number") {
                videos += repeatElement(nil, count: try row.decode("number") - videos.count)
                videos.append(try row.decode("video"))
            }
            let (all, new) = try await UserHistories.read(
                store, connection, exported: try moment.decode("exported"), videos: videos)
            return (try Snapshot(all, moment: moment, videos: videos, parameters: parameters, threads: threads), new)
        }
        try await new.keep(store)
        return snapshot
    }

    private init(
        _ rows: UserHistories, moment: Row, videos: [String?], parameters: TrainingParameters?, threads: Int
    ) throws {
        self.moment = try moment.decode("moment")
        change = try moment.decode("change")
        users = rows.users
        self.parameters = parameters
        // The enjoyed videos are numbered anew, in the same order.
        var numbers = [Int32](repeating: -1, count: videos.count)
        for item in rows.enjoyed.columns { numbers[Int(item)] = 0 }
        let enjoyed = videos.indices.filter { numbers[$0] == 0 }
        for (number, video) in enjoyed.enumerated() { numbers[video] = Int32(number) }
        self.videos = enjoyed.compactMap { videos[$0] }
        latest = rows.latest.map { $0 < 0 ? -1 : numbers[Int($0)] }
        watched = rows.watched.renumberingColumns(numbers)
        ratings = Ratings(byUser: rows.enjoyed.renumberingColumns(numbers), items: enjoyed.count, threads: threads)
    }
}
