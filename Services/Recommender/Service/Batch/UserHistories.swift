import Database
import FoundationEssentials
import ImplicitALS
import Processor

/// Users in the order of their ids, each with what all their reactions and clicks come to: r of a video is as
/// `RatingWeights` has it, zero where it was only watched or is not for them.
///
/// A batch keeps what it made of a user in the table `summaries`, and reads the reactions and clicks only of those who rated
/// since: `people.changed` names the transaction that last changed a user's ratings, and a summary of another one is outdated.
struct UserHistories: Sendable {
    private(set) var users: [UUID] = []
    /// `people.changed` of each user.
    private var changed: [Int] = []
    /// Columns are the videos' numbers.
    private(set) var enjoyed = SparseRows()
    private(set) var watched = SparseRows()
    /// The video each user enjoyed last; -1 for none.
    private(set) var latest: [Int32] = []

    // MARK: Merging

    /// Adds users that come behind these.
    private mutating func append(_ other: UserHistories) {
        users += other.users
        changed += other.changed
        enjoyed.append(other.enjoyed)
        watched.append(other.watched)
        latest += other.latest
    }

    /// Adds one user of others, who comes behind these.
    private mutating func append(_ index: Int, of other: UserHistories) {
        users.append(other.users[index])
        changed.append(other.changed[index])
        enjoyed.append(row: index, of: other.enjoyed)
        watched.append(row: index, of: other.watched)
        latest.append(other.latest[index])
    }

    /// These users and others, none of whom is among these.
    private func merged(with other: UserHistories) -> UserHistories {
        if other.users.isEmpty { return self }
        if users.isEmpty { return other }
        var merged = UserHistories()
        var (next, nextOther) = (0, 0)
        while next < users.count || nextOther < other.users.count {
            if nextOther == other.users.count || next < users.count && users[next] < other.users[nextOther] {
                merged.append(next, of: self)
                next += 1
            } else {
                merged.append(nextOther, of: other)
                nextOther += 1
            }
        }
        return merged
    }

    // MARK: Reading

