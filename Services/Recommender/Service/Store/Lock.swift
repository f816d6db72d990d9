import Database
import FoundationEssentials
import Messages

/// The locks that make the recommender's transactions see each other; all end with the transaction.
///
/// Whoever changes or reads one person's rows takes both, the person's first; a publication takes only its own.
enum Lock {
    /// Keeps the current version in place, and all other transactions about this person out.
    ///
    /// - Returns: the id that the person's rows are kept under: another one where the user was merged with it.
    static func person(_ user: UserID, _ connection: isolated Connection) throws -> UserID {
        try alone(user, connection)
        let principal = try principal(of: user, connection)
        if principal != user { try alone(principal, connection) }
        try connection.query("SELECT pg_advisory_xact_lock_shared(3361, 0)")
        return principal
    }

    /// The same for users who are to be one person or several.
    static func people(_ users: Set<UserID>, _ connection: isolated Connection) throws {
        // In one order, so that two transactions about several people don't wait for each other.
        for user in users.sorted(by: { $0.description < $1.description }) { try alone(user, connection) }
        try connection.query("SELECT pg_advisory_xact_lock_shared(3361, 0)")
    }

    /// The id that a user's rows are kept under. It stays so while the user is locked.
    static func principal(of user: UserID, _ connection: isolated Connection) throws -> UserID {
        let rows = try connection.query(
            "SELECT principal FROM recommender.aliases WHERE user_id = $1", .uuid(user.uuid))
        return try rows.first.map { UserID(try $0.decode("principal", as: UUID.self)) } ?? user
    }

    private static func alone(_ user: UserID, _ connection: isolated Connection) throws {
        try connection.query("SELECT pg_advisory_xact_lock(3360, hashtext($1))", .text(user.description))
    }

    /// Waits until no transaction about anybody runs, and keeps new ones waiting: for the moment of a promotion.
    static func publication(_ connection: isolated Connection) throws {
        try connection.query("SELECT pg_advisory_xact_lock(3361, 0)")
    }
}
