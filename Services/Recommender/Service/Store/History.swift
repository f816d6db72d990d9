import Database
package import FoundationEssentials
package import Messages

/// What a person has watched, by reaction or click, and how much they enjoyed it.
package struct History: Sendable {
    package struct Entry: Sendable, Hashable {
        package var video: VideoID
        package var title: String
        /// r, as `RatingWeights` has it; zero when the person only watched, or said that it is not for them.
        package var rating: Float
        package var lastSeen: Date
        /// The person said that it is not for them.
        package var isRefused = false
    }

    /// The least recently seen first.
    package let entries: [Entry]

    package init(entries: [Entry] = []) {
        self.entries = entries
    }

    /// Everything the person must not be shown again so soon.
    package var seen: Set<VideoID> { Set(entries.map(\.video)) }
    /// What they must never be shown again.
    package var refused: Set<VideoID> { Set(entries.filter(\.isRefused).map(\.video)) }

    /// Reads one person's.
    init(of user: UserID, weights: RatingWeights, _ connection: isolated Connection) throws {
        let rows = try connection.query(
            """
            SELECT video, title, greatest(sum(rating), 0)::float4 AS rating, max(at) AS last_seen,
                bool_or(rating < 0) AS refused
            FROM \(weights.ratings) JOIN recommender.items USING (video)
            WHERE user_id = $1
            GROUP BY video, title ORDER BY last_seen, video
            """, .uuid(user.uuid))
        entries = try rows.map { row in
            Entry(
                video: try row.video(), title: try row.decode("title"), rating: try row.decode("rating"),
                lastSeen: try row.decode("last_seen"), isRefused: try row.decode("refused"))
        }
    }
}

extension Row {
    /// The column `video`.
    func video() throws(DatabaseError) -> VideoID {
        let text: String = try decode("video")
        guard let id = VideoID(text) else { throw .decoding("\(text) is not a video id") }
        return id
    }
}
