import Database
import FoundationEssentials
import Messages

extension Store {
    /// All that is kept of a user; `nil` when nothing is.
    func record(of user: UserID, _ connection: isolated Connection) throws -> ViewerRecord? {
        guard
            let person = try connection.query(
                """
                SELECT mood, seen_at, (
                    SELECT version FROM recommender.top JOIN recommender.versions ON number = version
                    WHERE current AND user_id = $1 LIMIT 1
                ) AS version FROM recommender.people WHERE user_id = $1
                """, .uuid(user.uuid)
            ).first, let mood = MoodName(rawValue: try person.decode("mood"))
        else { return nil }
        func rows(_ column: String, of table: String) throws -> Rows {
            try connection.query(
                """
                SELECT video, title, \(column) AS said, at FROM recommender.\(table) JOIN recommender.items USING (video)
                WHERE user_id = $1 ORDER BY at, video
                """, .uuid(user.uuid))
        }
        return ViewerRecord(
            mood: ViewerRecord.Visit(mood, at: try person.decode("seen_at")),
            watched: try rows("rating", of: "reactions").map { row in
                ViewerRecord.Watched(try row.named(), rating: try row.decode("said"), at: try row.decode("at"))
            },
            chosen: try rows("1", of: "clicks").map { row in
                ViewerRecord.Chosen(try row.named(), at: try row.decode("at"))
            },
            feedback: try rows("kind", of: "feedback").map { row in
                guard let kind = FeedbackKind(rawValue: try row.decode("said")) else {
                    throw DatabaseError.decoding("kind: feedback that this build does not know")
                }
                return ViewerRecord.Said(try row.named(), kind, at: try row.decode("at"))
            }, version: try person.decode("version"))
    }
}

extension Row {
    /// The columns `video` and `title`.
    fileprivate func named() throws(DatabaseError) -> NamedVideo {
        NamedVideo(try video(), title: try decode("title"))
    }
}
