/// Why the database did not do what it was asked.
package enum DatabaseError: Error, Hashable {
    /// There is no connection, or it was lost in mid-question: whether the question had an effect is not known.
    case unavailable(String)
    /// The server refused: its five-character SQLSTATE and its one-line message.
    case query(sqlState: String, message: String)
    /// What came back is not what the caller expected; the text names the column.
    case decoding(String)
    /// The task was cancelled while it waited.
    case cancelled
    /// The database's tables are not the ones this build knows.
    case migration(String)

    /// The server's SQLSTATE, if it answered at all.
    package var sqlState: String? {
        if case .query(let sqlState, _) = self { sqlState } else { nil }
    }

    /// Whether the same question may succeed later: the connection, the server's state or another transaction was in the way.
    package var isTransient: Bool {
        switch self {
        case .unavailable, .cancelled: true
        case .decoding, .migration: false
        case .query(let sqlState, _):
            // Class 08 connection, 40 rollback (serialisation, deadlock), 53 resources, 57 operator; 55P03 lock not
            // available, 25P03 idle too long within a transaction.
            ["08", "40", "53", "57"].contains(sqlState.prefix(2)) || sqlState == "55P03" || sqlState == "25P03"
        }
    }
}

extension DatabaseError {
    /// Whether the database is away altogether, rather than unwilling to do this one thing: whoever asks it anything
    /// has to wait until it is back.
    package var isOutage: Bool {
        switch self {
        case .unavailable: true
        case .cancelled, .decoding, .migration: false
        case .query(let sqlState, _):
            // Class 08 connection, 53 resources; 57P01 to 57P03 the server stops, crashed or starts; 25006 it is a copy
            // that takes no writing.
            ["08", "53"].contains(sqlState.prefix(2)) || ["57P01", "57P02", "57P03", "25006"].contains(sqlState)
        }
    }
}

extension DatabaseError: CustomStringConvertible {
    package var description: String {
        switch self {
        case .unavailable(let message): "the database is unavailable: \(message)"
        case .query(let sqlState, let message): "the database refused (\(sqlState)): \(message)"
        case .decoding(let message): "the database answered unexpectedly: \(message)"
        case .cancelled: "the question to the database was cancelled"
        case .migration(let message): "the database cannot be migrated: \(message)"
        }
    }
}
