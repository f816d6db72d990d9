import Database
import FoundationEssentials

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

    /// Half of all users have an id below this one.
    private static let middle = "'80000000-0000-0000-0000-000000000000'::uuid"

    /// Reads everything on two connections that see the same moment.
    static func read(_ store: Store) async throws -> Snapshot {
        try await store.database.transaction { connection in
            try connection.query("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
            try connection.query("SET LOCAL statement_timeout = 0")
            let moment = try connection.query(
                """
                SELECT pg_current_snapshot()::text AS moment, pg_export_snapshot() AS exported, last_value AS change
                FROM recommender.changes
                """)[0]
            let parameters = try connection.query("SELECT parameters FROM recommender.versions WHERE current").first
                .map {
                    try JSONDecoder().decode(TrainingParameters.self, from: try $0.decode("parameters", as: Data.self))
                }
            // Every rated video is one of these. Numbered in an order of their own, so that the same ratings give the same
            // version.
            let videos = try connection.query("SELECT video FROM recommender.items ORDER BY video COLLATE \"C\"")
                .map { try $0.decode("video", as: String.self) }
            let items = Dictionary(uniqueKeysWithValues: zip(videos, Int32(0)...))
            let exported: String = try moment.decode("exported")
            // This connection may have to wait for the other one.
            try connection.query("SET LOCAL idle_in_transaction_session_timeout = 0")
            async let upper = store.database.transaction { connection in
                try connection.query("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
                try connection.query("SET TRANSACTION SNAPSHOT '\(exported)'")
                return try UserRows(connection, users: ">= \(middle)", items: items, clickWeight: store.clickWeight)
            }
            var rows = try UserRows(connection, users: "< \(middle)", items: items, clickWeight: store.clickWeight)
            rows.append(try await upper)
            return try Snapshot(rows, moment: moment, videos: videos, parameters: parameters)
        }
    }

    private init(_ rows: UserRows, moment: Row, videos: [String], parameters: TrainingParameters?) throws {
        self.moment = try moment.decode("moment")
        change = try moment.decode("change")
        users = rows.users
        self.parameters = parameters
        // The enjoyed videos are numbered anew, in the same order.
        var numbers = [Int32](repeating: -1, count: videos.count)
        for item in rows.enjoyed.columns { numbers[Int(item)] = 0 }
        let enjoyed = videos.indices.filter { numbers[$0] == 0 }
        for (number, video) in enjoyed.enumerated() { numbers[video] = Int32(number) }
        self.videos = enjoyed.map { videos[$0] }
        latest = rows.latest.map { $0 < 0 ? -1 : numbers[Int($0)] }
        watched = rows.watched.renumberingColumns(numbers)
        ratings = Ratings(byUser: rows.enjoyed.renumberingColumns(numbers), items: enjoyed.count)
    }
}

/// Users in the order of their ids, with what they enjoyed and watched as rows of sums.
private struct UserRows: Sendable {
    private(set) var users: [UUID] = []
    private(set) var enjoyed: SparseRows
    private(set) var watched: SparseRows
    private(set) var latest: [Int32] = []

    /// A reaction or a click.
    private struct Rated {
        var item: Int32
        var value: Float
        /// Microseconds, as Postgres counts them.
        var at: Int64
    }

    /// Reads the users whose id is as the condition `users` says; `items` are the videos' numbers.
    init(_ connection: isolated Connection, users condition: String, items: [String: Int32], clickWeight: Float) throws
    {
        // By user, which two indices give without a sort: what one user has fits in memory. A row a user, since the server
        // spends more on a row than on what is in it.
        try connection.query("SET LOCAL enable_hashagg = off")
        try connection.query("SET LOCAL enable_sort = off")
        // What would be compiled takes longer to compile than to run.
        try connection.query("SET LOCAL jit = off")
        var (enjoyed, watched) = (SparseRows.Builder(), SparseRows.Builder())
        var (users, latest): ([UUID], [Int32]) = ([], [])
        try connection.copyOut(
            """
            SELECT user_id, array_agg(video), array_agg(rating), array_agg(at)
            FROM (
                SELECT user_id, video, rating::float4, at FROM recommender.reactions WHERE user_id \(condition)
                UNION ALL
                SELECT user_id, video, \(clickWeight)::float4, at FROM recommender.clicks WHERE user_id \(condition)
                ORDER BY user_id
            ) AS ratings
            GROUP BY user_id
            ORDER BY user_id
            """
        ) { row in
            let (user, videos) = (try row.next(UUID.self), try row.next([String].self))
            let (values, moments) = (try row.next([Float].self), try row.next([Int64].self))
            var entries = try videos.indices.map { index in
                guard let item = items[videos[index]] else {
                    throw DatabaseError.decoding("\(videos[index]) was rated and is not among the videos")
                }
                return Rated(item: item, value: values[index], at: moments[index])
            }
            entries.sort { ($0.item, $0.at) < ($1.item, $1.at) }
            var last = Rated(item: -1, value: 0, at: .min)
            var next = entries.startIndex
            while next < entries.endIndex {
                // r is the sum over what there is of a video, zero where it was only watched.
                var sum = entries[next]
                next += 1
                while next < entries.endIndex, entries[next].item == sum.item {
                    sum.value += entries[next].value
                    sum.at = entries[next].at
                    next += 1
                }
                if sum.value > 0 {
                    enjoyed.append(row: users.count, column: Int(sum.item), value: sum.value)
                    if sum.at > last.at { last = sum }
                } else {
                    watched.append(row: users.count, column: Int(sum.item), value: 0)
                }
            }
            users.append(user)
            latest.append(last.item)
        }
        self.enjoyed = enjoyed.build(rows: users.count)
        self.watched = watched.build(rows: users.count)
        (self.users, self.latest) = (users, latest)
    }

    /// Adds users that come behind these.
    mutating func append(_ other: UserRows) {
        users += other.users
        enjoyed.append(other.enjoyed)
        watched.append(other.watched)
        latest += other.latest
    }
}
