/// What a `LISTEN` brings.
package enum DatabaseNotification: Hashable, Sendable {
    /// Listening has begun, or begun again after the connection was lost: what was sent before may have been missed.
    case listening
    /// A `NOTIFY` with its payload.
    case notified(String)
}

/// The notifications of one channel, over a connection of its own, which comes back by itself when lost.
/// Ends only when the task is cancelled.
package struct DatabaseNotifications: AsyncSequence {
    fileprivate let settings: DatabaseSettings
    fileprivate let channel: String

    package func makeAsyncIterator() -> Iterator {
        Iterator(connection: Connection(settings: settings), channel: channel)
    }

    package struct Iterator: AsyncIteratorProtocol {
        fileprivate let connection: Connection
        fileprivate let channel: String
        private let breaker = CircuitBreaker()
        private let wake = Wakeup()
        private var isListening = false

        fileprivate init(connection: Connection, channel: String) {
            self.connection = connection
            self.channel = channel
        }

        package mutating func next() async -> DatabaseNotification? {
            while !Task.isCancelled {
                do throws(DatabaseError) {
                    if !isListening {
                        try await connection.open(breaker)
                        try await connection.query("LISTEN \"\(channel)\"")
                        isListening = true
                        return .listening
                    }
                    let wake = wake
                    let waited = await withTaskCancellationHandler {
                        await connection.awaitNotification(wake)
                    } onCancel: {
                        wake.ring()
                    }
                    let payload = try waited.get()
                    if let payload { return .notified(payload) }
                } catch {
                    isListening = false
                    try? await Task.sleep(for: .milliseconds(250))
                }
            }
            await connection.close()
            return nil
        }
    }
}

extension Database {
    /// Listens to a channel; the first element says that listening has begun.
    package func notifications(on channel: String) -> DatabaseNotifications {
        DatabaseNotifications(settings: settings, channel: channel)
    }
}
