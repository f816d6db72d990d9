import Database
import FoundationEssentials
import Messages

extension Store {
    /// Joins what is kept of users who are one person, or parts it again: rows move to whoever they count for and remember whose
    /// they were, so that a merge can be undone.
    ///
    /// The same again changes nothing, and nor does what has been overtaken by a later merge, or is about somebody erased.
    func merge(_ merged: UsersMerged, _ connection: isolated Connection) throws {
        let meant = merged.people.flatMap { person in
            ([person.user] + person.merged).map { (id: $0, person: person.user) }
        }
        let everybody = Set(meant.map(\.id))
        try Lock.people(everybody, connection)
        var moved: [(id: UserID, person: UserID)] = []
        for (id, person) in meant where try !isErased(id, connection) && !isErased(person, connection) {
            let before = try Lock.principal(of: id, connection)
            let written = try connection.query(
                """
                INSERT INTO recommender.aliases (user_id, principal, sequence) VALUES ($1, $2, $3)
                ON CONFLICT (user_id) DO UPDATE SET principal = excluded.principal, sequence = excluded.sequence
                    WHERE aliases.sequence < excluded.sequence
                """, .uuid(id.uuid), .uuid(person.uuid), .integer(merged.sequence))
            if written.affected > 0, before != person { moved.append((id, person)) }
        }
        guard !moved.isEmpty else { return }
        let before = try choices(of: everybody, connection)
        for (id, person) in moved {
            for table in Self.rated {
                try connection.query(
                    """
                    UPDATE recommender.\(table) SET user_id = $2, origin = nullif($1::uuid, $2)
                    WHERE origin = $1 OR user_id = $1 AND origin IS NULL
                    """, .uuid(id.uuid), .uuid(person.uuid))
            }
            // Whoever the others are is known as soon as one of them is.
            try connection.query(
                """
                INSERT INTO recommender.people (user_id, mood, seen_at)
                SELECT $2, mood, seen_at FROM recommender.people WHERE user_id = $1 ON CONFLICT DO NOTHING
                """, .uuid(id.uuid), .uuid(person.uuid))
        }
        let model = try models.current(connection)?.model
        for user in everybody {
            try changed(user, history: History(of: user, weights: weights, connection), model, connection)
        }
        let after = try choices(of: everybody, connection)
        for video in Set(before.keys).union(after.keys).sorted(by: { $0.rawValue < $1.rawValue }) {
            let more = after[video, default: 0] - before[video, default: 0]
            if more != 0 { try count(video, by: more, connection) }
        }
    }

    /// The tables with one row for each thing that somebody did or said.
    static let rated = ["reactions", "clicks", "feedback"]

    /// How many of the users chose which videos.
    private func choices(of users: Set<UserID>, _ connection: isolated Connection) throws -> [VideoID: Int] {
        let rows = try connection.query(
            "SELECT video, count(*) AS people FROM recommender.chosen WHERE user_id = ANY ($1) GROUP BY video",
            .uuids(users.map(\.uuid)))
        return try Dictionary(uniqueKeysWithValues: rows.map { (try $0.video(), try $0.decode("people")) })
    }
}
