package import Database
package import Messages

/// Users who are one person. A merge is a link from one user to the other, which can be cut again: each keeps their own
/// templates, and `identity.users.person` says whom everybody is. All of it happens in a transaction whose caller holds the lock.
package enum Merges {
    /// Why users cannot be merged.
    package enum MergeError: Error, Hashable {
        case unknown(UserID)
        case sameUser
    }

    /// Makes two users one person: the one whom `user` is.
    package static func merge(
        _ user: UserID, with other: UserID, on connection: isolated Connection
    ) throws -> UsersMerged {
        let (person, joining) = try people(user, other, on: connection)
        if person != joining {
            try connection.query(
                "INSERT INTO identity.merges (user_id, into_user) VALUES ($1, $2)",
                .uuid(joining.uuid), .uuid(person.uuid))
            try rename(to: person, on: connection)
        }
        return try merged([person], on: connection)
    }

    /// Undoes the merge that made the other user one person with `user`, with all who had been merged with the other before.
    /// Two who are two people already stay so.
    package static func part(
        _ user: UserID, from other: UserID, on connection: isolated Connection
    ) throws -> UsersMerged {
        let (person, same) = try people(user, other, on: connection)
        guard person == same else { return try merged([person, same], on: connection) }
        let parted = other == person ? user : other
        try connection.query("DELETE FROM identity.merges WHERE user_id = $1", .uuid(parted.uuid))
        try rename(to: parted, on: connection)
        return try merged(parted == user ? [parted, person] : [person, parted], on: connection)
    }

    /// All users who are one person with any of these; unknown ones are nobody.
    package static func everybody(with users: [UserID], on connection: isolated Connection) throws -> [UserID] {
        try connection.query(
            """
            SELECT id FROM identity.users WHERE person IN (SELECT person FROM identity.users WHERE id = ANY ($1))
            ORDER BY created_at, id
            """, .uuids(users.map(\.uuid))
        ).map { UserID(try $0.decode("id")) }
    }

    /// Whom both users are.
    private static func people(
        _ user: UserID, _ other: UserID, on connection: isolated Connection
    ) throws -> (UserID, UserID) {
        guard user != other else { throw MergeError.sameUser }
        func person(_ user: UserID) throws -> UserID {
            let rows = try connection.query("SELECT person FROM identity.users WHERE id = $1", .uuid(user.uuid))
            guard let row = rows.first else { throw MergeError.unknown(user) }
            return UserID(try row.decode("person"))
        }
        return (try person(user), try person(other))
    }

    /// Everybody linked to a user is that person from now on; workers read their faces again.
    private static func rename(to person: UserID, on connection: isolated Connection) throws {
        let faces = try connection.query(
            """
            WITH RECURSIVE linked (id) AS (
                SELECT $1::uuid UNION ALL SELECT user_id FROM identity.merges JOIN linked ON into_user = linked.id
            ), renamed AS (
                UPDATE identity.users SET person = $1 WHERE id IN (SELECT id FROM linked) AND person <> $1 RETURNING id
            )
            SELECT id FROM identity.faces WHERE user_id IN (SELECT id FROM renamed) ORDER BY id
            """, .uuid(person.uuid))
        for face in faces { try FaceStore.record(face: face.decode("id"), added: true, on: connection) }
    }

    private static func merged(_ people: [UserID], on connection: isolated Connection) throws -> UsersMerged {
        let rows = try connection.query("SELECT coalesce(max(sequence), 0) AS sequence FROM identity.changes")
        return UsersMerged(
            people: try people.map { person in
                UsersMerged.Person(
                    user: person, merged: try everybody(with: [person], on: connection).filter { $0 != person })
            }, sequence: try rows[0].decode("sequence"))
    }
}
