import Database
package import FoundationEssentials
package import Messages

/// What a person has watched, by reaction or click, and how much they enjoyed it.
package struct History: Sendable {
    package struct Entry: Sendable, Hashable {
        package var video: VideoID
        package var title: String
        /// r = reactions + weight · clicks; zero when the person only watched.
        package var rating: Float
        package var lastSeen: Date
    }

    /// The least recently seen first.
    package let entries: [Entry]

    package init(entries: [Entry] = []) {
        self.entries = entries
    }

    /// Everything the person must not be shown again so soon.
    package var seen: Set<VideoID> { Set(entries.map(\.video)) }

    /// Reads one person's.
    init(of user: UserID, clickWeight: Float, _ connection: isolated Connection) throws {
        let rows = try connection.query(
            """
            SELECT video, title, sum(rating)::float4 AS rating, max(at) AS last_seen
            FROM (
                SELECT video, rating::float4, at FROM recommender.reactions WHERE user_id = $1
                UNION ALL
                SELECT video, $2::float4, at FROM recommender.clicks WHERE user_id = $1
            ) AS watched JOIN recommender.items USING (video)
            GROUP BY video, title ORDER BY last_seen, video
            """, .uuid(user.uuid), .double(Double(clickWeight)))
        entries = try rows.map { row in
            Entry(
                video: try row.video(), title: try row.decode("title"), rating: try row.decode("rating"),
                lastSeen: try row.decode("last_seen"))
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
