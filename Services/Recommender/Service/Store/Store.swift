package import Database
import FoundationEssentials
import ImplicitALS
import Messages

/// What the recommender knows of people, videos and ratings.
///
/// Everything a job changes and reads happens in one transaction, and every change can be made twice with no second effect.
package struct Store: Sendable {
    package let database: Database
    package let weights: RatingWeights
    /// How many collaborative rows a person has in a version.
    package let rows: Int
    package let models: ModelCache

    package init(
        database: Database, weights: RatingWeights = RatingWeights(), rows: Int, models: ModelCache = ModelCache()
    ) {
        self.database = database
        self.weights = weights
        self.rows = rows
        self.models = models
    }

    /// Makes or updates the tables and puts the catalogue's videos among the items.
    package func prepare(_ catalogue: Catalogue) async throws {
        try await database.migrate(schema: Schema.name, Schema.migrations)
        let videos = catalogue.entries.map(\.video)
        try await database.transaction { connection in try TransactionNumbers.recount(connection) }
        try await database.transaction { connection in try Self.add(videos, connection) }
    }

    /// Puts videos among the items that can be rated, clicked and recommended.
    static func add(_ videos: [Video], _ connection: isolated Connection) throws {
        // In the order of their ids, so that two transactions that add the same ones don't wait for each other.
        let videos = videos.sorted { $0.id.rawValue < $1.id.rawValue }
        // Only what is new, since every row that is tried takes a number.
        try connection.query(
            """
            WITH added AS (
                INSERT INTO recommender.items (video, title) SELECT video, title FROM unnest($1, $2) AS new (video, title)
                WHERE NOT EXISTS (SELECT FROM recommender.items WHERE items.video = new.video AND items.title = new.title)
                ON CONFLICT (video) DO UPDATE SET title = excluded.title WHERE items.title <> excluded.title
                RETURNING video
            ) INSERT INTO recommender.popularity (video) SELECT video FROM added ON CONFLICT DO NOTHING
            """, .texts(videos.map(\.id.rawValue)), .texts(videos.map(\.title)))
    }

    /// Whether the user asked to be forgotten.
    func isErased(_ user: UserID, _ connection: isolated Connection) throws -> Bool {
        try !connection.query(
            "SELECT 1 FROM recommender.erased WHERE user_hash = sha256(uuid_send($1))", .uuid(user.uuid)
        ).isEmpty
    }

    /// How the user last looked; `nil` when nothing is known of them.
    func mood(of user: UserID, _ connection: isolated Connection) throws -> MoodName? {
        let rows = try connection.query("SELECT mood FROM recommender.people WHERE user_id = $1", .uuid(user.uuid))
        return try rows.first.flatMap { MoodName(rawValue: try $0.decode("mood")) }
    }

    func isKnown(_ video: VideoID, _ connection: isolated Connection) throws -> Bool {
        try !connection.query("SELECT 1 FROM recommender.items WHERE video = $1", .text(video.rawValue)).isEmpty
    }

    /// Remembers that the user was seen in this mood.
    func see(_ user: UserID, _ mood: MoodName, _ connection: isolated Connection) throws {
        try connection.query(
            """
            INSERT INTO recommender.people (user_id, mood) VALUES ($1, $2)
            ON CONFLICT (user_id) DO UPDATE SET mood = excluded.mood, seen_at = now()
            """, .uuid(user.uuid), .text(mood.rawValue))
    }

    /// What a reaction or click came to.
    enum Change {
        /// Nothing: it was there already.
        case none
        /// A rating, but no new choice: the person had chosen the video before, or did not enjoy it.
        case rating
        /// The person chose the video for the first time: `count` it at the transaction's end.
        case choice
    }

    /// Stores a reaction, once a user, video and play session: later ones only raise a 0 to 1.
    func rate(
        _ user: UserID, _ watching: Watching, rating: Int, job: JobID, _ connection: isolated Connection
    ) throws -> Change {
        try change(
            connection.query(
                """
                WITH stored AS (
                    INSERT INTO recommender.reactions (user_id, video, session, rating, job)
                    SELECT $1, video, $3, $4::smallint, $5 FROM recommender.items WHERE video = $2
                    ON CONFLICT (user_id, video, session, origin) DO UPDATE SET rating = excluded.rating, job = excluded.job
                        WHERE reactions.rating < excluded.rating
                    RETURNING rating
                ) SELECT rating = 1 AND NOT \(Self.isChosen) AS first FROM stored
                """, .uuid(user.uuid), .text(watching.video.rawValue), .text(watching.session), .integer(rating),
                .uuid(job.uuid)))
    }

    /// Stores a click, once a job.
    func click(_ user: UserID, _ video: VideoID, job: JobID, _ connection: isolated Connection) throws -> Change {
        try change(
            connection.query(
                """
                WITH stored AS (
                    INSERT INTO recommender.clicks (user_id, video, job) VALUES ($1, $2, $3)
                    ON CONFLICT (job) DO NOTHING RETURNING job
                ) SELECT NOT \(Self.isChosen) AS first FROM stored
                """, .uuid(user.uuid), .text(video.rawValue), .uuid(job.uuid)))
    }

    /// Whether the person `$1` had chosen the video `$2` before the statement.
    private static let isChosen = "EXISTS (SELECT FROM recommender.chosen WHERE user_id = $1 AND video = $2)"

    private func change(_ stored: Rows) throws -> Change {
        guard let row = stored.first else { return .none }
        return try row.decode("first") ? .choice : .rating
    }

    /// Stores what a user says of a video, or that they take it back, as long as nothing later has been said.
    ///
    /// - Parameter said: when the request came in.
    /// - Returns: what it came to, and by how much the number of those who chose the video changed: `count` it at the
    ///   transaction's end.
    func say(
        _ kind: FeedbackKind?, of video: VideoID, _ user: UserID, said: Date, _ connection: isolated Connection
    ) throws -> (isChanged: Bool, choices: Int) {
        let person: [Parameter] = [.uuid(user.uuid), .text(video.rawValue)]
        func choices() throws -> Int {
            try connection.query("SELECT \(Self.isChosen)::int AS n", person[0], person[1])[0].decode("n")
        }
        let before = try choices()
        var changed = try connection.query(
            """
            DELETE FROM recommender.feedback WHERE user_id = $1 AND video = $2 AND at <= $3
                AND (origin IS NOT NULL OR kind IS DISTINCT FROM $4)
            """, person[0], person[1], .timestamp(said), .optional(kind) { .text($0.rawValue) }
        ).affected
        if let kind {
            changed += try connection.query(
                """
                INSERT INTO recommender.feedback (user_id, video, at, kind) SELECT $1, $2, $3, $4
                WHERE NOT EXISTS (SELECT FROM recommender.feedback WHERE user_id = $1 AND video = $2)
                """, person[0], person[1], .timestamp(said), .text(kind.rawValue)
            ).affected
        }
        return (changed > 0, try choices() - before)
    }

    /// Counts more people, or fewer, who chose the video. To be called last in a transaction: whoever chooses the same video waits
    /// for its end.
    func count(_ video: VideoID, by people: Int = 1, _ connection: isolated Connection) throws {
        try connection.query(
            """
            INSERT INTO recommender.popularity (video, people) VALUES ($1, $2)
            ON CONFLICT (video) DO UPDATE SET people = popularity.people + excluded.people
            """, .text(video.rawValue), .integer(people))
    }

    /// To be called when a user's ratings changed: counts the change and folds them into the current version.
    func changed(_ user: UserID, history: History, _ model: PublishedModel?, _ connection: isolated Connection) throws {
        try connection.query(
            """
            UPDATE recommender.people SET changed = pg_current_xact_id() WHERE user_id = $1
            RETURNING nextval('recommender.changes')
            """, .uuid(user.uuid))
        if let model { try foldIn(user, history, model, connection) }
    }

    /// Replaces a user's rows in a version by those that all their ratings give now.
    func foldIn(_ user: UserID, _ history: History, _ model: PublishedModel, _ connection: isolated Connection) throws {
        let top = try model.top(rows, for: history)
        try connection.query(
            "DELETE FROM recommender.top WHERE version = $1 AND user_id = $2", .integer(model.version), .uuid(user.uuid)
        )
        try connection.query(
            """
            INSERT INTO recommender.top (version, user_id, rank, video, score)
            SELECT $1, $2, rank, video, score FROM unnest($3, $4::float4[]) WITH ORDINALITY AS row (video, score, rank)
            """, .integer(model.version), .uuid(user.uuid), .texts(top.map { model.videos[$0.item].rawValue }),
            .doubles(top.map { Double($0.score) }))
    }

    /// A user's rows in a version, best first.
    func top(_ user: UserID, version: Int, _ connection: isolated Connection) throws -> [Scored] {
        try connection.query(
            """
            SELECT video, title, score FROM recommender.top JOIN recommender.items USING (video)
            WHERE version = $1 AND user_id = $2 ORDER BY rank
            """, .integer(version), .uuid(user.uuid)
        ).map { try Scored($0) }
    }

    /// What most people chose, by how many did, without `excluded`.
    func popular(_ limit: Int, excluding excluded: Set<VideoID>, _ connection: isolated Connection) throws -> [Scored] {
        try connection.query(
            """
            SELECT video, title, people::float4 AS score FROM recommender.popularity JOIN recommender.items USING (video)
            WHERE video <> ALL ($1) ORDER BY people DESC, video LIMIT $2
            """, .texts(excluded.map(\.rawValue)), .integer(limit)
        ).map { try Scored($0) }
    }

    /// What YouTube found for keywords, by keyword; those it was not asked about for two days are missing.
    func found(_ keywords: [String], _ connection: isolated Connection) throws -> [String: [Video]] {
        let rows = try connection.query(
            """
            SELECT query, videos FROM recommender.youtube
            WHERE query = ANY ($1) AND videos IS NOT NULL AND found_at > now() - interval '2 days'
            """, .texts(keywords))
        var found: [String: [Video]] = [:]
        for row in rows {
            found[try row.decode("query")] = try JSONDecoder().decode(
                [Video].self, from: try row.decode("videos", as: Data.self))
        }
        return found
    }

    /// Deletes everything about a person, in every version that is kept, and sees to it that nothing is stored again while jobs
    /// that began before may still come.
    ///
    /// - Parameters:
    ///   - user: one of the person's ids, or the only one; the caller holds its lock.
    ///   - isKnown: whether an earlier stage knew the user: then a job about them may be under way although nothing is here yet.
    /// - Returns: the person's ids; none when they were unknown, there and here: then nothing is changed.
    func erase(_ user: UserID, isKnown: Bool, _ connection: isolated Connection) throws -> [UserID] {
        let others = try connection.query(
            """
            SELECT user_id FROM recommender.aliases WHERE user_id <> $1
                AND principal = (SELECT principal FROM recommender.aliases WHERE user_id = $1)
            """, .uuid(user.uuid)
        ).map { UserID(try $0.decode("user_id", as: UUID.self)) }
        let ids = [user] + others
        let person = Parameter.uuids(ids.map(\.uuid))
        let chosen = try connection.query("SELECT video FROM recommender.chosen WHERE user_id = ANY ($1)", person)
            .map { try $0.decode("video", as: String.self) }
        var deleted: [String: Int] = [:]
        for table in Self.rated + ["summaries", "top", "aliases", "people"] {
            deleted[table] = try connection.query(
                "DELETE FROM recommender.\(table) WHERE user_id = ANY ($1)", person
            ).affected
        }
        if Self.rated.contains(where: { deleted[$0] != 0 }) {
            try connection.query("SELECT nextval('recommender.changes')")
        }
        guard isKnown || deleted["people"] != 0 else { return [] }
        try connection.query(
            """
            INSERT INTO recommender.erased (user_hash) SELECT sha256(uuid_send(id)) FROM unnest($1) AS id
            ON CONFLICT DO NOTHING
            """, person)
        // In one order, so that two erasures don't wait for each other; last, since others wait for these rows.
        try connection.query(
            """
            WITH chosen AS (SELECT video FROM recommender.popularity WHERE video = ANY ($1) ORDER BY video FOR UPDATE)
            UPDATE recommender.popularity SET people = people - 1 FROM chosen WHERE popularity.video = chosen.video
            """, .texts(chosen))
        return ids
    }

    /// Forgets who was erased so long ago that no job under way can be about them.
    func forgetErasures() async throws {
        try await database.query(
            "DELETE FROM recommender.erased WHERE at < now() - make_interval(secs => $1)",
            .double(Double(JobHeader.longestLife.components.seconds)))
    }
}

/// A video and a score that belongs to where it comes from.
package struct Scored: Sendable, Hashable {
    package var video: Video
    package var score: Float

    package init(video: Video, score: Float) {
        self.video = video
        self.score = score
    }

    fileprivate init(_ row: Row) throws(DatabaseError) {
        self.init(video: Video(id: try row.video(), title: try row.decode("title")), score: try row.decode("score"))
    }
}
