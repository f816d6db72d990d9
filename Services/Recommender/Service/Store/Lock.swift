import Database
import Messages

/// The locks that make the recommender's transactions see each other; all end with the transaction.
///
/// Whoever changes or reads one person's rows takes both, the person's first; a publication takes only its own.
enum Lock {
    /// Keeps the current version in place, and all other transactions about this person out.
    static func person(_ user: UserID, _ connection: isolated Connection) throws {
        try connection.query("SELECT pg_advisory_xact_lock(3360, hashtext($1))", .text(user.description))
        try connection.query("SELECT pg_advisory_xact_lock_shared(3361, 0)")
    }

    /// Waits until no transaction about anybody runs, and keeps new ones waiting: for the moment of a promotion.
    static func publication(_ connection: isolated Connection) throws {
        try connection.query("SELECT pg_advisory_xact_lock(3361, 0)")
    }
}