    /// Reads all users, and says which of them are not kept yet.
    ///
    /// - Parameters:
    ///   - connection: a transaction that sees one moment.
    ///   - exported: the moment's name, for a second connection to see it too.
    ///   - videos: the videos by their numbers.
    static func read(
        _ store: Store, _ connection: isolated Connection, exported: String, videos: [String?]
    ) async throws -> (all: UserHistories, new: UserHistories) {
        let outdated = try outdated(connection, store.weights)
        guard !outdated.isEmpty else {
            return (try kept(connection, store.weights), UserHistories())
        }
        var numbers: [String: Int32] = [:]
        for (number, video) in zip(Int32(0)..., videos) where video != nil { numbers[video!] = number }
        let (items, middle) = (numbers, outdated.count / 2)
        // This connection may have to wait for the other one.
        try connection.query("SET LOCAL idle_in_transaction_session_timeout = 0")
        async let upper = store.database.transaction { connection in
            try connection.query("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
            try connection.query("SET TRANSACTION SNAPSHOT '\(exported)'")
            return try summingUp(outdated[middle...], connection, items: items, store.weights)
        }
        var new = try summingUp(outdated[..<middle], connection, items: items, store.weights)
        new.append(try await upper)
        return (try kept(connection, store.weights).merged(with: new), new)
    }

    private static func kept(_ connection: isolated Connection, _ weights: RatingWeights) throws -> UserHistories {
        var kept = UserHistories()
        // By the indices, which have it in order.
        for method in ["sort", "hashjoin"] { try connection.query("SET LOCAL enable_\(method) = off") }
        try connection.copyOut(
            """
            SELECT user_id, changed, enjoyed, ratings, watched, latest
            FROM recommender.people JOIN recommender.summaries USING (user_id, changed)
            WHERE click_weight = \(weights.click)::float4 AND like_weight = \(weights.like)::float4
            ORDER BY user_id
            """
        ) { row in
            kept.users.append(try row.next())
            kept.changed.append(try row.next())
            let enjoyed = try row.next(Data.self).withUnsafeBytes([Int32].init(littleEndian:))
            let ratings = try row.next(Data.self).withUnsafeBytes([Float].init(littleEndian:))
            kept.enjoyed.append(columns: enjoyed[...], values: ratings[...])
            let watched = try row.next(Data.self).withUnsafeBytes([Int32].init(littleEndian:))
            kept.watched.append(columns: watched[...], values: [Float](repeating: 0, count: watched.count)[...])
            kept.latest.append(try row.next())
        }
        return kept
    }

    /// A user whose reactions, clicks and feedback must be read.
    private struct Outdated: Sendable {
        var user: UUID
        var changed: Int
    }

    private static func outdated(_ connection: isolated Connection, _ weights: RatingWeights) throws -> [Outdated] {
        try connection.query(
            """
            SELECT user_id, changed FROM recommender.people
            WHERE changed IS NOT NULL AND NOT EXISTS (
                SELECT FROM recommender.summaries
                WHERE summaries.user_id = people.user_id AND summaries.changed = people.changed
                    AND click_weight = $1 AND like_weight = $2
            ) ORDER BY user_id
            """, .double(Double(weights.click)), .double(Double(weights.like))
        ).map { Outdated(user: try $0.decode("user_id"), changed: try $0.decode("changed")) }
    }

    /// A reaction, a click or what was said.
    private struct Rated {
        var item: Int32
        var value: Float
        /// Microseconds, as Postgres counts them.
        var at: Int64
    }

    /// Reads the reactions, clicks and feedback of users, who must be in the order of their ids; `items` are the videos' numbers.
    private static func summingUp(
        _ users: ArraySlice<Outdated>, _ connection: isolated Connection, items: [String: Int32],
        _ weights: RatingWeights
    ) throws -> UserHistories {
        let chunk = 500
        var (enjoyed, watched) = (SparseRows.Builder(), SparseRows.Builder())
        var latest = [Int32](repeating: -1, count: users.count)
        var next = users.startIndex
        for begin in stride(from: users.startIndex, to: users.endIndex, by: chunk) {
            let ids = users[begin..<min(begin + chunk, users.endIndex)].map { "'\($0.user)'" }.joined(separator: ",")
            // A row a user, since the server spends more on a row than on what is in it; what one user has fits in memory.
            try connection.copyOut(
                """
                SELECT user_id, videos, ratings, moments
                FROM unnest(ARRAY[\(ids)]::uuid[]) AS outdated (user_id) CROSS JOIN LATERAL (
                    SELECT array_agg(video) AS videos, array_agg(rating) AS ratings, array_agg(at) AS moments
                    FROM \(weights.ratings) AS watched WHERE watched.user_id = outdated.user_id
                ) AS history
                WHERE videos IS NOT NULL ORDER BY user_id
                """
            ) { row in
                let user: UUID = try row.next()
                while users[next].user != user { next += 1 }
                let (videos, values) = (try row.next([String].self), try row.next([Float].self))
                let moments = try row.next([Int64].self)
                let entries = try videos.indices.map { index in
                    guard let item = items[videos[index]] else {
                        throw DatabaseError.decoding("\(videos[index]) was rated and is not among the videos")
                    }
                    return Rated(item: item, value: values[index], at: moments[index])
                }
                latest[next - users.startIndex] = sumUp(
                    entries, row: next - users.startIndex, enjoyed: &enjoyed, watched: &watched)
                next += 1
            }
        }
        var summaries = UserHistories()
        (summaries.users, summaries.changed) = (users.map(\.user), users.map(\.changed))
        (summaries.enjoyed, summaries.watched) = (enjoyed.build(rows: users.count), watched.build(rows: users.count))
        summaries.latest = latest
        return summaries
    }

    /// Adds one user's sums; returns the video enjoyed last.
    private static func sumUp(
        _ entries: [Rated], row: Int, enjoyed: inout SparseRows.Builder, watched: inout SparseRows.Builder
    ) -> Int32 {
        let entries = entries.sorted { ($0.item, $0.at) < ($1.item, $1.at) }
        var last = Rated(item: -1, value: 0, at: .min)
        var next = entries.startIndex
        while next < entries.endIndex {
            var sum = entries[next]
            next += 1
            while next < entries.endIndex, entries[next].item == sum.item {
                sum.value += entries[next].value
                sum.at = entries[next].at
                next += 1
            }
            if sum.value > 0 {
                enjoyed.append(row: row, column: Int(sum.item), value: sum.value)
                if sum.at > last.at { last = sum }
            } else {
                watched.append(row: row, column: Int(sum.item), value: 0)
            }
        }
        return last.item
    }

    // MARK: Keeping

    /// Keeps these for the next batch, and drops what was kept of them before. Of users erased meanwhile nothing stays.
    func keep(_ store: Store) async throws {
        guard !users.isEmpty else { return }
        try await store.database.transaction { connection in
            try connection.liftLimit()
            try connection.copyIn(
                "recommender.summaries",
                columns: [
                    "user_id", "changed", "click_weight", "like_weight", "enjoyed", "ratings", "watched", "latest",
                ]
            ) { writer in
                for index in users.indices {
                    try writer.append(users[index])
                    try writer.append(changed[index])
                    try writer.append(store.weights.click)
                    try writer.append(store.weights.like)
                    let range = enjoyed.range(of: index)
                    try writer.append(Data(enjoyed.columns[range].littleEndian))
                    try writer.append(Data(enjoyed.values[range].littleEndian))
                    try writer.append(Data(watched.columns[watched.range(of: index)].littleEndian))
                    try writer.append(latest[index])
                }
            }
            try Lock.publication(connection)
            try connection.query(
                """
                DELETE FROM recommender.summaries WHERE user_id = ANY ($1) AND (
                    click_weight <> $2 OR like_weight <> $3 OR NOT EXISTS (
                        SELECT FROM recommender.people
                        WHERE people.user_id = summaries.user_id AND people.changed = summaries.changed
                    )
                )
                """, .uuids(users), .double(Double(store.weights.click)),
                .double(Double(store.weights.like)))
        }
    }
}
